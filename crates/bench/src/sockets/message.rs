//! The front of a message: its type, its seq, and its time and booking for who asks. No JSON is parsed: the generator shares its cores
//! with what it measures.

use memchr::{memchr, memmem};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// The id of a booking, as texts write it.
pub(crate) type BookingId = [u8; 36];

/// What a socket is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Message<'a> {
    pub(crate) kind: Kind,
    pub(crate) seq: i64,
    rest: &'a [u8],
}

/// Of which type it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Hello,
    Position,
    Resync,
    BookingCreated,
    BookingValidated,
    /// Any other change of the log.
    Change,
}

impl<'a> Message<'a> {
    /// Nothing when `text` does not begin with `{"type":"…","seq":N`.
    pub(crate) fn parse(text: &'a [u8]) -> Option<Self> {
        let rest = text.strip_prefix(b"{\"type\":\"")?;
        let (kind, rest) = rest.split_at(memchr(b'"', rest)?);
        let kind = match kind {
            b"hello" => Kind::Hello,
            b"position" => Kind::Position,
            b"resync" => Kind::Resync,
            b"booking_created" => Kind::BookingCreated,
            b"booking_validated" => Kind::BookingValidated,
            _ => Kind::Change,
        };
        let rest = rest.strip_prefix(b"\",\"seq\":")?;
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, rest) = rest.split_at(digits);
        let mut seq = digits.first().map(|_| 0_i64)?;
        for digit in digits {
            seq = seq.checked_mul(10)?.checked_add((digit - b'0').into())?;
        }
        Some(Self { kind, seq, rest })
    }

    /// When it happened, in microseconds since 1970; of changes only.
    pub(crate) fn at_micros(&self) -> Option<i64> {
        let at = self.rest.strip_prefix(b",\"at\":\"")?;
        let at = str::from_utf8(&at[..memmem::find(at, b"\"")?]).ok()?;
        let at = OffsetDateTime::parse(at, &Rfc3339).ok()?;
        i64::try_from(at.unix_timestamp_nanos() / 1_000).ok()
    }

    /// Which booking it is about; of changes of a booking only.
    pub(crate) fn booking(&self) -> Option<BookingId> {
        let rest = &self.rest[memmem::find(self.rest, b"\"booking\":{")?..];
        booking_id(rest)
    }
}

/// The first `id` in a JSON text: a booking's own stands before all others in it.
pub(crate) fn booking_id(text: &[u8]) -> Option<BookingId> {
    const NAME: &[u8] = b"\"id\":\"";
    let id = text[memmem::find(text, NAME)? + NAME.len()..].first_chunk::<36>()?;
    Some(*id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn type_seq_and_time_are_read_and_nothing_after_them() {
        let text = br#"{"type":"booking_created","seq":1234,"at":"1970-01-01T00:00:02.000005Z","actor":{{{"#;
        let message = Message::parse(text).unwrap();
        assert_eq!(
            (message.kind, message.seq, message.at_micros()),
            (Kind::BookingCreated, 1_234, Some(2_000_005))
        );
        assert_eq!(message.booking(), None);
        let hello = Message::parse(br#"{"type":"hello","seq":0}"#).unwrap();
        assert_eq!((hello.kind, hello.seq, hello.at_micros()), (Kind::Hello, 0, None));
        let other = Message::parse(br#"{"type":"log_leapt","seq":7,"at":"#).unwrap();
        assert_eq!((other.kind, other.at_micros()), (Kind::Change, None));
    }

    #[test]
    fn what_has_no_seq_where_it_should_be_is_no_message() {
        for text in
            ["", "{}", r#"{"seq":1,"type":"hello"}"#, r#"{"type":"hello","seq":}"#, r#"{"type":"hello"}"#]
        {
            assert_eq!(Message::parse(text.as_bytes()), None, "{text}");
        }
        assert_eq!(Message::parse(br#"{"type":"hello","seq":99999999999999999999}"#), None);
    }

    #[test]
    fn a_booking_is_known_by_its_own_id_and_not_by_another_that_stands_near() {
        let id = "019a6f3e-5b1c-7d2e-8f4a-6b7c8d9e0f1a";
        let booking = format!(r#"{{"id":"{id}","resource_id":"x"}}"#);
        assert_eq!(booking_id(booking.as_bytes()).as_ref().map(|id| &id[..]), Some(id.as_bytes()));
        let text = format!(
            r#"{{"type":"booking_validated","seq":1,"request_id":"id","data":{{"booking":{booking}}}}}"#
        );
        let message = Message::parse(text.as_bytes()).unwrap();
        assert_eq!(
            (message.kind, message.booking()),
            (Kind::BookingValidated, booking_id(booking.as_bytes()))
        );
        assert_eq!(booking_id(br#"{"id":"short"}"#), None);
    }
}
