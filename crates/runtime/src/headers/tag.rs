//! Entity tags (RFC 9110, section 8.8.3): how they are written, read and compared.

use std::fmt;

use actix_web::http::header::{self, HeaderMap, HeaderName};

/// Most tags that a condition may list.
const TAGS_MAX: usize = 16;

/// An entity tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    is_weak: bool,
    opaque: Box<str>,
}

/// What a header of conditions lists.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Listed {
    Any,
    Tags(Vec<Tag>),
}

/// Why such a header can't be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    Empty,
    Malformed,
    TooMany,
}

impl Tag {
    /// The strong tag of a version.
    pub fn version(version: i32) -> Self {
        Self { is_weak: false, opaque: version.to_string().into() }
    }

    /// The strong tag of content that has no version: a hash of it.
    pub fn content(content: &[u8]) -> Self {
        use std::hash::{DefaultHasher, Hasher};
        let mut hasher = DefaultHasher::new();
        hasher.write(content);
        Self { is_weak: false, opaque: format!("{:016x}", hasher.finish()).into() }
    }

    /// The header that tells it, for `insert_header`.
    pub fn header(&self) -> (HeaderName, String) {
        (header::ETAG, self.to_string())
    }

    /// The version that the tag stands for: it is strong, and written as [`version`](Self::version) writes it.
    pub fn as_version(&self) -> Option<i32> {
        let version = self.opaque.parse().ok().filter(|_| !self.is_weak)?;
        (*self == Self::version(version)).then_some(version)
    }

    /// Whether both stand for the same content, though perhaps not the same bytes.
    pub fn matches_weakly(&self, other: &Self) -> bool {
        self.opaque == other.opaque
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\"{}\"", if self.is_weak { "W/" } else { "" }, self.opaque)
    }
}

/// What all lines of `name` list together; `None` when there are none.
pub(super) fn listed(headers: &HeaderMap, name: HeaderName) -> Result<Option<Listed>, Fault> {
    let mut lines = headers.get_all(name).map(|line| line.as_bytes().trim_ascii()).peekable();
    if lines.peek().is_none() {
        return Ok(None);
    }
    if lines.next_if_eq(&b"*".as_slice()).is_some() {
        return if lines.next().is_none() { Ok(Some(Listed::Any)) } else { Err(Fault::Malformed) };
    }
    let mut tags = Vec::new();
    for line in lines {
        read(line, &mut tags)?;
    }
    if tags.is_empty() { Err(Fault::Empty) } else { Ok(Some(Listed::Tags(tags))) }
}

/// Adds the tags of one line. Empty elements are passed over, as a list's reader must.
fn read(line: &[u8], tags: &mut Vec<Tag>) -> Result<(), Fault> {
    let mut rest = line;
    loop {
        rest = rest.trim_ascii_start();
        if let Some(after) = rest.strip_prefix(b",") {
            rest = after;
            continue;
        }
        if rest.is_empty() {
            return Ok(());
        }
        let (tag, after) = tag(rest).ok_or(Fault::Malformed)?;
        rest = after.trim_ascii_start();
        if !(rest.is_empty() || rest.starts_with(b",")) {
            return Err(Fault::Malformed);
        }
        if tags.len() == TAGS_MAX {
            return Err(Fault::TooMany);
        }
        tags.push(tag);
    }
}

fn tag(text: &[u8]) -> Option<(Tag, &[u8])> {
    let after_weak = text.strip_prefix(b"W/");
    let quoted = after_weak.unwrap_or(text).strip_prefix(b"\"")?;
    let end = quoted.iter().position(|&byte| byte == b'"')?;
    let (opaque, after) = (&quoted[..end], &quoted[end + 1..]);
    if !opaque.iter().all(|&byte| byte > b' ' && byte != 0x7f) {
        return None;
    }
    // A tag of ours is ASCII, so that one with U+FFFD in it matches none.
    let opaque = String::from_utf8_lossy(opaque).into();
    Some((Tag { is_weak: after_weak.is_some(), opaque }, after))
}

impl Fault {
    pub(super) fn rule(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Malformed => "malformed",
            Self::TooMany => "too_many",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("names no tag"),
            Self::Malformed => f.write_str(r#"is neither * nor a list of quoted tags, such as "1", "2""#),
            Self::TooMany => write!(f, "names more than {TAGS_MAX} tags"),
        }
    }
}
