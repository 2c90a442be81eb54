//! What `make chaos` does: clients and subscribers at work on real processes, while these, their servers and the lines
//! between them are broken; then everything that anybody was told is held against the log.

pub mod check;
pub mod history;
