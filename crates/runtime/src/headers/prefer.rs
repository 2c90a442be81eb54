//! `Prefer` (RFC 7240), of which one preference is heeded: how long to wait for the outcome.

use std::{convert::Infallible, time::Duration};

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

use super::extractor;

const NAME: HeaderName = HeaderName::from_static("prefer");
const APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// The longest that is waited.
pub const WAIT_MAX_SECONDS: u8 = 30;

/// What the caller would rather have. What can't be read is as if it were not there, as the RFC has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prefer {
    wait_seconds: Option<u8>,
}

impl Prefer {
    /// How long to wait: what was asked for, at most [`WAIT_MAX_SECONDS`].
    pub fn wait(self) -> Option<Duration> {
        self.wait_seconds.map(|seconds| Duration::from_secs(seconds.into()))
    }

    /// The header that says what was heeded, for an answer that has waited.
    pub fn applied(self) -> Option<(HeaderName, String)> {
        self.wait_seconds.map(|seconds| (APPLIED, format!("wait={seconds}")))
    }

    #[expect(clippy::unnecessary_wraps, reason = "as of every header")]
    fn of(headers: &HeaderMap) -> Result<Self, Infallible> {
        let lines = headers.get_all(NAME).filter_map(|line| HeaderValue::to_str(line).ok());
        let mut preferences = lines.flat_map(|line| outside_quotes(line, ','));
        // The first counts, though it can't be read.
        let wait = preferences.find_map(value_of_wait);
        Ok(Self { wait_seconds: wait.and_then(seconds) })
    }
}

/// The value, maybe empty, of a preference that is `wait`.
fn value_of_wait(preference: &str) -> Option<&str> {
    let without_parameters = outside_quotes(preference, ';').next()?;
    let (name, value) = without_parameters.split_once('=').unwrap_or((without_parameters, ""));
    name.trim_ascii().eq_ignore_ascii_case("wait").then(|| value.trim_ascii())
}

fn seconds(value: &str) -> Option<u8> {
    let unquoted = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let digits = unquoted.unwrap_or(value);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    // Digits that are too many for the type are a long wait.
    is_number.then(|| digits.parse().unwrap_or(WAIT_MAX_SECONDS).min(WAIT_MAX_SECONDS))
}

/// Splits at a character, but not within a quoted string.
fn outside_quotes(text: &str, at: char) -> impl Iterator<Item = &str> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    text.split(move |character| {
        let was_escaped = std::mem::take(&mut is_escaped);
        match character {
            '"' if !was_escaped => is_quoted = !is_quoted,
            '\\' if is_quoted && !was_escaped => is_escaped = true,
            _ => {}
        }
        character == at && !is_quoted
    })
}

extractor!(Prefer, Infallible);

#[cfg(test)]
mod tests {
    use super::{super::tests::lines, *};

    fn wait(values: &[&str]) -> Option<u64> {
        let Ok(prefer) = Prefer::of(&lines(&NAME, values.iter().copied()));
        prefer.wait().map(|wait| wait.as_secs())
    }

    #[test]
    fn a_wait_is_found_among_other_preferences() {
        let found: [&[&str]; 9] = [
            &["wait=5"],
            &["WAIT = 5"],
            &["wait=\"5\""],
            &["respond-async, wait=5"],
            &["return=minimal", "handling=lenient, wait=5 ; foo=bar"],
            &["foo=\"a, wait=9\", wait=5"],
            &["foo=\"\\\", wait=9\", wait=5"],
            &["foo; wait=9, wait=5"],
            &[",, wait=005"],
        ];
        for values in found {
            assert_eq!(wait(values), Some(5), "{values:?}");
        }
    }

    #[test]
    fn of_several_waits_the_first_counts() {
        assert_eq!(wait(&["wait=5, wait=6"]), Some(5));
        assert_eq!(wait(&["wait=5", "wait=6"]), Some(5));
        assert_eq!(wait(&["wait=x, wait=6"]), None);
    }

    #[test]
    fn nobody_waits_longer_than_allowed_and_zero_is_a_wait() {
        for long in ["wait=31", "wait=256", "wait=99999999999999999999999"] {
            assert_eq!(wait(&[long]), Some(30), "{long}");
        }
        assert_eq!(wait(&["wait=0"]), Some(0));
    }

    #[test]
    fn what_can_not_be_read_is_ignored() {
        for strange in
            ["", "wait", "wait=", "wait=\"\"", "wait=-1", "wait=+1", "wait=1.5", "wait=\"5", "waits=5", "é"]
        {
            assert_eq!(wait(&[strange]), None, "{strange}");
        }
    }

    #[test]
    fn what_was_heeded_is_told() {
        let Ok(prefer) = Prefer::of(&lines(&NAME, ["wait=99"]));
        assert_eq!(prefer.applied(), Some((APPLIED, "wait=30".to_owned())));
        assert_eq!(Prefer { wait_seconds: None }.applied(), None);
    }
}
