//! Time zones: which there are, and when a day begins and ends in one. The database of zones comes with the binary.

use holdfast_domain::{TimeRange, ZoneName};
use jiff::{Zoned, civil::Date, tz::TimeZone};
use time::OffsetDateTime;

/// The zone of this IANA name, in its own spelling, if there is one.
pub fn named(name: &str) -> Option<ZoneName> {
    let zone = TimeZone::get(name).ok()?;
    ZoneName::parse(zone.iana_name()?).ok()
}

/// A day of the calendar, written as 2027-03-21.
pub fn day(text: &str) -> Option<Date> {
    // What jiff reads besides is no date of RFC 3339.
    let digits = |range: std::ops::Range<usize>| text.as_bytes()[range].iter().all(u8::is_ascii_digit);
    let is_date = text.len() == 10
        && text.as_bytes()[4] == b'-'
        && text.as_bytes()[7] == b'-'
        && digits(0..4)
        && digits(5..7)
        && digits(8..10);
    is_date.then(|| text.parse().ok()).flatten()
}

/// From the first moment of `day` in the zone to the first of the next: 23 or 25 hours, when the clocks change. None
/// where the calendar ends.
pub fn day_in(day: Date, zone: &ZoneName) -> Option<TimeRange> {
    let zone = TimeZone::get(zone.as_str()).ok()?;
    let start = |day: Date| instant(&day.to_zoned(zone.clone()).ok()?);
    TimeRange::new(start(day)?, start(day.tomorrow().ok()?)?).ok()
}

fn instant(zoned: &Zoned) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp_nanos(zoned.timestamp().as_nanosecond()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(date: &str, zone: &str) -> i64 {
        day_in(day(date).unwrap(), &ZoneName::parse(zone).unwrap()).unwrap().length().whole_hours()
    }

    #[test]
    fn a_day_on_which_the_clocks_change_is_shorter_or_longer() {
        let berlin = "Europe/Berlin";
        assert_eq!(hours("2027-03-28", berlin), 23);
        assert_eq!(hours("2027-10-31", berlin), 25);
        assert_eq!(hours("2027-06-01", berlin), 24);
        // There midnight itself is skipped.
        assert_eq!(hours("2027-03-28", "Asia/Beirut"), 23);
    }

    #[test]
    fn a_day_that_is_not_in_the_calendar_is_none() {
        for text in
            ["2027-02-30", "2027-2-3", "20270203", "2027-02-03T00:00", "", "2027-02-0\u{e9}", "+002027-01"]
        {
            assert_eq!(day(text), None, "{text}");
        }
        assert!(day("2028-02-29").is_some());
        assert_eq!(day_in(day("9999-12-31").unwrap(), &ZoneName::parse("UTC").unwrap()), None);
    }

    #[test]
    fn a_zone_has_the_spelling_of_the_database() {
        assert_eq!(named("europe/berlin").unwrap().as_str(), "Europe/Berlin");
        assert_eq!(named("UTC").unwrap().as_str(), "UTC");
        for name in ["", "Mars/Olympus", "../../etc/passwd", "CET+1"] {
            assert!(named(name).is_none(), "{name}");
        }
    }
}
