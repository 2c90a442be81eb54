//! Tests only: what whole flows over real processes need. The flows are in `tests/`.
//!
//! Owns how a process is built, started, told to stop and killed, how a client speaks to it, and how what clients were
//! told is held against the log. Never calls into a service: it knows them by their ports and their exit.

#![expect(clippy::unwrap_used, reason = "tests only: a failure is a panic")]

mod binaries;
pub mod buyers;
pub mod chaos;
mod client;
mod contract;
mod crowd;
mod front;
mod house;
mod ledger;
mod log;
mod names;
mod process;
mod socket;
mod stream;

pub use binaries::Binary;
pub use buyers::Buyers;
pub use client::{Answer, Client, booking};
pub use contract::{Call, Contract};
pub use crowd::{Crowd, Plan, Seen};
pub use front::Front;
pub use house::{House, root};
pub use ledger::{Ledger, Told};
pub use log::Log;
pub use names::Names;
pub use process::Process;
pub use socket::Socket;
