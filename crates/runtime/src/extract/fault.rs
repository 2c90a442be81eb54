//! Which field serde complains of. It names one that is missing, unknown or doubled within its message alone; where it
//! stands is the path.

use crate::problem::Problem;

/// The longest name or message of a caller's making that is sent back.
const LIMIT_CHARS: usize = 200;

/// What serde says of a field of its own accord; anything else is of the value, and breaks the rule `type`.
const RULES: [(&str, &str); 3] =
    [("missing field `", "required"), ("unknown field `", "unknown"), ("duplicate field `", "duplicate")];

/// Adds the field at fault to `problem`; one without a name, which is the whole, goes into the detail.
pub(super) fn name(problem: Problem, path: &str, message: &str) -> Problem {
    let named = RULES.iter().find_map(|(start, rule)| {
        let (field, _) = message.strip_prefix(start)?.split_once('`')?;
        Some((field, *rule))
    });
    let message = clip(message);
    match named {
        Some((field, rule)) => problem.field(clip(&join(path, field, rule)), rule, message),
        None if path.is_empty() => problem.detail(message),
        None => problem.field(clip(path), "type", message),
    }
}

/// Serde's path ends with the name of an unknown field, and with the parent of one that is missing or doubled.
fn join(path: &str, field: &str, rule: &str) -> String {
    match (path, rule) {
        ("", _) => field.to_owned(),
        (path, "unknown") => path.to_owned(),
        (path, _) => format!("{path}.{field}"),
    }
}

/// A path as it is told: the whole has none.
pub(super) fn told(path: &serde_path_to_error::Path) -> String {
    if path.iter().len() == 0 { String::new() } else { path.to_string() }
}

fn clip(text: &str) -> String {
    match text.char_indices().nth(LIMIT_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
