//! Frames of a WebSocket as a server sends them: where each begins and ends, and what is in it. Copies nothing, and knows
//! nothing of what messages say.

/// Most bytes of a control frame.
const CONTROL_MAX_BYTES: usize = 125;

/// What a frame carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Continuation,
    Ping,
    Pong,
    Close,
}

/// A frame that has arrived whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Frame<'a> {
    pub(crate) kind: Kind,
    /// Whether the message ends with it.
    pub(crate) is_last: bool,
    pub(crate) payload: &'a [u8],
    /// How many bytes it has, with its head.
    pub(crate) length: usize,
}

/// What no server of ours sends: binary messages, extensions, masks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed;

/// The frame that `bytes` begins with, once it is whole.
///
/// # Errors
/// When it is none that a server of ours sends.
pub(crate) fn parse(bytes: &[u8]) -> Result<Option<Frame<'_>>, Malformed> {
    let &[first, second, ref rest @ ..] = bytes else {
        return Ok(None);
    };
    let (length, head) = match second {
        126 => match rest.first_chunk() {
            Some(length) => (u64::from(u16::from_be_bytes(*length)), 4),
            None => return Ok(None),
        },
        127 => match rest.first_chunk() {
            Some(length) => (u64::from_be_bytes(*length), 10),
            None => return Ok(None),
        },
        128.. => return Err(Malformed),
        length => (length.into(), 2),
    };
    let kind = match first & 0x7f {
        0x0 => Kind::Continuation,
        0x1 => Kind::Text,
        0x8 => Kind::Close,
        0x9 => Kind::Ping,
        0xa => Kind::Pong,
        _ => return Err(Malformed),
    };
    let is_last = first & 0x80 != 0;
    let length = usize::try_from(length).ok().and_then(|length| length.checked_add(head)).ok_or(Malformed)?;
    if matches!(kind, Kind::Ping | Kind::Pong | Kind::Close)
        && (!is_last || length > head + CONTROL_MAX_BYTES)
    {
        return Err(Malformed);
    }
    Ok(bytes.get(head..length).map(|payload| Frame { kind, is_last, payload, length }))
}

/// A pong with this payload, as a client has to send it: masked, here with a mask that changes nothing.
pub(crate) fn pong(payload: &[u8]) -> Vec<u8> {
    let length = payload.len().min(CONTROL_MAX_BYTES);
    let mut frame = vec![0x8a, 0x80 | length.to_le_bytes()[0], 0, 0, 0, 0];
    frame.extend_from_slice(&payload[..length]);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(length: usize) -> Vec<u8> {
        let mut bytes = vec![0x81];
        match length {
            0..126 => bytes.push(u8::try_from(length).unwrap()),
            126..65_536 => {
                bytes.push(126);
                bytes.extend(u16::try_from(length).unwrap().to_be_bytes());
            }
            _ => {
                bytes.push(127);
                bytes.extend((length as u64).to_be_bytes());
            }
        }
        bytes.resize(bytes.len() + length, b'x');
        bytes
    }

    #[test]
    fn a_frame_ends_where_its_length_says_be_it_written_in_7_16_or_64_bits() {
        for (length, head) in [(0, 2), (125, 2), (126, 4), (65_535, 4), (65_536, 10), (70_000, 10)] {
            let mut bytes = text(length);
            bytes.extend(b"\x89\0");
            let frame = parse(&bytes).unwrap().unwrap();
            assert_eq!((frame.kind, frame.is_last, frame.payload.len()), (Kind::Text, true, length));
            assert_eq!(frame.length, head + length);
            assert_eq!(parse(&bytes[frame.length..]).unwrap().unwrap().kind, Kind::Ping);
        }
    }

    #[test]
    fn a_frame_that_has_not_come_whole_is_none_wherever_it_is_cut() {
        for length in [3, 126, 65_536] {
            let bytes = text(length);
            for cut in (0..20).chain([bytes.len() - 1]).filter(|cut| *cut < bytes.len()) {
                assert_eq!(parse(&bytes[..cut]), Ok(None), "{cut} of {}", bytes.len());
            }
        }
    }

    #[test]
    fn pieces_of_a_message_are_told_apart_from_whole_ones() {
        assert!(!parse(b"\x01\x01a").unwrap().unwrap().is_last);
        let last = parse(b"\x80\x01b").unwrap().unwrap();
        assert_eq!((last.kind, last.is_last), (Kind::Continuation, true));
    }

    #[test]
    fn what_a_server_must_not_send_is_refused() {
        for bytes in [&b"\x82\x01a"[..], b"\xc1\x01a", b"\x81\x81mask", b"\x09\x00", b"\x89\x7e\0\x7e"] {
            assert_eq!(parse(bytes), Err(Malformed), "{bytes:?}");
        }
    }

    #[test]
    fn a_pong_repeats_its_ping_under_a_mask() {
        assert_eq!(pong(b"hey"), b"\x8a\x83\0\0\0\0hey");
    }
}
