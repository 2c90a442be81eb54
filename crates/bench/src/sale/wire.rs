//! What is asked of events over HTTP, as bytes, and what is read of the answers. No JSON of an answer is parsed: the
//! generator shares its cores with what it measures.

use std::{fmt::Display, io::Write, net::SocketAddr};

use memchr::memmem;
use serde_json::json;

/// How requests to a service are written.
#[derive(Debug, Clone)]
pub(crate) struct Wire {
    host: String,
}

impl Wire {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { host: address.to_string() }
    }

    /// Writes a POST with a JSON body to the end of `into`. Without a user the body says who asks.
    pub(crate) fn post(&self, into: &mut Vec<u8>, path: impl Display, user: Option<u32>, body: &str) {
        self.start(into, "POST", path, user);
        if !body.is_empty() {
            into.extend_from_slice(b"Content-Type: application/json\r\n");
        }
        // A Vec takes whatever is written to it.
        let _ = write!(into, "Content-Length: {}\r\n\r\n{body}", body.len());
    }

    /// Writes a GET to the end of `into`.
    pub(crate) fn get(&self, into: &mut Vec<u8>, path: impl Display) {
        self.start(into, "GET", path, None);
        into.extend_from_slice(b"\r\n");
    }

    /// A POST by itself.
    pub(crate) fn posted(&self, path: impl Display, user: Option<u32>, body: &str) -> Vec<u8> {
        let mut request = Vec::new();
        self.post(&mut request, path, user, body);
        request
    }

    fn start(&self, into: &mut Vec<u8>, method: &str, path: impl Display, user: Option<u32>) {
        // As above.
        let _ = write!(into, "{method} {path} HTTP/1.1\r\nHost: {}\r\n", self.host);
        if let Some(user) = user {
            let _ = write!(into, "X-User-ID: {}\r\n", name(user));
        }
    }
}

/// What the user of this number is called.
pub(crate) fn name(user: u32) -> String {
    format!("user-{user}")
}

/// Where units are held.
pub(crate) const RESERVATIONS: &str = "/api/v1/reservations";

/// Where seats are locked, as first published.
pub(crate) const LOCK: &str = "/api/v1/seat-lock";

/// Where locked seats are confirmed, as first published.
pub(crate) const CONFIRM: &str = "/api/v1/booking/confirm";

/// To hold so many units of a section.
pub(crate) fn hold(event: &str, section: &str, quantity: u32) -> String {
    json!({ "event_id": event, "section_id": section, "quantity": quantity }).to_string()
}

/// To hold these seats for so long.
pub(crate) fn hold_seats(event: &str, seats: &[String], seconds: u64) -> String {
    json!({ "event_id": event, "seats": seats, "hold_seconds": seconds }).to_string()
}

/// To lock these seats.
pub(crate) fn lock(event: &str, seats: &[String], user: u32) -> String {
    json!({ "show_id": event, "seat_ids": seats, "user_id": name(user) }).to_string()
}

/// To confirm these seats.
pub(crate) fn confirm(event: &str, seats: &[String], user: u32, request: impl Display) -> String {
    json!({ "show_id": event, "seat_ids": seats, "user_id": name(user), "request_id": request.to_string() })
        .to_string()
}

/// The text of the first member of this name, as long as nothing in it is escaped.
pub(crate) fn text_of<'a>(body: &'a [u8], name: &str) -> Option<&'a str> {
    let start = format!("\"{name}\":\"");
    let at = memmem::find(body, start.as_bytes())? + start.len();
    let end = memchr::memchr(b'"', &body[at..])?;
    str::from_utf8(&body[at..at + end]).ok()
}

/// How many seats a map says are taken, held or confirmed.
pub(crate) fn taken(map: &[u8]) -> u64 {
    const STATES: &[u8] = b"\"states\":\"";
    let rows = memmem::find_iter(map, STATES).map(|at| {
        let states = map[at + STATES.len()..].iter().take_while(|state| **state != b'"');
        states.filter(|state| matches!(state, b'h' | b'c')).count() as u64
    });
    rows.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_http_and_says_who_asks_unless_its_body_does() {
        let wire = Wire::new(([127, 0, 0, 1], 80).into());
        let text = |user, body| String::from_utf8(wire.posted("/x", user, body)).unwrap();
        assert_eq!(
            text(Some(7), "{}"),
            "POST /x HTTP/1.1\r\nHost: 127.0.0.1:80\r\nX-User-ID: user-7\r\nContent-Type: application/json\r\n\
             Content-Length: 2\r\n\r\n{}"
        );
        assert_eq!(text(None, ""), "POST /x HTTP/1.1\r\nHost: 127.0.0.1:80\r\nContent-Length: 0\r\n\r\n");
    }

    #[test]
    fn a_text_is_found_by_its_whole_name() {
        let body = br#"{"confirmation_code":"K7","code":"sold_out","id":3,"open":"}"#;
        assert_eq!(text_of(body, "code"), Some("sold_out"));
        assert_eq!((text_of(body, "id"), text_of(body, "open")), (None, None));
    }

    #[test]
    fn the_taken_seats_of_a_map_are_those_held_and_confirmed_of_all_rows() {
        let map = br#"{"rows":[{"name":"h","states":"ffhc-"},{"name":"c","states":"hh"}],"other":"hh"}"#;
        assert_eq!(taken(map), 4);
    }
}
