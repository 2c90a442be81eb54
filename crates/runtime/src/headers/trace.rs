//! `traceparent` (W3C Trace Context): the trace that a request belongs to.

use std::convert::Infallible;

use actix_web::http::header::{HeaderMap, HeaderName};

use super::extractor;

const NAME: HeaderName = HeaderName::from_static("traceparent");

/// The length of `00-`, the trace, `-`, the parent, `-` and the flags.
const LENGTH: usize = 55;

/// The trace, when the caller names one. Advice: one that can't be read is as none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traceparent(Option<String>);

impl Traceparent {
    /// The header in the form of version 00, to be passed on.
    pub fn as_str(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// The id of the trace: 32 hexadecimal digits.
    pub fn trace_id(&self) -> Option<&str> {
        self.as_str().map(|text| &text[3..35])
    }

    pub(crate) fn find(headers: &HeaderMap) -> Self {
        let mut values = headers.get_all(NAME);
        match (values.next(), values.next()) {
            (Some(value), None) => Self(value.to_str().ok().and_then(parse)),
            _ => Self(None),
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "as of every header")]
    fn of(headers: &HeaderMap) -> Result<Self, Infallible> {
        Ok(Self::find(headers))
    }
}

/// A later version may have more to say after the flags; what it says before is the same.
fn parse(value: &str) -> Option<String> {
    let (known, more) = value.split_at_checked(LENGTH)?;
    let parts: [&str; 4] = known.split('-').collect::<Vec<_>>().try_into().ok()?;
    let [version, trace, parent, flags] = parts;
    let is_hex = |part: &str, length| {
        part.len() == length && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let is_id = |part: &str, length| is_hex(part, length) && part.bytes().any(|byte| byte != b'0');
    let is_end = more.is_empty() || (version != "00" && more.starts_with('-'));
    let is_valid = is_hex(version, 2)
        && version != "ff"
        && is_id(trace, 32)
        && is_id(parent, 16)
        && is_hex(flags, 2)
        && is_end;
    is_valid.then(|| format!("00-{trace}-{parent}-{flags}"))
}

extractor!(Traceparent, Infallible);

#[cfg(test)]
mod tests {
    use super::{super::tests::lines, *};

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

    fn find(values: &[&str]) -> Traceparent {
        Traceparent::find(&lines(&NAME, values.iter().copied()))
    }

    #[test]
    fn a_trace_is_known_by_its_id() {
        let text = format!("00-{TRACE}-b7ad6b7169203331-01");
        let found = find(&[&text]);
        assert_eq!((found.as_str(), found.trace_id()), (Some(&*text), Some(TRACE)));
    }

    #[test]
    fn of_a_later_version_the_known_parts_are_read() {
        let known = format!("{TRACE}-b7ad6b7169203331-01");
        for later in [format!("01-{known}"), format!("cc-{known}-more")] {
            assert_eq!(find(&[&later]).as_str(), Some(&*format!("00-{known}")), "{later}");
        }
    }

    #[test]
    fn what_is_no_trace_is_ignored() {
        let strange = [
            String::new(),
            "00".to_owned(),
            format!("00-{TRACE}-b7ad6b7169203331"),
            format!("00-{TRACE}-b7ad6b7169203331-01-more"),
            format!("cc-{TRACE}-b7ad6b7169203331-01more"),
            format!("ff-{TRACE}-b7ad6b7169203331-01"),
            format!("00-{TRACE}-0000000000000000-01"),
            format!("00-{}-b7ad6b7169203331-01", "0".repeat(32)),
            format!("00-{}-b7ad6b7169203331-01", TRACE.to_uppercase()),
            format!("00-{TRACE}-b7ad6b716920333x-01"),
            format!("00-{TRACE}b-7ad6b7169203331-01"),
            format!("00-{TRACE}-b7ad6b7169203331-é"),
        ];
        for text in strange {
            assert_eq!(find(&[&text]).as_str(), None, "{text}");
        }
        let text = format!("00-{TRACE}-b7ad6b7169203331-01");
        assert_eq!(find(&[&text, &text]).as_str(), None);
        assert_eq!(find(&[]).trace_id(), None);
    }
}
