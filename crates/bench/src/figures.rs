//! What is kept of a measurement: latencies, and the medians of several rounds. Never prints.

use std::time::Duration;

use hdrhistogram::Histogram;

use crate::error::Error;

/// Longest latency that is told apart from longer ones, in microseconds.
const LONGEST_MICROS: u64 = 60_000_000;

/// Latencies to three digits.
#[derive(Debug, Clone)]
pub(crate) struct Latencies(Histogram<u64>);

impl Latencies {
    /// # Errors
    /// Never with the limits that are written here.
    pub(crate) fn new() -> Result<Self, Error> {
        Histogram::new_with_bounds(1, LONGEST_MICROS, 3)
            .map(Self)
            .map_err(|error| Error::Unusable(format!("no histogram of these limits: {error}")))
    }

    pub(crate) fn record_micros(&mut self, micros: u64) {
        self.0.saturating_record(micros);
    }

    pub(crate) fn record(&mut self, latency: Duration) {
        self.record_micros(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX));
    }

    /// Takes all of another's.
    ///
    /// # Errors
    /// Never: all have the same limits.
    pub(crate) fn add(&mut self, other: &Self) -> Result<(), Error> {
        let unusable = |error| Error::Unusable(format!("latencies can't be put together: {error}"));
        self.0.add(&other.0).map_err(unusable)
    }

    /// How many there are.
    pub(crate) fn count(&self) -> u64 {
        self.0.len()
    }

    /// The latency that `percent` of all don't exceed, in milliseconds.
    pub(crate) fn percentile_millis(&self, percent: f64) -> f64 {
        millis(self.0.value_at_percentile(percent))
    }

    /// The longest, in milliseconds.
    pub(crate) fn longest_millis(&self) -> f64 {
        millis(self.0.max())
    }
}

#[expect(clippy::cast_precision_loss, reason = "a minute in microseconds fits")]
fn millis(micros: u64) -> f64 {
    micros as f64 / 1_000.0
}

/// One number of several rounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl Spread {
    /// Of numbers in any order; none when there are none.
    pub(crate) fn of(numbers: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = numbers.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let (least, most) = (*sorted.first()?, *sorted.last()?);
        let middle = sorted.len() / 2;
        let median = if sorted.len() % 2 == 1 {
            sorted[middle]
        } else {
            f64::midpoint(sorted[middle - 1], sorted[middle])
        };
        Some(Self { median, least, most })
    }
}

/// A count as a number that can be divided.
#[expect(clippy::cast_precision_loss, reason = "counts of one run stay far below 2^52")]
pub(crate) fn number(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_has_as_many_below_as_above() {
        let spread = |numbers: &[f64]| Spread::of(numbers.iter().copied()).unwrap();
        assert_eq!(spread(&[3.0, 1.0, 9.0]), Spread { median: 3.0, least: 1.0, most: 9.0 });
        assert!((spread(&[4.0, 1.0]).median - 2.5).abs() < 1e-9);
        assert_eq!(Spread::of([]), None);
    }

    #[test]
    fn a_percentile_is_told_to_three_digits() {
        let mut latencies = Latencies::new().unwrap();
        for micros in 1..=10_000 {
            latencies.record_micros(micros);
        }
        assert!((latencies.percentile_millis(99.0) - 9.9).abs() < 0.01);
        assert!((latencies.longest_millis() - 10.0).abs() < 0.01);
    }
}
