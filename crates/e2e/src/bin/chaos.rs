//! `make chaos`: breaks what can break while clients are at work, and judges what they were told.

use std::{env, fs, panic::AssertUnwindSafe, path::PathBuf, process::ExitCode, sync::Arc, time::Duration};

use clap::{Parser, ValueEnum};
use futures_util::FutureExt;
use holdfast_e2e::chaos::{History, Kind, Plan, run};
use tokio::{
    select,
    signal::unix::{SignalKind, signal},
};
use uuid::Uuid;

/// Runs two of each service on servers of their own, with clients that book and take units of events and subscribers that
/// listen, while processes, servers and the lines between them are killed, stopped and cut; then holds everything that
/// anybody was told against the log. Exits with 1 if a promise was broken.
#[derive(Debug, Parser)]
#[command(name = "holdfast-chaos", version)]
struct Settings {
    /// For how long things are broken, in seconds
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    seconds: u64,
    /// What is drawn from it is the same each time; without it, another each time
    #[arg(long)]
    seed: Option<u64>,
    /// What is broken; everything, if nothing is named
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Kind>,
    /// How many changes a stream keeps: fewer than the log gets, and there is more to reload
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1_000..))]
    stream_length: u32,
    /// Takes a guard out of the services, as in `keys.not_looked_up=return`, to see that it is missed
    #[arg(long)]
    failpoints: Option<String>,
    /// Where the history and the processes' logs are kept when a promise was broken, in a directory of their own; without
    /// it, where temporary files are
    #[arg(long)]
    keep: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let settings = Settings::parse();
    let seed = settings.seed.unwrap_or_else(|| Uuid::now_v7().as_u64_pair().1 % 1_000_000);
    let name = format!("holdfast-chaos-{seed}-{}", Uuid::now_v7().simple());
    let directory = settings.keep.unwrap_or_else(env::temp_dir).join(name);
    if let Err(error) = fs::create_dir_all(&directory) {
        eprintln!("{} can't be made: {error}", directory.display());
        return ExitCode::FAILURE;
    }
    let Settings { seconds, only, stream_length, failpoints, .. } = settings;
    eprintln!("chaos: seed {seed}, {seconds} s; again with: make chaos SECONDS={seconds} SEED={seed}");
    let kinds = if only.is_empty() { Kind::value_variants().to_vec() } else { only };
    let lasts = Duration::from_secs(seconds);
    let plan = Plan { seed, lasts, kinds, stream_length, failpoints, directory: directory.clone() };
    let history = Arc::new(History::default());
    let ended = select! {
        ended = AssertUnwindSafe(run(&plan, &history)).catch_unwind() => ended,
        // All that was started ends with the run.
        () = told_to_stop() => {
            let _ = fs::remove_dir_all(&directory);
            return ExitCode::FAILURE;
        }
    };
    let is_good = match &ended {
        Ok(report) => {
            eprint!("{report}");
            report.breaches.is_empty()
        }
        // A panic has said what it has to say.
        Err(_) => false,
    };
    if is_good {
        // What is left over lies where the operator has said.
        let _ = fs::remove_dir_all(&directory);
        return ExitCode::SUCCESS;
    }
    let breaches = ended.iter().flat_map(|report| &report.breaches).map(|breach| format!("{breach}\n"));
    let kept = fs::write(directory.join("breaches"), breaches.collect::<String>())
        .and_then(|()| fs::write(directory.join("history"), history.to_string()));
    match kept {
        Ok(()) => eprintln!("seed {seed}: breaches, history and logs are in {}", directory.display()),
        Err(error) => eprintln!("seed {seed}: the history can't be kept in {}: {error}", directory.display()),
    }
    ExitCode::FAILURE
}

async fn told_to_stop() {
    let told = [SignalKind::interrupt(), SignalKind::terminate()].map(|kind| async move {
        signal(kind).expect("signals can be heard").recv().await;
    });
    let [interrupt, terminate] = told;
    select! {
        () = interrupt => {}
        () = terminate => {}
    }
}
