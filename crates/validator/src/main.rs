//! The process of this service alone.

use std::process::ExitCode;

use holdfast_runtime::service::Process;
use holdfast_validator::{Settings, start};

fn main() -> ExitCode {
    #[cfg(feature = "failpoints")]
    let _failpoints = fail::FailScenario::setup();
    holdfast_runtime::main(async |settings: Settings, process: Process| start(&settings, &process))
}
