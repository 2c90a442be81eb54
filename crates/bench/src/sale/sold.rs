//! What was sold, by the tables and the log: the counters of the sections against the reservations, and each seat against
//! all others.

use holdfast_domain::{DEFAULT_TENANT, Kind, Shard};

use crate::{database::Fresh, error::Error, log::Log, told::Told};

/// What is taken of all events, as the tables have it.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sold {
    /// Units held, by the counters.
    pub(crate) held: u64,
    /// Units confirmed, by the counters.
    pub(crate) confirmed: u64,
    /// Sections of which more is taken than there is, or something else than reservations have.
    wrong_sections: u64,
    /// Seats that reservations have, each as often as one has it.
    seats: u64,
    /// The same, each once.
    distinct_seats: u64,
    /// Seats that are noted as taken.
    noted_seats: u64,
    /// Events of which not everything is taken.
    pub(crate) unsold_events: u64,
}

impl Sold {
    /// # Errors
    /// When PostgreSQL can't be asked.
    pub(crate) fn read(database: &Fresh<'_>) -> Result<Self, Error> {
        let row = database.query(&format!(
            "WITH units AS MATERIALIZED (
                 SELECT r.event_id, r.status, (u->>'section_id')::uuid AS section_id, (u->>'quantity')::bigint AS quantity,
                     u->'seats' AS seats
                 FROM reservations r, json_array_elements(r.units::json) u
                 WHERE r.shard = {shard} AND r.status IN ('HOLD', 'CONFIRMED')
             ), taken AS (
                 SELECT section_id, sum(quantity) FILTER (WHERE status = 'HOLD') AS held,
                     sum(quantity) FILTER (WHERE status = 'CONFIRMED') AS confirmed
                 FROM units
                 GROUP BY section_id
             ), counted AS (
                 SELECT sum(s.held) AS held, sum(s.confirmed) AS confirmed,
                     count(*) FILTER (WHERE s.held + s.confirmed > s.capacity OR s.held <> coalesce(t.held, 0)
                         OR s.confirmed <> coalesce(t.confirmed, 0)) AS wrong,
                     count(DISTINCT s.event_id) FILTER (WHERE s.held + s.confirmed < s.capacity) AS unsold
                 FROM sections s
                 LEFT JOIN taken t ON t.section_id = s.id
                 WHERE s.shard = {shard}
             ), seats AS (
                 SELECT count(*) AS every, count(DISTINCT (event_id, seat)) AS each
                 FROM units, json_array_elements_text(seats) seat
             )
             SELECT coalesce(held, 0), coalesce(confirmed, 0), wrong, every, each,
                 (SELECT count(*) FROM taken_seats WHERE shard = {shard}), unsold
             FROM counted, seats",
            shard = Shard::of(DEFAULT_TENANT)
        ))?;
        let numbers: Vec<u64> = row.split('|').map_while(|number| number.parse().ok()).collect();
        let &[held, confirmed, wrong_sections, seats, distinct_seats, noted_seats, unsold_events] =
            &numbers[..]
        else {
            return Err(Error::Unusable(format!("what was sold can't be counted: {row}")));
        };
        Ok(Self { held, confirmed, wrong_sections, seats, distinct_seats, noted_seats, unsold_events })
    }
}

/// How many seats were held by the log, each as often as it was, and each once.
///
/// # Errors
/// When PostgreSQL can't be asked.
pub(crate) fn seats_held(database: &Fresh<'_>) -> Result<[u64; 2], Error> {
    let row = database.query(&format!(
        "SELECT count(*), count(DISTINCT (event_id, seat))
         FROM (
             SELECT data->'reservation'->>'event_id' AS event_id, u->'seats' AS seats
             FROM changes, json_array_elements(data->'reservation'->'units') u
             WHERE shard = {shard} AND type = '{held}'
         ) AS held, json_array_elements_text(seats) seat",
        shard = Shard::of(DEFAULT_TENANT),
        held = Kind::ReservationHeld.as_str()
    ))?;
    row.split_once('|')
        .and_then(|(every, each)| Some([every.parse().ok()?, each.parse().ok()?]))
        .ok_or_else(|| Error::Unusable(format!("the seats can't be counted: {row}")))
}

impl Told {
    /// Holds tables against each other, and against the log what was acknowledged: so many holds, and confirmations.
    pub(crate) fn settle(&mut self, sold: &Sold, log: &Log, [holds, confirmations]: [u64; 2]) {
        let Sold { wrong_sections, seats, distinct_seats, noted_seats, .. } = *sold;
        self.demand(wrong_sections == 0, || {
            format!("{wrong_sections} sections are oversold, or count something else than reservations have")
        });
        self.demand(seats == distinct_seats && seats == noted_seats, || {
            format!("reservations have {seats} seats, {distinct_seats} different ones, and {noted_seats} are taken")
        });
        for (kind, acknowledged) in
            [(Kind::ReservationHeld, holds), (Kind::ReservationConfirmed, confirmations)]
        {
            let logged = log.of_kind(kind);
            self.demand(logged == acknowledged, || {
                format!("{acknowledged} were acknowledged, and the log has {logged} {}", kind.as_str())
            });
        }
        self.demand(log.is_without_gaps(), || format!("the log ends at {} and has {:?}", log.seq, log.kinds));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// How many faults there are when three units are held, one confirmed, and so much was acknowledged.
    fn faults(acknowledged: [u64; 2], sold: Sold, seq: u64) -> usize {
        let kinds = [(Kind::ReservationHeld, 3), (Kind::ReservationConfirmed, 1)];
        let kinds: BTreeMap<_, _> = kinds.map(|(kind, count)| (kind.as_str().to_owned(), count)).into();
        let mut told = Told::default();
        told.settle(&sold, &Log { seq, kinds }, acknowledged);
        told.faults.len()
    }

    #[test]
    fn an_oversold_section_a_seat_of_two_and_what_is_not_in_the_log_are_faults() {
        let sold =
            Sold { held: 2, confirmed: 1, seats: 3, distinct_seats: 3, noted_seats: 3, ..Sold::default() };
        assert_eq!(faults([3, 1], sold, 4), 0);
        assert_eq!(faults([3, 1], Sold { wrong_sections: 1, ..sold }, 4), 1);
        assert_eq!(faults([3, 1], Sold { distinct_seats: 2, ..sold }, 4), 1);
        assert_eq!(faults([3, 1], Sold { noted_seats: 2, ..sold }, 4), 1);
        assert_eq!((faults([4, 1], sold, 4), faults([3, 0], sold, 4), faults([3, 1], sold, 5)), (1, 1, 1));
    }
}
