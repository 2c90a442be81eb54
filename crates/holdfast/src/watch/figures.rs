//! A line a second: what was written, what waits, and who lags behind.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use holdfast_domain::{Seq, Shard};
use holdfast_runtime::lifecycle::BoxError;
use holdfast_store::{Database, Error, Glance, Stand, Tally};
use holdfast_stream::Streams;
use serde::Serialize;
use tokio::time::{MissedTickBehavior, interval};

use super::output::{Output, clock};
use crate::{settings::WatchSettings, stdout};

/// Between two looks.
const EVERY: Duration = Duration::from_secs(1);

/// How many lines the headings are above.
const LINES: usize = 20;

const HEADINGS: &str = "\
time      accepted/s  granted/s  rejected/s  open wants    undecided  (shard)    relay lag  (shard)  oldest tx";

/// A look, and what was written since the one before.
#[derive(Debug, Serialize, PartialEq)]
struct Figures {
    accepted_per_second: f64,
    granted_per_second: f64,
    rejected_per_second: f64,
    open_wants: i64,
    /// Of the shard with most; none, where nothing is.
    undecided: i64,
    undecided_shard: Option<i16>,
    /// How many positions the stream of the shard that lags most is behind its log; none without Redis.
    relay_lag: Option<i64>,
    relay_lag_shard: Option<i16>,
    oldest_transaction_seconds: f64,
}

pub(super) async fn watch(settings: &WatchSettings, output: &mut Output) -> Result<(), BoxError> {
    let database = Database::new(&settings.database)?;
    let streams = Streams::connect(&settings.streams)?;
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut is_known, mut before, mut lines) = (false, None, 0_usize);
    loop {
        ticks.tick().await;
        if !is_known {
            match super::ready(&database).await? {
                Ok(()) => is_known = true,
                Err(error) => {
                    output.away(&error)?;
                    continue;
                }
            }
        }
        match look(&database, before.as_ref()).await {
            Ok((now, tally)) => {
                output.back()?;
                if let Some(Before { at, .. }) = &before {
                    let lag = lag(&streams, &now.glance).await;
                    let figures = figures(&now.glance, tally, now.at.duration_since(*at), lag);
                    if !output.is_json() && lines.is_multiple_of(LINES) {
                        stdout::line(HEADINGS)?;
                    }
                    lines += 1;
                    let text =
                        if output.is_json() { serde_json::to_string(&figures)? } else { line(&figures) };
                    stdout::line(&text)?;
                }
                before = Some(now);
            }
            Err(error) => {
                output.away(&error)?;
                // What was written while it was away belongs to no second.
                before = None;
            }
        }
    }
}

/// The last look.
struct Before {
    at: Instant,
    glance: Glance,
}

async fn look(database: &Database, before: Option<&Before>) -> Result<(Before, Tally), Error> {
    let (glance, at) = (database.glance().await?, Instant::now());
    let stood: HashMap<Shard, Seq> = before
        .into_iter()
        .flat_map(|before| &before.glance.stands)
        .map(|stand| (stand.shard, stand.seq))
        .collect();
    let mut tally = Tally::default();
    for stand in &glance.stands {
        if let Some(after) = stood.get(&stand.shard)
            && *after < stand.seq
        {
            tally += database.tally(stand.shard, *after, stand.seq).await?;
        }
    }
    Ok((Before { at, glance }, tally))
}

/// The shard whose stream lags most, and by how much; none when Redis is away. The streams are asked later than the log:
/// one that keeps up is ahead by then.
async fn lag(streams: &Streams, glance: &Glance) -> Option<(i64, i16)> {
    let lasts = streams.lasts().await.ok()?;
    let lags = glance.stands.iter().filter_map(|stand| {
        let last = lasts.get(stand.shard.index())?;
        Some((behind(stand, *last), stand.shard.number()))
    });
    lags.max_by_key(|(lag, _)| *lag)
}

/// How far a stream that ends at `last` is behind its log. What the log leapt over was never there.
fn behind(stand: &Stand, last: Seq) -> i64 {
    (stand.seq.0 - last.max(stand.floor).0).max(0)
}

fn figures(glance: &Glance, tally: Tally, took: Duration, lag: Option<(i64, i16)>) -> Figures {
    let undecided =
        glance.stands.iter().max_by_key(|stand| stand.undecided).filter(|stand| stand.undecided > 0);
    #[expect(clippy::cast_precision_loss, reason = "counts of a second")]
    let per_second = |count: i64| count as f64 / took.as_secs_f64().max(f64::EPSILON);
    Figures {
        accepted_per_second: per_second(tally.accepted),
        granted_per_second: per_second(tally.granted),
        rejected_per_second: per_second(tally.rejected),
        open_wants: glance.open_wants,
        undecided: undecided.map_or(0, |stand| stand.undecided),
        undecided_shard: undecided.map(|stand| stand.shard.number()),
        relay_lag: lag.map(|(lag, _)| lag),
        relay_lag_shard: lag.filter(|(lag, _)| *lag > 0).map(|(_, shard)| shard),
        oldest_transaction_seconds: glance.oldest_transaction_seconds,
    }
}

fn line(figures: &Figures) -> String {
    let of = |shard: Option<i16>| shard.map(|shard| format!("({shard})")).unwrap_or_default();
    let lag = figures.relay_lag.map_or_else(|| "no Redis".into(), |lag| lag.to_string());
    format!(
        "{}  {:>10.0}  {:>9.0}  {:>10.0}  {:>10}  {:>11}  {:>7}  {:>11}  {:>7}  {:>7.1} s",
        clock(),
        figures.accepted_per_second,
        figures.granted_per_second,
        figures.rejected_per_second,
        figures.open_wants,
        figures.undecided,
        of(figures.undecided_shard),
        lag,
        of(figures.relay_lag_shard),
        figures.oldest_transaction_seconds,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stand(shard: i16, undecided: i64) -> Stand {
        Stand { shard: Shard::new(shard).unwrap(), seq: Seq(100), floor: Seq(0), undecided }
    }

    fn glance() -> Glance {
        Glance { stands: vec![stand(3, 7), stand(4, 9)], open_wants: 5, oldest_transaction_seconds: 0.25 }
    }

    #[test]
    fn the_shard_that_is_worst_off_is_named_and_rates_are_by_the_time_that_passed() {
        let tally = Tally { changes: 30, accepted: 20, granted: 6, rejected: 4 };
        let figures = figures(&glance(), tally, Duration::from_secs(2), Some((12, 3)));
        assert!((figures.accepted_per_second - 10.0).abs() < 1e-9);
        assert_eq!((figures.undecided, figures.undecided_shard), (9, Some(4)));
        let text = line(&figures);
        let words: Vec<&str> = text.split_whitespace().skip(1).collect();
        assert_eq!(words, ["10", "3", "2", "5", "9", "(4)", "12", "(3)", "0.2", "s"], "{text}");
    }

    #[test]
    fn a_stream_is_behind_by_the_changes_that_it_lacks_and_not_by_what_its_log_leapt_over() {
        let leapt = Stand { seq: Seq(1_000_103), floor: Seq(1_000_100), ..stand(3, 0) };
        let lags = [100, 1_000_100, 1_000_101, 1_000_104].map(|last| behind(&leapt, Seq(last)));
        assert_eq!(lags, [3, 3, 2, 0]);
    }

    #[test]
    fn without_redis_there_is_no_lag_and_the_columns_stay_under_their_headings() {
        let figures = figures(&glance(), Tally::default(), Duration::from_secs(1), None);
        let text = line(&figures);
        assert!(text.contains("no Redis"), "{text}");
        assert_eq!(text.len(), HEADINGS.len(), "{HEADINGS}\n{text}");
    }
}
