//! Conditions on the version of what is asked for (RFC 9110, section 13).

use std::convert::Infallible;

use actix_web::{
    HttpResponse,
    http::header::{self, HeaderMap},
};

use super::{
    extractor,
    tag::{Listed, Tag, listed},
};
use crate::problem::Problem;

/// `If-Match`: which versions a write may meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IfMatch {
    /// No condition.
    Absent,
    /// `*`: whichever there is.
    Any,
    /// One of these. A weak tag, and one that is not of a version, matches none, so that there may be no version here.
    Versions(Vec<i32>),
}

/// `If-None-Match` of a read: what the caller has already. Advice: one that can't be read is as none, and the answer is
/// whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IfNoneMatch {
    /// Nothing.
    Absent,
    /// `*`: something, whichever it is.
    Any,
    /// One of these.
    Tags(Vec<Tag>),
}

impl IfMatch {
    fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        match listed(headers, header::IF_MATCH) {
            Ok(None) => Ok(Self::Absent),
            Ok(Some(Listed::Any)) => Ok(Self::Any),
            Ok(Some(Listed::Tags(tags))) => {
                Ok(Self::Versions(tags.iter().filter_map(Tag::as_version).collect()))
            }
            Err(fault) => Err(Problem::bad_header("If-Match", fault.rule(), fault.to_string())),
        }
    }
}

impl IfNoneMatch {
    /// Whether the caller has what this tag stands for.
    pub fn has(&self, tag: &Tag) -> bool {
        match self {
            Self::Absent => false,
            Self::Any => true,
            Self::Tags(tags) => tags.iter().any(|had| had.matches_weakly(tag)),
        }
    }

    /// The answer to a caller that has what this tag stands for.
    pub fn not_modified(&self, tag: &Tag) -> Option<HttpResponse> {
        self.has(tag).then(|| HttpResponse::NotModified().insert_header(tag.header()).finish())
    }

    #[expect(clippy::unnecessary_wraps, reason = "as of every header")]
    fn of(headers: &HeaderMap) -> Result<Self, Infallible> {
        Ok(match listed(headers, header::IF_NONE_MATCH) {
            Ok(None) | Err(_) => Self::Absent,
            Ok(Some(Listed::Any)) => Self::Any,
            Ok(Some(Listed::Tags(tags))) => Self::Tags(tags),
        })
    }
}

extractor!(IfMatch, Problem);
extractor!(IfNoneMatch, Infallible);

#[cfg(test)]
mod tests {
    use super::{
        super::tests::{fault, lines},
        *,
    };

    fn if_match(values: &[&str]) -> Result<IfMatch, Problem> {
        IfMatch::of(&lines(&header::IF_MATCH, values.iter().copied()))
    }

    fn if_none_match(values: &[&str]) -> IfNoneMatch {
        let Ok(header) = IfNoneMatch::of(&lines(&header::IF_NONE_MATCH, values.iter().copied()));
        header
    }

    #[test]
    fn a_write_without_a_condition_or_with_a_star_meets_any_version() {
        assert_eq!(if_match(&[]).unwrap(), IfMatch::Absent);
        assert_eq!(if_match(&[" * "]).unwrap(), IfMatch::Any);
    }

    #[test]
    fn the_tags_of_all_lines_are_one_list() {
        let condition = if_match(&[r#""1","2""#, r#" , "-3" ,, "#]).unwrap();
        assert_eq!(condition, IfMatch::Versions(vec![1, 2, -3]));
    }

    #[test]
    fn a_tag_that_is_weak_or_not_of_a_version_matches_none() {
        let strange =
            [r#"W/"1""#, r#""01""#, r#""+1""#, r#""""#, r#""1,2""#, r#""9999999999""#, "\"é\"", r#""a\""#];
        for tag in strange {
            assert_eq!(if_match(&[tag]).unwrap(), IfMatch::Versions(vec![]), "{tag}");
        }
    }

    #[test]
    fn a_condition_that_can_not_be_read_is_refused_by_its_rule() {
        let sixteen = [r#""1""#; 16].join(",");
        assert!(if_match(&[&sixteen]).is_ok());
        let cases: [(&[&str], &str); 13] = [
            (&[""], "empty"),
            (&[" , ,"], "empty"),
            (&["1"], "malformed"),
            (&[r#""1"#], "malformed"),
            (&[r#"1""#], "malformed"),
            (&[r#""1" "2""#], "malformed"),
            (&[r#""1"x"#], "malformed"),
            (&[r#"w/"1""#], "malformed"),
            (&[r#"W/ "1""#], "malformed"),
            (&["\"a b\""], "malformed"),
            (&[r#"*, "1""#], "malformed"),
            (&["*", r#""1""#], "malformed"),
            (&[&sixteen, r#""1""#], "too_many"),
        ];
        for (values, rule) in cases {
            assert_eq!(fault(&if_match(values).unwrap_err()), ("If-Match", rule), "{values:?}");
        }
    }

    #[test]
    fn a_reader_that_has_the_version_is_told_so_with_its_tag() {
        let tag = Tag::version(7);
        for had in [r#""7""#, r#"W/"7""#, r#""6", "7""#, "*"] {
            let answer = if_none_match(&[had]).not_modified(&tag).unwrap();
            assert_eq!(answer.status(), 304, "{had}");
            assert_eq!(answer.headers().get(header::ETAG).unwrap(), "\"7\"");
        }
    }

    #[test]
    fn a_reader_that_has_another_version_or_says_nothing_readable_gets_the_whole() {
        for had in [&[][..], &[r#""6""#], &["7"], &[r#""7" x"#], &[""], &["*", "*"]] {
            assert!(if_none_match(had).not_modified(&Tag::version(7)).is_none(), "{had:?}");
        }
    }
}
