//! What `make chaos` does: clients and subscribers at work on real processes, while these, their servers and the lines
//! between them are broken; then everything that anybody was told is held against the log.
//!
//! The clients (`user` and `buyer`, each an `asker`, and `subscriber` over a `line`) write a `history`; a `schedule` drawn from a seed says what happens to
//! the `town`; `check` judges, and is pure. `run` puts them together, and makes a `report`.

mod asker;
mod audience;
mod buyer;
mod check;
mod doors;
mod fault;
mod history;
mod journal;
mod line;
mod report;
mod request;
mod rest;
mod run;
mod schedule;
mod servers;
mod subscriber;
mod town;
mod user;
mod wish;

pub use fault::Kind;
pub use journal::History;
pub use report::Report;
pub use run::{Plan, run};
