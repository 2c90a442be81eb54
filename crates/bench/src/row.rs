//! What is measured by itself: the rows, their order, and which is held against which. Each is measured in a module of its
//! own.

use clap::ValueEnum;

use crate::{
    sale::hot::{self, TAKERS, UNITS},
    settings::Settings,
    told::Aim,
};

/// A row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Row {
    /// Bookings over HTTP; nobody decides them.
    Http,
    /// PostgreSQL alone.
    Pgbench,
    /// Bookings over HTTP while a validator decides them.
    Validator,
    /// Bookings over HTTP on many connections; nobody decides them.
    Wide,
    /// PostgreSQL alone, with twice as many clients.
    PgbenchWide,
    /// One booking at a time, beside pgbench with one client.
    Alone,
    /// Taken and decided, for as long as it is asked for.
    Sustained,
    /// Many wants that wait are decided.
    Backlog,
    /// From the request to the decision on a socket.
    Decision,
    /// Everybody wants the same.
    HotSlot,
    /// Intake and p99 over the number of connections.
    Curve,
    /// Each of many sockets is told every booking, as many as they keep up with.
    FanOut,
    /// The same, with so many bookings a second.
    Paced,
    /// Sockets on which nothing happens.
    Idle,
    /// Sockets that come back all at once to what they missed.
    Reconnect,
    /// Many want the few units of one counted section.
    Hot,
    /// The same in the plain way, by PostgreSQL alone.
    HotPgbench,
    /// Many want the best of few seats.
    HotSeated,
    /// Units are held and confirmed over many sections.
    Spread,
    /// The map of a hall while it is being sold.
    Map,
    /// Seats are locked and confirmed, as load tests of others do it.
    Locks,
    /// Many holds lapse at once while many wait in line and others knock.
    Wanted,
}

impl Row {
    /// What is compared with each other stands together.
    const GROUPS: [&[Self]; 4] = [
        &[Self::Http, Self::Pgbench, Self::Validator, Self::Wide, Self::PgbenchWide],
        &[Self::Alone, Self::Sustained, Self::Decision, Self::HotSlot, Self::Backlog, Self::Curve],
        &[Self::FanOut, Self::Paced, Self::Idle, Self::Reconnect],
        &[Self::Hot, Self::HotPgbench, Self::HotSeated, Self::Spread, Self::Map, Self::Locks, Self::Wanted],
    ];

    pub(crate) fn all() -> impl Iterator<Item = Self> {
        Self::GROUPS.into_iter().flatten().copied()
    }

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Pgbench => "pgbench",
            Self::Validator => "validator",
            Self::Wide => "wide",
            Self::PgbenchWide => "pgbench-wide",
            Self::Alone => "alone",
            Self::Sustained => "sustained",
            Self::Backlog => "backlog",
            Self::Decision => "decision",
            Self::HotSlot => "hot-slot",
            Self::Curve => "curve",
            Self::FanOut => "fan-out",
            Self::Paced => "paced",
            Self::Idle => "idle",
            Self::Reconnect => "reconnect",
            Self::Hot => "hot",
            Self::HotPgbench => "hot-pgbench",
            Self::HotSeated => "hot-seated",
            Self::Spread => "spread",
            Self::Map => "map",
            Self::Locks => "locks",
            Self::Wanted => "wanted",
        }
    }

    /// Those that its figure is compared with, the best of them.
    pub(crate) const fn peers(self) -> &'static [Self] {
        match self {
            Self::Http | Self::Validator => &[Self::Pgbench],
            Self::Wide => &[Self::Pgbench, Self::PgbenchWide],
            Self::Hot => &[Self::HotPgbench],
            _ => &[],
        }
    }

    /// How many times its peer it is to reach.
    pub(crate) const fn aim(self) -> Aim {
        match self {
            Self::Hot => hot::AIM_TIMES,
            Self::Wide => Aim::AtLeast(2.0),
            _ => Aim::AtLeast(1.5),
        }
    }

    /// What takes long and is measured in the first round only.
    const fn is_once(self) -> bool {
        matches!(self, Self::Backlog | Self::Curve | Self::Idle)
    }

    /// The rows of each round. Each group begins at another place in each round, so that a drift of the machine hits all
    /// alike.
    pub(crate) fn order(settings: &Settings) -> Vec<Vec<Self>> {
        let is_asked = |row: &Self| settings.only.is_empty() || settings.only.contains(row);
        let rounds = 0..settings.rounds as usize;
        let order = rounds.map(|round| {
            let rotated = Self::GROUPS.into_iter().flat_map(|group| {
                let mut group: Vec<Self> = group.iter().copied().filter(is_asked).collect();
                let places = group.len().max(1);
                group.rotate_left(round % places);
                group
            });
            rotated.filter(|row| round == 0 || !row.is_once()).collect::<Vec<_>>()
        });
        order.filter(|rows| !rows.is_empty()).collect()
    }

    /// What it measures, in a line.
    pub(crate) fn about(self, settings: &Settings) -> String {
        let Settings { connections, many_connections, sockets, many_sockets, .. } = settings;
        match self {
            Self::Http => format!("bookings taken over {connections} connections, nobody decides them"),
            Self::Pgbench => {
                format!(
                    "PostgreSQL alone, {connections} clients: one row and one change a statement, no head"
                )
            }
            Self::Validator => {
                format!("as http, while one validator decides them: {connections} connections")
            }
            Self::Wide => {
                format!("as http, {many_connections} connections; peer: the better of the two pgbench rows")
            }
            Self::PgbenchWide => format!("as pgbench, {} clients", settings.pgbench_wide()),
            Self::Alone => "one connection, one booking at a time; peer: pgbench with one client".to_owned(),
            Self::Sustained => {
                format!(
                    "taken over {many_connections} connections, and decided by one validator in the same time"
                )
            }
            Self::Backlog => {
                format!(
                    "{} wants that wait, until a validator that has just started has decided all",
                    settings.backlog
                )
            }
            Self::Decision => format!(
                "from when a booking was due to be sent to its booking_validated on a socket, {} a second",
                settings.decisions_per_second
            ),
            Self::HotSlot => format!(
                "{} users want one slot at once, and then twice as many; the first tenth have a socket each",
                settings.hot_users
            ),
            Self::Curve => "http and pgbench over the number of connections".to_owned(),
            Self::FanOut => format!("{sockets} sockets are told every booking, as many as they keep up with"),
            Self::Paced => {
                format!("{sockets} sockets are told every booking, {} a second", settings.bookings_per_second)
            }
            Self::Idle => format!("{many_sockets} sockets of one notifier, each a user's, nothing happens"),
            Self::Reconnect => format!(
                "{many_sockets} sockets of {} users come back at once, no PostgreSQL",
                settings.reconnect_users
            ),
            Self::Hot => {
                format!("{TAKERS} users want one of {UNITS} units each, over {connections} connections")
            }
            Self::HotPgbench => {
                format!(
                    "the same by pgbench, {connections} clients and an eighth of them: SELECT … FOR UPDATE, and no log, key or end"
                )
            }
            Self::HotSeated => format!("as hot, the best of {UNITS} seats in 20 rows, one each"),
            Self::Spread => format!(
                "a unit held and then confirmed over {many_connections} connections, of ten events of 100 sections each"
            ),
            Self::Map => format!(
                "4 connections read the map of 50,000 seats, while the others of {connections} hold two seats at a time"
            ),
            Self::Locks => format!("seats locked and confirmed by {connections} clients, in five ways"),
            Self::Wanted => {
                "10,000 holds end in one second while 1,000 users wait in line, and 5,000 knock a second, an eighth of them \
                 elsewhere"
                    .to_owned()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn order(options: &[&str]) -> Vec<Vec<Row>> {
        let needed = ["bench", "--database-url=x", "--redis-url=x", "--pg-bin=x"];
        Row::order(&Settings::parse_from([&needed, options].concat()))
    }

    #[test]
    fn the_first_round_has_every_row_once_and_the_others_all_but_those_that_take_long() {
        let order = order(&[]);
        assert_eq!(order.len(), 3);
        for row in Row::value_variants() {
            assert_eq!(order[0].iter().filter(|other| *other == row).count(), 1, "{row:?}");
            assert_eq!(order[1].contains(row), !row.is_once(), "{row:?}");
        }
    }

    #[test]
    fn no_row_of_a_group_begins_two_rounds() {
        let order = order(&[]);
        assert!(order[0][0] != order[1][0] && order[1][0] != order[2][0] && order[0][0] != order[2][0]);
    }

    #[test]
    fn only_what_is_asked_for_is_measured_and_a_round_with_nothing_is_none() {
        let twice = order(&["--only", "alone,backlog", "--rounds", "2"]);
        assert_eq!(twice, [vec![Row::Alone, Row::Backlog], vec![Row::Alone]]);
        assert_eq!(order(&["--only", "backlog"]), [[Row::Backlog]]);
    }

    #[test]
    fn the_name_of_a_row_is_what_only_takes() {
        for row in Row::value_variants() {
            assert_eq!(Row::from_str(row.as_str(), false).as_ref(), Ok(row));
        }
    }
}
