//! The front of a message: its type, its seq, and its time for who asks. No JSON is parsed: the generator shares its cores
//! with what it measures.

use memchr::{memchr, memmem};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

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
}
