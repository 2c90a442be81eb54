//! The notifier as a process of its own.

use std::process::ExitCode;

use holdfast_notifier::{ServiceSettings, bind};
use holdfast_runtime::{
    lifecycle::{BoxError, Stage},
    memory,
};

fn main() -> ExitCode {
    memory::take_small_pages();
    holdfast_runtime::main(async |settings: ServiceSettings, process| {
        let http = process.tasks.at(Stage::Http);
        let notifier = bind(&settings, &process.health, http.stopping())?;
        http.spawn("notifier", notifier.run());
        Ok::<_, BoxError>(())
    })
}
