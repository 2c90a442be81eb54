//! The notifier as a process of its own.

use std::process::ExitCode;

use holdfast_notifier::{ServiceSettings, bind};
use holdfast_runtime::lifecycle::{BoxError, Stage};

fn main() -> ExitCode {
    // Buffers of a socket are larger than what they mostly hold. With huge pages all of each is resident: 27 KiB a socket,
    // and 19 without. Where the kernel refuses, it is only memory.
    let _ = rustix::thread::disable_transparent_huge_pages(true);
    holdfast_runtime::main(async |settings: ServiceSettings, process| {
        let http = process.tasks.at(Stage::Http);
        let notifier = bind(&settings, &process.health, http.stopping())?;
        http.spawn("notifier", notifier.run());
        Ok::<_, BoxError>(())
    })
}
