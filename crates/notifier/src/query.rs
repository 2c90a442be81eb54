//! The query of a socket: who asks, and what they want to hear of. A parameter that isn't known is refused: who asked
//! for what this version can't do must not believe that they have it.

use holdfast_domain::{Caller, Seq, UserId};
use holdfast_runtime::problem::FieldProblem;

use crate::Interest;

/// Most faults that are told; there could be thousands.
const FAULTS_MAX: usize = 16;

/// The rule that a value breaks, and the same for people.
type Fault = (&'static str, String);

/// What a query says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) caller: Caller,
    pub(crate) interest: Interest,
    /// Where they broke off; nothing when they only want what comes.
    pub(crate) after: Option<Seq>,
}

/// Reads `user_id`, `resource`, `venue` and `event` (repeatable), `topic` and `after`.
///
/// # Errors
/// The parameters at fault.
pub(crate) fn parse(pairs: &[(String, String)]) -> Result<Wanted, Vec<FieldProblem>> {
    let mut wanted = Wanted { caller: Caller::open(None), interest: Interest::default(), after: None };
    let mut faults = Vec::new();
    for (name, value) in pairs {
        if let Err((rule, message)) = take(name, value, &mut wanted) {
            faults.push(FieldProblem { field: name.clone(), rule, message });
        }
    }
    faults.truncate(FAULTS_MAX);
    if faults.is_empty() { Ok(wanted) } else { Err(faults) }
}

/// A position, as a client wrote it down.
///
/// # Errors
/// The rule that it breaks.
pub(crate) fn position(text: &str) -> Result<Seq, Fault> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let seq = text.parse().ok().filter(|_| is_plain);
    seq.map(Seq).ok_or_else(|| ("position", "is not a position in the log".into()))
}

fn take(name: &str, value: &str, wanted: &mut Wanted) -> Result<(), Fault> {
    let Wanted { caller: Caller { user, .. }, interest, after } = wanted;
    match name {
        "user_id" if user.is_some() => return Err(("duplicate", "is given twice".into())),
        "user_id" => {
            *user = Some(UserId::parse(value).map_err(|error| (error.rule(), error.to_string()))?);
        }
        "resource" | "venue" | "event" if interest.named() == Interest::NAMED_MAX => {
            let message = format!("is one more than {} resources, venues and events", Interest::NAMED_MAX);
            return Err(("too_many", message));
        }
        "resource" => {
            let id = value.parse().map_err(|_| ("uuid", "is not the id of a resource".into()))?;
            interest.resources.push(id);
        }
        "venue" => {
            let id = value.parse().map_err(|_| ("uuid", "is not the id of a venue".into()))?;
            interest.venues.push(id);
        }
        "event" => {
            let id = value.parse().map_err(|_| ("uuid", "is not the id of an event".into()))?;
            interest.events.push(id);
        }
        "after" if after.is_some() => return Err(("duplicate", "is given twice".into())),
        "after" => *after = Some(position(value)?),
        "topic" if value == "all" => interest.is_all = true,
        "topic" => return Err(("one_of", "must be all".into())),
        _ => return Err(("unknown", "is not a parameter here".into())),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use holdfast_domain::{EventId, ResourceId, VenueId};

    use super::*;

    fn parsed(pairs: &[(&str, &str)]) -> Result<Wanted, Vec<(String, &'static str)>> {
        let pairs: Vec<_> = pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        parse(&pairs).map_err(|faults| faults.into_iter().map(|f| (f.field, f.rule)).collect())
    }

    #[test]
    fn nothing_at_all_is_nobody_with_nothing_but_their_own() {
        let nothing = Wanted { caller: Caller::open(None), interest: Interest::default(), after: None };
        assert_eq!(parsed(&[]), Ok(nothing));
    }

    #[test]
    fn resources_venues_and_events_add_up_and_all_widens() {
        let id = ResourceId::from_u128(1);
        let (text, venue) = (id.to_string(), VenueId::from_u128(2).to_string());
        let event = EventId::from_u128(3).to_string();
        let query = [
            ("resource", &*text),
            ("user_id", "alice"),
            ("venue", &*venue),
            ("event", &*event),
            ("resource", &*text),
            ("topic", "all"),
        ];
        let Wanted { caller, interest, .. } = parsed(&query).unwrap();
        assert_eq!(caller.user, UserId::parse("alice").ok());
        assert_eq!(interest.resources, [id, id]);
        assert_eq!(interest.venues, [VenueId::from_u128(2)]);
        assert_eq!(interest.events, [EventId::from_u128(3)]);
        assert!(interest.is_all);
    }

    #[test]
    fn whatever_is_wrong_is_named() {
        let query = [
            ("since", "5"),
            ("topic", "some"),
            ("resource", "Raum1"),
            ("venue", ""),
            ("event", "Fest"),
            ("user_id", " "),
        ];
        let rules = [
            ("since", "unknown"),
            ("topic", "one_of"),
            ("resource", "uuid"),
            ("venue", "uuid"),
            ("event", "uuid"),
            ("user_id", "blank"),
        ];
        let expected: Vec<_> = rules.map(|(field, rule)| (field.to_owned(), rule)).into();
        assert_eq!(parsed(&query), Err(expected));
    }

    #[test]
    fn a_position_is_a_whole_number_from_0_up_and_given_once() {
        assert_eq!(parsed(&[("after", "17")]).map(|wanted| wanted.after), Ok(Some(Seq(17))));
        for bad in ["", "-1", "+1", "1.0", "x", "9223372036854775808"] {
            assert_eq!(parsed(&[("after", bad)]), Err(vec![("after".to_owned(), "position")]), "{bad}");
        }
        let twice = parsed(&[("after", "1"), ("after", "1")]);
        assert_eq!(twice, Err(vec![("after".to_owned(), "duplicate")]));
    }

    #[test]
    fn more_resources_venues_and_events_than_allowed_are_refused() {
        let id = ResourceId::from_u128(1).to_string();
        let mut query = vec![("resource", &*id); Interest::NAMED_MAX];
        query[0].0 = "venue";
        query[1].0 = "event";
        assert!(parsed(&query).is_ok());
        for name in ["resource", "venue", "event"] {
            let error = parsed(&[&query[..], &[(name, &*id)]].concat()).unwrap_err();
            assert_eq!(error, [(name.to_owned(), "too_many")]);
        }
    }
}
