//! Measures the release binaries on this machine, beside what PostgreSQL does by itself. `make bench` runs it.
//!
//! Owns the load, the databases that it fills, and the processes that it starts. Never links a service: what is
//! measured runs as it would elsewhere, in processes of its own.

mod alone;
mod backlog;
mod child;
mod connection;
mod curve;
mod database;
mod error;
mod figures;
mod handles;
mod intake;
mod load;
mod log;
mod machine;
mod pace;
mod pgbench;
mod plot;
mod random;
mod report;
mod request;
mod response;
mod rounds;
mod row;
mod sale;
mod scratch;
mod service;
mod settings;
mod sockets;
mod stop;
mod sustained;
mod told;

use std::{
    io::{self, Write},
    path::Path,
    process::ExitCode,
};

use clap::Parser;

use crate::{error::Error, rounds::Round, settings::Settings, stop::Stop};

fn main() -> ExitCode {
    match run(&Settings::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("bench: {}", error::chain(&error));
            ExitCode::FAILURE
        }
    }
}

/// Whether every figure is valid.
fn run(settings: &Settings) -> Result<bool, Error> {
    let stop = Stop::on_signals()?;
    let (machine, rounds) = rounds::measure(settings, &stop)?;
    let text = report::table(settings, &machine, &rounds);
    io::stdout().write_all(text.as_bytes()).map_err(Error::io("stdout can't be written"))?;
    if let Some(file) = &settings.json {
        let json = format!("{:#}\n", report::json(settings, &machine, &rounds));
        write(file, &json)?;
    }
    if let (Some(file), Some(curve)) = (&settings.svg, rounds.iter().find_map(|round| round.curve.as_ref())) {
        write(file, &curve.svg())?;
    }
    Ok(rounds.iter().all(Round::is_valid))
}

/// Writes a file, and makes its directory if there is none.
fn write(file: &Path, text: &str) -> Result<(), Error> {
    let written = || {
        std::fs::create_dir_all(file.parent().unwrap_or(Path::new("")))?;
        std::fs::write(file, text)
    };
    written().map_err(Error::io(format!("{} can't be written", file.display())))
}
