//! The process of this service alone.

use std::process::ExitCode;

use holdfast_booking_api::{Settings, start};
use holdfast_runtime::service::Process;

fn main() -> ExitCode {
    #[cfg(feature = "failpoints")]
    let _failpoints = fail::FailScenario::setup();
    holdfast_runtime::main(async |settings: Settings, process: Process| start(&settings, &process).map(drop))
}
