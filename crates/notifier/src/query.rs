//! The query of a socket: who asks, and what they want to hear of. A parameter that isn't known is refused: who asked
//! for what this version can't do must not believe that they have it.

use holdfast_domain::{Caller, UserId};
use holdfast_runtime::problem::FieldProblem;

use crate::Interest;

/// Most faults that are told; there could be thousands.
const FAULTS_MAX: usize = 16;

/// The rule that a value breaks, and the same for people.
type Fault = (&'static str, String);

/// Reads `user_id`, `resource` (repeatable) and `topic`.
///
/// # Errors
/// The parameters at fault.
pub(crate) fn parse(pairs: &[(String, String)]) -> Result<(Caller, Interest), Vec<FieldProblem>> {
    let mut user = None;
    let mut interest = Interest::default();
    let mut faults = Vec::new();
    for (name, value) in pairs {
        if let Err((rule, message)) = take(name, value, &mut user, &mut interest) {
            faults.push(FieldProblem { field: name.clone(), rule, message });
        }
    }
    faults.truncate(FAULTS_MAX);
    if faults.is_empty() { Ok((Caller::open(user), interest)) } else { Err(faults) }
}

fn take(name: &str, value: &str, user: &mut Option<UserId>, interest: &mut Interest) -> Result<(), Fault> {
    match name {
        "user_id" if user.is_some() => return Err(("duplicate", "is given twice".into())),
        "user_id" => {
            *user = Some(UserId::parse(value).map_err(|error| (error.rule(), error.to_string()))?);
        }
        "resource" if interest.resources.len() == Interest::RESOURCES_MAX => {
            let message = format!("is given more than {} times", Interest::RESOURCES_MAX);
            return Err(("too_many", message));
        }
        "resource" => {
            let id = value.parse().map_err(|_| ("uuid", "is not the id of a resource".into()))?;
            interest.resources.push(id);
        }
        "topic" if value == "all" => interest.is_all = true,
        "topic" => return Err(("one_of", "must be all".into())),
        _ => return Err(("unknown", "is not a parameter here".into())),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use holdfast_domain::ResourceId;

    use super::*;

    fn parsed(pairs: &[(&str, &str)]) -> Result<(Caller, Interest), Vec<(String, &'static str)>> {
        let pairs: Vec<_> = pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        parse(&pairs).map_err(|faults| faults.into_iter().map(|f| (f.field, f.rule)).collect())
    }

    #[test]
    fn nothing_at_all_is_nobody_with_nothing_but_their_own() {
        assert_eq!(parsed(&[]), Ok((Caller::open(None), Interest::default())));
    }

    #[test]
    fn resources_add_up_and_all_widens() {
        let id = ResourceId::from_u128(1);
        let text = id.to_string();
        let query = [("resource", &*text), ("user_id", "alice"), ("resource", &*text), ("topic", "all")];
        let (caller, interest) = parsed(&query).unwrap();
        assert_eq!(caller.user, UserId::parse("alice").ok());
        assert_eq!(interest.resources, [id, id]);
        assert!(interest.is_all);
    }

    #[test]
    fn whatever_is_wrong_is_named() {
        let query = [("after", "5"), ("topic", "some"), ("resource", "Raum1"), ("user_id", " ")];
        let rules = [("after", "unknown"), ("topic", "one_of"), ("resource", "uuid"), ("user_id", "blank")];
        let expected: Vec<_> = rules.map(|(field, rule)| (field.to_owned(), rule)).into();
        assert_eq!(parsed(&query), Err(expected));
    }

    #[test]
    fn more_resources_than_allowed_are_refused() {
        let id = ResourceId::from_u128(1).to_string();
        assert!(parsed(&[("resource", &*id); Interest::RESOURCES_MAX]).is_ok());
        let error = parsed(&[("resource", &*id); Interest::RESOURCES_MAX + 1]).unwrap_err();
        assert_eq!(error, [("resource".to_owned(), "too_many")]);
    }
}
