//! What a client says on an open socket: which topics it wants besides, or no longer, and the answers to that.

use bytestring::ByteString;
use holdfast_domain::{EventId, ResourceId, Seq, VenueId};
use serde::{
    Deserialize,
    de::{Error as _, IgnoredAny},
};
use serde_json::{Value, json};

use crate::{Interest, render::Message};

/// Most characters of the id that a client gives a message.
pub(crate) const ID_MAX_CHARS: usize = 64;

/// The longest detail of an error.
const DETAIL_MAX_CHARS: usize = 200;

/// What is to become of the topics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    Subscribe,
    Unsubscribe,
}

/// A message that can be followed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ask {
    pub(crate) verb: Verb,
    pub(crate) topics: Interest,
    id: String,
}

/// A message that can't.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// It isn't JSON.
    NotJson,
    /// It is of no type that there is.
    Unknown,
    /// Something in it is wrong; this is the answer.
    Wrong(ByteString),
}

/// Its fields.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    #[serde(rename = "type")]
    _type: IgnoredAny,
    #[serde(deserialize_with = "id")]
    id: String,
    #[serde(default)]
    resources: Vec<ResourceId>,
    #[serde(default)]
    venues: Vec<VenueId>,
    #[serde(default)]
    events: Vec<EventId>,
    #[serde(default)]
    all: bool,
}

/// Reads a message.
///
/// # Errors
/// When it can't be followed.
pub(crate) fn parse(text: &str) -> Result<Ask, Unfit> {
    let value: Value = serde_json::from_str(text).map_err(|_| Unfit::NotJson)?;
    let verb = match value["type"].as_str() {
        Some("subscribe") => Verb::Subscribe,
        Some("unsubscribe") => Verb::Unsubscribe,
        _ => return Err(Unfit::Unknown),
    };
    let told = value["id"].as_str().filter(|id| is_id(id)).map(str::to_owned);
    let wrong = |error: serde_json::Error| {
        let detail: String = error.to_string().chars().take(DETAIL_MAX_CHARS).collect();
        Unfit::Wrong(refusal(told.as_deref(), "bad_message", &detail))
    };
    let Fields { id, resources, venues, events, all, .. } = serde_json::from_value(value).map_err(wrong)?;
    Ok(Ask { verb, topics: Interest { resources, venues, events, is_all: all }, id })
}

impl Ask {
    /// The topics that there are when it is followed; nothing when those are too many.
    pub(crate) fn applied_to(&self, topics: &Interest) -> Option<Interest> {
        match self.verb {
            Verb::Subscribe => topics.with(&self.topics),
            Verb::Unsubscribe => Some(topics.without(&self.topics)),
        }
    }

    /// That it holds for every change after `seq`.
    pub(crate) fn done(&self, seq: Seq) -> Message {
        let kind = match self.verb {
            Verb::Subscribe => "subscribed",
            Verb::Unsubscribe => "unsubscribed",
        };
        let text = json!({ "type": kind, "id": self.id, "seq": seq }).to_string();
        Message::Placed { kind, seq, text: text.into() }
    }

    /// That nothing has changed, since there would be too many topics.
    pub(crate) fn too_many(&self) -> ByteString {
        let detail = format!("a socket has at most {} resources, venues and events", Interest::NAMED_MAX);
        refusal(Some(&self.id), "too_many", &detail)
    }
}

fn refusal(id: Option<&str>, code: &str, detail: &str) -> ByteString {
    json!({ "type": "error", "id": id, "code": code, "detail": detail }).to_string().into()
}

fn is_id(text: &str) -> bool {
    text.chars().count() <= ID_MAX_CHARS
}

fn id<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if is_id(&text) {
        Ok(text)
    } else {
        Err(D::Error::custom(format!("id: is longer than {ID_MAX_CHARS} characters")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> Value {
        match parse(text) {
            Err(Unfit::Wrong(answer)) => serde_json::from_str(&answer).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    /// These resources, and so many venues and events.
    fn named(resources: std::ops::Range<u128>, venues: u128, events: u128) -> Interest {
        Interest {
            resources: resources.map(ResourceId::from_u128).collect(),
            venues: (0..venues).map(VenueId::from_u128).collect(),
            events: (0..events).map(EventId::from_u128).collect(),
            is_all: false,
        }
    }

    #[test]
    fn a_message_says_what_is_wanted_and_its_answer_who_asked() {
        let (resource, venue, event) =
            (ResourceId::from_u128(1), VenueId::from_u128(2), EventId::from_u128(3));
        let said = json!({
            "type": "subscribe", "id": "a", "resources": [resource], "venues": [venue], "events": [event], "all": true,
        });
        let ask = parse(&said.to_string()).unwrap();
        let topics =
            Interest { resources: vec![resource], venues: vec![venue], events: vec![event], is_all: true };
        assert_eq!(ask.topics, topics);
        let answer: Value = serde_json::from_str(ask.done(Seq(7)).text()).unwrap();
        assert_eq!(answer, json!({ "type": "subscribed", "id": "a", "seq": 7 }));
    }

    #[test]
    fn what_is_no_message_is_told_apart_from_what_is_wrong_in_one() {
        for text in ["", "hello", "{", "{}x"] {
            assert_eq!(parse(text), Err(Unfit::NotJson), "{text}");
        }
        for text in ["{}", "1", "[]", r#"{"type":"hello"}"#, r#"{"type":1}"#] {
            assert_eq!(parse(text), Err(Unfit::Unknown), "{text}");
        }
        let wrong = [
            r#""resources":["Raum1"]"#,
            r#""venues":["Haus"]"#,
            r#""events":["Fest"]"#,
            r#""all":1"#,
            r#""topic":"all""#,
        ];
        for rest in wrong {
            let answer = refused(&format!(r#"{{"type":"subscribe","id":"b",{rest}}}"#));
            assert_eq!((&answer["id"], &answer["code"]), (&json!("b"), &json!("bad_message")), "{rest}");
        }
        let long = "x".repeat(ID_MAX_CHARS + 1);
        for text in [json!({ "type": "subscribe" }), json!({ "type": "unsubscribe", "id": long })] {
            assert_eq!(refused(&text.to_string())["id"], Value::Null);
        }
    }

    #[test]
    fn topics_add_up_to_a_limit_and_go_away_again() {
        let ask = |verb, topics| Ask { verb, topics, id: String::new() };
        let most = u128::try_from(Interest::NAMED_MAX).unwrap() - 2;
        let full = ask(Verb::Subscribe, named(0..most, 1, 1)).applied_to(&named(0..2, 1, 1)).unwrap();
        assert_eq!(full, named(0..most, 1, 1));
        for more in [named(most..most + 1, 0, 0), named(0..0, 2, 0), named(0..0, 0, 2)] {
            assert_eq!(ask(Verb::Subscribe, more).applied_to(&full), None);
        }
        let rest = ask(Verb::Unsubscribe, named(1..most, 0, 0)).applied_to(&full).unwrap();
        assert_eq!(rest, named(0..1, 1, 1));
        assert_eq!(ask(Verb::Unsubscribe, named(0..1, 1, 1)).applied_to(&rest), Some(Interest::default()));
        let all = Interest { is_all: true, ..Interest::default() };
        assert_eq!(ask(Verb::Unsubscribe, all.clone()).applied_to(&all), Some(Interest::default()));
    }
}
