//! How lines are said, and what is said when a server is away: once, and once when it is back.

use std::mem::replace;

use holdfast_runtime::lifecycle::BoxError;
use time::{OffsetDateTime, format_description::BorrowedFormatItem, macros::format_description};

use crate::stdout::line;

const TIME: &[BorrowedFormatItem<'_>] = format_description!("[hour]:[minute]:[second]");

/// How lines are said, and whether PostgreSQL was there last time.
pub struct Output {
    is_json: bool,
    is_away: bool,
}

impl Output {
    /// For programs, or for people.
    pub const fn new(is_json: bool) -> Self {
        Self { is_json, is_away: false }
    }

    /// Whether it is for programs.
    pub const fn is_json(&self) -> bool {
        self.is_json
    }

    /// PostgreSQL can't be asked; said when that begins.
    pub fn away(&mut self, error: &dyn std::error::Error) -> Result<(), BoxError> {
        if replace(&mut self.is_away, true) {
            return Ok(());
        }
        if self.is_json {
            return line(&serde_json::json!({ "error": error.to_string() }).to_string());
        }
        line(&format!("{}  {error}; going on when it answers", clock()))
    }

    /// PostgreSQL answers; said when it did not before.
    pub fn back(&mut self) -> Result<(), BoxError> {
        if !replace(&mut self.is_away, false) || self.is_json {
            return Ok(());
        }
        line(&format!("{}  PostgreSQL answers", clock()))
    }
}

/// The time of day, in UTC.
pub fn clock() -> String {
    #[expect(clippy::disallowed_methods, reason = "for the person who reads the line; no rule hangs on it")]
    let now = OffsetDateTime::now_utc();
    now.format(TIME).unwrap_or_default()
}
