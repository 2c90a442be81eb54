//! `Idempotency-Key`: the caller's name for one write, however often it is sent.

use actix_web::http::header::{HeaderMap, HeaderName};

use super::extractor;
use crate::problem::Problem;

const NAME: HeaderName = HeaderName::from_static("idempotency-key");
const FIELD: &str = "Idempotency-Key";

/// The longest key, in characters.
const LIMIT: usize = 255;

/// The key, when there is one: 1 to 255 visible ASCII characters. `"abc"`, the string of a structured field (RFC 8941),
/// is the key `abc`.
///
/// Never to be extracted as an `Option`, which takes a wrong key for none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey(Option<String>);

impl IdempotencyKey {
    /// The key.
    pub fn as_str(&self) -> Option<&str> {
        self.0.as_deref()
    }

    fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let mut values = headers.get_all(NAME);
        let Some(value) = values.next() else { return Ok(Self(None)) };
        if values.next().is_some() {
            return Err(Problem::bad_header(FIELD, "duplicate", "is sent more than once"));
        }
        parse(value.as_bytes().trim_ascii()).map(|key| Self(Some(key)))
    }
}

fn parse(value: &[u8]) -> Result<String, Problem> {
    let characters = || Problem::bad_header(FIELD, "characters", "has other than visible ASCII characters");
    let key = match value.strip_prefix(b"\"") {
        Some(rest) => unquoted(rest)
            .ok_or_else(|| Problem::bad_header(FIELD, "malformed", "begins a string and does not end it"))?,
        None => value.to_vec(),
    };
    if key.is_empty() {
        return Err(Problem::bad_header(FIELD, "empty", "is empty"));
    }
    if !key.iter().all(u8::is_ascii_graphic) {
        return Err(characters());
    }
    if key.len() > LIMIT {
        let message = format!("is longer than {LIMIT} characters");
        return Err(Problem::bad_header(FIELD, "too_long", message));
    }
    String::from_utf8(key).map_err(|_| characters())
}

/// What stands before the closing quote, which is the end; a backslash is before a quote or another one only.
fn unquoted(rest: &[u8]) -> Option<Vec<u8>> {
    let mut text = Vec::with_capacity(rest.len());
    let mut bytes = rest.iter();
    loop {
        match bytes.next()? {
            b'"' => return bytes.next().is_none().then_some(text),
            b'\\' => text.push(*bytes.next().filter(|byte| matches!(byte, b'"' | b'\\'))?),
            byte => text.push(*byte),
        }
    }
}

extractor!(IdempotencyKey, Problem);

#[cfg(test)]
mod tests {
    use super::{
        super::tests::{fault, lines},
        *,
    };

    fn key(values: &[&str]) -> Result<IdempotencyKey, Problem> {
        IdempotencyKey::of(&lines(&NAME, values.iter().copied()))
    }

    #[test]
    fn a_string_is_the_same_key_as_what_is_in_it() {
        assert_eq!(key(&[]).unwrap().as_str(), None);
        for same in ["abc", "\"abc\"", " abc "] {
            assert_eq!(key(&[same]).unwrap().as_str(), Some("abc"), "{same}");
        }
        assert_eq!(key(&[r#""a\"b\\""#]).unwrap().as_str(), Some(r#"a"b\"#));
        let longest = "a".repeat(255);
        assert_eq!(key(&[&format!("\"{longest}\"")]).unwrap().as_str(), Some(&*longest));
    }

    #[test]
    fn a_key_that_is_none_is_refused_by_its_rule() {
        let long = "a".repeat(256);
        let cases: [(&[&str], &str); 10] = [
            (&["a", "a"], "duplicate"),
            (&[""], "empty"),
            (&["\"\""], "empty"),
            (&["a b"], "characters"),
            (&["\"a b\""], "characters"),
            (&["é"], "characters"),
            (&[&long], "too_long"),
            (&["\"abc"], "malformed"),
            (&["\"abc\"d"], "malformed"),
            (&[r#""a\b""#], "malformed"),
        ];
        for (values, rule) in cases {
            assert_eq!(fault(&key(values).unwrap_err()), ("Idempotency-Key", rule), "{values:?}");
        }
    }
}
