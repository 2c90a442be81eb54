//! Reads of an answer what the load needs: its status, its end, and how many conflicts it tells of. No JSON is parsed:
//! the generator shares its cores with what it measures.

use memchr::memmem;

/// An answer that has arrived whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The HTTP status.
    pub(crate) status: u16,
    /// `conflict_count`, where the body has one.
    pub(crate) conflicts: Option<u32>,
    /// Where its body begins.
    pub(crate) body: usize,
    /// How many bytes it has, with its head.
    pub(crate) length: usize,
}

/// What is not HTTP/1.1 with a length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed;

/// The answer that `bytes` begins with, once it is whole.
///
/// # Errors
/// When it is no answer, or does not say how long it is.
pub(crate) fn parse(bytes: &[u8]) -> Result<Option<Answer>, Malformed> {
    let Some(head_end) = memmem::find(bytes, b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = &bytes[..head_end];
    let rest = head.strip_prefix(b"HTTP/1.1 ").ok_or(Malformed)?;
    let status = leading_number(rest).and_then(|status| u16::try_from(status).ok()).ok_or(Malformed)?;
    let length = head_end + 4 + content_length(head).ok_or(Malformed)?;
    let Some(text) = bytes.get(head_end + 4..length) else {
        return Ok(None);
    };
    Ok(Some(Answer { status, conflicts: conflict_count(text), body: head_end + 4, length }))
}

fn content_length(head: &[u8]) -> Option<usize> {
    const NAME: &[u8] = b"content-length:";
    head.split(|byte| *byte == b'\n')
        .find(|line| line.get(..NAME.len()).is_some_and(|name| name.eq_ignore_ascii_case(NAME)))
        .and_then(|line| leading_number(line[NAME.len()..].trim_ascii_start()))
        .and_then(|length| usize::try_from(length).ok())
}

fn conflict_count(body: &[u8]) -> Option<u32> {
    const NAME: &[u8] = b"\"conflict_count\":";
    let at = memmem::find(body, NAME)?;
    leading_number(body[at + NAME.len()..].trim_ascii_start())
}

fn leading_number(text: &[u8]) -> Option<u32> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    str::from_utf8(&text[..digits]).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &[u8] = b"HTTP/1.1 201 Created\r\nETag: \"1\"\r\ncontent-length: 29\r\n\r\n\
        {\"id\":\"x\",\"conflict_count\":7}HTTP/1.1 503 ";

    #[test]
    fn an_answer_ends_where_its_length_says() {
        let answer = parse(WHOLE).unwrap().unwrap();
        assert_eq!((answer.status, answer.conflicts), (201, Some(7)));
        assert_eq!(&WHOLE[answer.body..answer.length], b"{\"id\":\"x\",\"conflict_count\":7}");
        assert!(WHOLE[answer.length..].starts_with(b"HTTP/1.1 503"));
        for cut in 0..answer.length {
            assert_eq!(parse(&WHOLE[..cut]), Ok(None), "{cut}");
        }
    }

    #[test]
    fn an_answer_without_the_count_has_none() {
        let answer = parse(b"HTTP/1.1 503 \r\nContent-Length: 2\r\n\r\n{}");
        assert_eq!(answer.unwrap().unwrap().conflicts, None);
    }

    #[test]
    fn what_does_not_say_its_length_is_refused() {
        assert_eq!(parse(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), Err(Malformed));
        assert_eq!(parse(b"220 mail.example.org\r\n\r\n"), Err(Malformed));
    }
}
