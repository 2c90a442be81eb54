//! The rows `pgbench` and `pgbench-wide`, peers of others: what PostgreSQL takes by itself. One statement inserts one
//! booking and one change into the same tables; it takes no head, looks for no conflict and keeps no gapless log, and a
//! sequence gives the numbers. Valid when no transaction failed.

mod script;

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    child::Child, database::Fresh, error::Error, figures::Latencies, machine, rounds::Bench, told::Told,
};

pub(crate) use script::prepare;

/// How much longer than it should a run may take.
const GRACE: Duration = Duration::from_mins(1);

/// How many clients connect in a second, at least. pgbench takes that time off the one that it is given, though not into
/// its rate: with many clients little would be left.
const CLIENTS_CONNECT: u32 = 40;

/// What pgbench saw.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) per_second: f64,
    /// Of one transaction in ten.
    pub(crate) latencies: Latencies,
}

impl Seen {
    pub(crate) fn told(&self) -> Told {
        let mut told = Told { per_second: Some(self.per_second), ..Told::default() };
        told.add("taken", "rows/s", self.per_second);
        told.add_latencies(&self.latencies, None);
        told
    }
}

/// Runs it with so many clients, first uncounted and then counted, so many seconds each.
///
/// # Errors
/// When a transaction failed, or pgbench did.
pub(crate) fn run(
    bench: &Bench<'_>,
    database: &Fresh<'_>,
    clients: u16,
    [warm_up, counted]: [u32; 2],
) -> Result<Seen, Error> {
    let Bench { settings, .. } = bench;
    let first_day = machine::tomorrow();
    let data = Some(script::change_data(first_day)?);
    let job = Job::new(bench, database, "intake", &script::statement(settings, first_day), clients)?;
    let job = Job { data, ..job };
    job.run(Extent::Seconds(warm_up), settings.seed.wrapping_add(1), None)?;
    job.counted(Extent::Seconds(counted), settings.seed)
}

/// How long pgbench goes on.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Extent {
    Seconds(u32),
    /// So many transactions of each client, and how long they may take.
    Each(u32, Duration),
}

/// A script, and so many clients that run it.
pub(crate) struct Job<'a> {
    bench: &'a Bench<'a>,
    database: &'a Fresh<'a>,
    script: PathBuf,
    clients: u16,
    /// What the script calls `data`.
    data: Option<String>,
}

impl<'a> Job<'a> {
    /// # Errors
    /// When the script can't be written.
    pub(crate) fn new(
        bench: &'a Bench<'a>,
        database: &'a Fresh<'a>,
        name: &str,
        text: &str,
        clients: u16,
    ) -> Result<Self, Error> {
        let script = bench.directory().join(format!("{name}.sql"));
        fs::write(&script, text).map_err(Error::io("the script can't be written"))?;
        Ok(Self { bench, database, script, clients, data: None })
    }

    /// Runs it once, and gives what pgbench tells; the latency of one transaction in ten goes into `logs`.
    ///
    /// # Errors
    /// When pgbench fails, or does not end in time.
    pub(crate) fn run(&self, extent: Extent, seed: u64, logs: Option<&Path>) -> Result<String, Error> {
        let clients = self.clients;
        let (option, count, limit) = match extent {
            Extent::Seconds(seconds) => {
                let seconds = seconds + u32::from(clients) / CLIENTS_CONNECT;
                ("-T", seconds, Duration::from_secs(seconds.into()) + GRACE)
            }
            Extent::Each(transactions, limit) => ("-t", transactions, limit),
        };
        let mut command = self.database.tool("pgbench");
        command.args(["-M", "prepared", "-n", "-j", "2", "-c", &clients.to_string()]).args([
            option,
            &count.to_string(),
            "--random-seed",
            &seed.to_string(),
        ]);
        if let Some(data) = &self.data {
            command.args(["-D", &format!("data={data}")]);
        }
        command.arg("-f").arg(&self.script);
        if let Some(logs) = logs {
            command.args(["-l", "--sampling-rate=0.1", "--log-prefix"]).arg(logs.join("log"));
        }
        command.arg(self.database.public_url());
        Child::start("pgbench", command, self.bench.directory())?.finish(limit, self.bench.stop)
    }

    /// Runs it once, and gives what that came to.
    ///
    /// # Errors
    /// As [`run`](Self::run), and when a transaction failed.
    pub(crate) fn counted(&self, extent: Extent, seed: u64) -> Result<Seen, Error> {
        let name = format!("{}.{}.pgbench", self.database.name(), self.clients);
        let logs = self.bench.directory().join(name);
        fs::create_dir(&logs).map_err(Error::io("no directory for the logs of pgbench"))?;
        let told = self.run(extent, seed, Some(&logs))?;
        let seen = Seen { per_second: per_second(&told)?, latencies: latencies(&logs)? };
        // The next run may go by the same name.
        fs::remove_dir_all(&logs).map_err(Error::io("the logs of pgbench can't be removed"))?;
        Ok(seen)
    }
}

/// The rate that pgbench tells at its end.
fn per_second(told: &str) -> Result<f64, Error> {
    let unusable = || Error::Unusable(format!("pgbench told something else than its rate:\n{told}"));
    let after = |name: &str| {
        let line = told.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|rest| rest.split_whitespace().next()).ok_or_else(unusable)
    };
    let failed = after("number of failed transactions: ")?;
    if failed != "0" {
        return Err(Error::Unusable(format!("{failed} transactions of pgbench failed")));
    }
    after("tps = ")?.parse().map_err(|_| unusable())
}

/// From the logs that pgbench writes, one a thread: the third word of each line is microseconds.
fn latencies(directory: &Path) -> Result<Latencies, Error> {
    let failed = || Error::io("the logs of pgbench can't be read");
    let mut latencies = Latencies::new()?;
    for entry in fs::read_dir(directory).map_err(failed())? {
        let text = fs::read_to_string(entry.map_err(failed())?.path()).map_err(failed())?;
        for line in text.lines() {
            let micros = line.split(' ').nth(2).and_then(|word| word.parse().ok());
            let unusable =
                || Error::Unusable(format!("a line in the log of pgbench without a latency: {line}"));
            latencies.record_micros(micros.ok_or_else(unusable)?);
        }
    }
    Ok(latencies)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn the_rate_is_the_one_without_connecting_and_a_failed_transaction_makes_it_unusable() {
        let told = "number of failed transactions: 0 (0.000%)\nlatency average = 2.6 ms\n\
            initial connection time = 200.1 ms\ntps = 24312.250000 (without initial connection time)\n";
        assert!((per_second(told).unwrap() - 24_312.25).abs() < 1e-6);
        assert!(per_second(&told.replace(": 0 (0", ": 3 (0")).is_err());
        assert!(per_second("").is_err());
    }

    #[test]
    fn latencies_of_all_threads_are_read() {
        let scratch = Scratch::new().unwrap();
        let directory = scratch.path().join("logs");
        fs::create_dir(&directory).unwrap();
        fs::write(directory.join("log.1"), "0 1 2000 0 1700000000 5\n1 1 3000 0 1700000000 9\n").unwrap();
        fs::write(directory.join("log.1.1"), "0 2 9000 0 1700000001 5\n").unwrap();
        let latencies = latencies(&directory).unwrap();
        assert_eq!(latencies.count(), 3);
        assert!((latencies.longest_millis() - 9.0).abs() < 0.01);
    }
}
