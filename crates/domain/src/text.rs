//! Texts that people send: each a newtype with a rule, and `parse` the only way in.

use std::fmt;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

/// Why a text can't be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Nothing but white space.
    #[error("is blank")]
    Blank,
    /// More characters than allowed.
    #[error("is longer than {limit} characters")]
    TooLong {
        /// The most characters that are taken.
        limit: usize,
    },
    /// A control character, NUL among them.
    #[error("has a control character")]
    Control,
}

impl TextError {
    /// The rule's name, as problem documents have it.
    pub const fn rule(self) -> &'static str {
        match self {
            Self::Blank => "blank",
            Self::TooLong { .. } => "too_long",
            Self::Control => "control_character",
        }
    }
}

macro_rules! text {
    ($(#[$doc:meta])* $name:ident, limit $limit:literal, $parse:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Box<str>);

        impl $name {
            /// The most characters of it.
            pub const LIMIT: usize = $limit;

            /// Takes a text; the only way in.
            ///
            /// # Errors
            /// When it is blank, longer than [`Self::LIMIT`] characters or has a control character.
            pub fn parse(text: &str) -> Result<Self, TextError> {
                $parse(text, Self::LIMIT).map(Self)
            }

            /// The text as it is kept.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = TextError;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(text: $name) -> Self {
                text.0.into()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text!(
    /// Who books: an opaque name, compared exactly.
    UserId, limit 128, line
);
text!(
    /// Follows one request through log lines, the log of changes and the socket.
    RequestId, limit 64, line
);
text!(
    /// What people call a resource: NFC, trimmed, exact within its venue.
    ResourceName, limit 200, name
);
text!(
    /// Follows one trace, of which the request is a part, through the same: a W3C `traceparent`.
    Traceparent, limit 128, line
);
text!(
    /// Names a write, so that to try it again has no second effect. Its caller makes it up.
    IdempotencyKey, limit 255, line
);
text!(
    /// What people call a venue: NFC, trimmed, exact within its tenant.
    VenueName, limit 200, name
);
text!(
    /// An IANA time zone's name. That there is such a zone is for the edge to see, which has the database.
    ZoneName, limit 64, line
);
text!(
    /// Where a venue is, over several lines if need be.
    Address, limit 500, lines
);
text!(
    /// What people call an event.
    EventTitle, limit 200, line
);
text!(
    /// What people call a section: NFC, trimmed, exact within its event.
    SectionName, limit 100, name
);
text!(
    /// What people call a row of seats.
    RowName, limit 40, name
);
text!(
    /// What people call a seat: NFC, trimmed, exact within its event.
    SeatLabel, limit 40, name
);
text!(
    /// A kind of seats that a section has rows of.
    Category, limit 40, name
);
text!(
    /// A line about a booking.
    Title, limit 200, line
);
text!(
    /// More about a booking, over several lines if need be.
    Note, limit 2_000, lines
);

fn line(text: &str, limit: usize) -> Result<Box<str>, TextError> {
    check(text, limit, char::is_control)
}

fn lines(text: &str, limit: usize) -> Result<Box<str>, TextError> {
    check(text, limit, |c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
}

/// Trimmed and in NFC, so that "é" is one name however it was typed.
fn name(text: &str, limit: usize) -> Result<Box<str>, TextError> {
    let text = text.trim();
    if text.is_ascii() {
        return line(text, limit);
    }
    // NFC never makes a text longer than three times over; what is longer still is refused unread.
    if text.chars().nth(limit * 3).is_some() {
        return Err(TextError::TooLong { limit });
    }
    line(&text.nfc().collect::<String>(), limit)
}

fn check(text: &str, limit: usize, forbidden: impl Fn(char) -> bool) -> Result<Box<str>, TextError> {
    if text.chars().nth(limit).is_some() {
        return Err(TextError::TooLong { limit });
    }
    if text.trim().is_empty() {
        return Err(TextError::Blank);
    }
    if text.contains(forbidden) {
        return Err(TextError::Control);
    }
    Ok(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_id_is_neither_blank_nor_long_nor_broken() {
        assert_eq!(UserId::parse(" \t"), Err(TextError::Blank));
        assert_eq!(UserId::parse(&"x".repeat(129)), Err(TextError::TooLong { limit: 128 }));
        assert_eq!(UserId::parse("a\0b"), Err(TextError::Control));
        assert_eq!(UserId::parse(&"ü".repeat(128)).unwrap().as_str().chars().count(), 128);
    }

    #[test]
    fn two_ways_to_type_a_name_are_one_name() {
        let composed = ResourceName::parse("Caf\u{e9} ").unwrap();
        let combining = ResourceName::parse(" Cafe\u{301}").unwrap();
        assert_eq!(composed, combining);
        assert_ne!(composed, ResourceName::parse("caf\u{e9}2").unwrap());
    }

    #[test]
    fn a_note_may_have_lines_and_a_title_may_not() {
        assert!(Note::parse("one\ntwo").is_ok());
        assert_eq!(Title::parse("one\ntwo"), Err(TextError::Control));
    }
}
