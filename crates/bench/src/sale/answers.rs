//! What was answered how often: by status and, of a refusal, its code.

use crate::{sale::crew::Heard, sale::wire, told::Told};

/// What an answer is known by: its status, and its code if it is a refusal.
pub(crate) type Name<'a> = (u16, &'a str);

/// One that is made.
pub(crate) const MADE: Name<'_> = (201, "");

/// One that is done.
pub(crate) const DONE: Name<'_> = (200, "");

/// Nothing is left.
pub(crate) const SOLD_OUT: Name<'_> = (409, "sold_out");

/// Somebody else has one of the seats.
pub(crate) const SEATS_TAKEN: Name<'_> = (409, "seats_taken");

/// One of the seats is not held by who confirms.
pub(crate) const SEATS_NOT_HELD: Name<'_> = (409, "seats_not_held");

/// The counts. There are few kinds, so that a list is fast enough.
#[derive(Debug, Default)]
pub(crate) struct Answers(Vec<Kind>);

#[derive(Debug)]
struct Kind {
    status: u16,
    code: String,
    count: u64,
    /// The first body of its kind.
    first: String,
}

impl Answers {
    pub(crate) fn note(&mut self, heard: &Heard<'_>) {
        self.add(heard.status, heard.body);
    }

    pub(crate) fn add(&mut self, status: u16, body: &[u8]) {
        let code = code(status, body);
        if let Some(kind) = self.0.iter_mut().find(|kind| kind.status == status && kind.code == code) {
            kind.count += 1;
            return;
        }
        let first = String::from_utf8_lossy(body).into_owned();
        self.0.push(Kind { status, code: code.to_owned(), count: 1, first });
    }

    pub(crate) fn of(&self, (status, code): Name<'_>) -> u64 {
        let kind = self.0.iter().find(|kind| kind.status == status && kind.code == code);
        kind.map_or(0, |kind| kind.count)
    }
}

/// The code of a refusal; empty when it is none, or has none.
pub(crate) fn code(status: u16, body: &[u8]) -> &str {
    if status < 400 { "" } else { wire::text_of(body, "code").unwrap_or_default() }
}

impl Told {
    /// Notes every answer of another kind as a fault.
    pub(crate) fn only(&mut self, answers: &Answers, expected: &[Name<'_>]) {
        let is_expected = |kind: &&Kind| expected.contains(&(kind.status, kind.code.as_str()));
        for Kind { status, code, count, first } in answers.0.iter().filter(|kind| !is_expected(kind)) {
            self.faults
                .push(format!("{count} answers of status {status} {code}; the first of them: {first}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_told_apart_by_their_code_and_what_is_not_expected_is_a_fault() {
        let mut answers = Answers::default();
        let sold_out = br#"{"status":409,"code":"sold_out","left":[]}"#;
        answers.add(201, br#"{"confirmation_code":"X","code":"none of a refusal"}"#);
        answers.add(409, sold_out);
        answers.add(409, sold_out);
        answers.add(409, br#"{"code":"event_closed"}"#);
        assert_eq!((answers.of(MADE), answers.of(SOLD_OUT), answers.of(SEATS_TAKEN)), (1, 2, 0));
        let mut told = Told::default();
        told.only(&answers, &[MADE, SOLD_OUT]);
        let expected = r#"1 answers of status 409 event_closed; the first of them: {"code":"event_closed"}"#;
        assert_eq!(told.faults, [expected]);
    }
}
