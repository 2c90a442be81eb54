//! The row `curve`: intake and its p99 over the number of connections, from 1 to 512, beside pgbench with as many clients as
//! the server has room for. Each line is measured in one database, point after point, some seconds each. Valid as the intake
//! is. Drawn by [`plot`](crate::plot).

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    error::Error,
    figures::Latencies,
    load::{self, Plan},
    log::Log,
    pgbench,
    plot::{Panel, Scale, Series, drawn},
    request::Choice,
    rounds::Bench,
    told::Told,
};

/// Each twice the one before.
const CONNECTIONS: [u16; 10] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];

/// The most of these.
pub(crate) const CONNECTIONS_MAX: u16 = CONNECTIONS[CONNECTIONS.len() - 1];

/// Most clients of pgbench: `deploy/local-stack` allows 200 connections.
const CLIENTS_MAX: u16 = 128;

/// Most seconds that a point is counted, and seconds that it is loaded before.
const SECONDS_MAX: u32 = 2;
const WARM_UP_SECONDS: u32 = 1;

/// A number of connections.
#[derive(Debug, Clone, Copy)]
struct Point {
    connections: u16,
    per_second: f64,
    p99_millis: f64,
}

/// Both lines.
#[derive(Debug)]
pub(crate) struct Curve {
    intake: Vec<Point>,
    pgbench: Vec<Point>,
}

impl Point {
    fn new(connections: u16, per_second: f64, latencies: &Latencies) -> Self {
        Self { connections, per_second, p99_millis: latencies.percentile_millis(99.0) }
    }
}

/// # Errors
/// When it can't be measured.
pub(crate) fn measure(bench: &Bench<'_>) -> Result<(Told, Curve), Error> {
    let mut told = Told::default();
    let seconds = bench.settings.seconds.min(SECONDS_MAX);
    let curve = Curve { intake: intake(bench, seconds, &mut told)?, pgbench: peer(bench, seconds)? };
    for (name, points) in curve.lines() {
        if let Some(best) = points.iter().max_by(|one, other| one.per_second.total_cmp(&other.per_second)) {
            told.add(format!("most of {name}"), "rows/s", best.per_second);
            told.add(format!("most of {name}, at"), "connections", best.connections.into());
        }
        if let Some(last) = points.last() {
            told.add(format!("p99 of {name} at {}", last.connections), "ms", last.p99_millis);
        }
    }
    Ok((told, curve))
}

fn intake(bench: &Bench<'_>, seconds: u32, told: &mut Told) -> Result<Vec<Point>, Error> {
    let database = bench.database()?;
    let mut api = bench.services.start("holdfast-booking-api", &database)?;
    let mut points = Vec::new();
    let mut whole: Option<load::Seen> = None;
    for (place, connections) in CONNECTIONS.into_iter().enumerate() {
        let choice = bench.choice(0);
        let plan = Plan {
            connections: connections.into(),
            warm_up: Duration::from_secs(WARM_UP_SECONDS.into()),
            counted: Duration::from_secs(seconds.into()),
            choice: Choice { seed: choice.seed.wrapping_add(place as u64), ..choice },
        };
        let seen = load::run(api.address, &plan, bench.stop).map_err(|error| api.blame(error))?;
        points.push(Point::new(connections, seen.per_second(plan.counted), &seen.latencies));
        let before = whole.map_or(0, |whole| whole.acknowledged);
        told.demand(seen.errors.is_empty(), || format!("{connections} connections: {:?}", seen.errors));
        whole = Some(load::Seen { acknowledged: before + seen.acknowledged, ..seen });
    }
    api.check()?;
    drop(api);
    if let Some(whole) = whole {
        told.account(&whole, &Log::read(&database)?);
    }
    Ok(points)
}

fn peer(bench: &Bench<'_>, seconds: u32) -> Result<Vec<Point>, Error> {
    let database = bench.database()?;
    pgbench::prepare(&database, bench.settings.resources)?;
    let clients = CONNECTIONS.into_iter().filter(|clients| *clients <= CLIENTS_MAX);
    clients
        .map(|clients| {
            let seen = pgbench::run(bench, &database, clients, [WARM_UP_SECONDS, seconds])?;
            Ok(Point::new(clients, seen.per_second, &seen.latencies))
        })
        .collect()
}

impl Curve {
    fn lines(&self) -> [(&'static str, &[Point]); 2] {
        [("Holdfast", &self.intake), ("pgbench", &self.pgbench)]
    }

    pub(crate) fn json(&self) -> Value {
        let lines = self.lines().map(|(name, points)| {
            let points = points.iter().map(|point| {
                json!({
                    "connections": point.connections,
                    "rows_per_second": point.per_second,
                    "p99_millis": point.p99_millis,
                })
            });
            json!({ "line": name, "points": points.collect::<Vec<_>>() })
        });
        json!(lines)
    }

    /// Two panels: what is taken, and its p99.
    pub(crate) fn svg(&self) -> String {
        let series = |of: fn(&Point) -> f64| {
            let lines = self.lines().map(|(name, points)| {
                let points = points.iter().map(|point| (f64::from(point.connections), of(point)));
                Series { name, points: points.collect() }
            });
            Vec::from(lines)
        };
        let taken = Panel {
            title: "Taken",
            unit: "bookings/s",
            scale: Scale::Linear,
            series: series(|point| point.per_second),
        };
        let p99 = Panel {
            title: "p99 of the answer",
            unit: "ms",
            scale: Scale::Log,
            series: series(|point| point.p99_millis),
        };
        drawn("connections", &[taken, p99])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_measurement_is_a_point_in_each_panel_and_in_the_figures() {
        let point = |connections| Point { connections, per_second: 9_000.0, p99_millis: 7.0 };
        let curve = Curve {
            intake: CONNECTIONS.map(point).into(),
            pgbench: CONNECTIONS[..8].iter().copied().map(point).collect(),
        };
        assert_eq!(curve.svg().matches("<circle ").count(), 2 * (10 + 8));
        let json = curve.json();
        assert_eq!(json[0]["points"].as_array().unwrap().len(), 10);
        assert_eq!(json[1]["points"][7]["connections"], 128);
    }
}
