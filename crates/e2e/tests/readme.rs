//! What README.md names is there: a setting that it tells of is one of a binary, or of the scripts.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{collections::BTreeSet, fs, process::Command};

use holdfast_e2e::{Binary, root};

/// The commands whose help tells of settings.
const COMMANDS: [&[&str]; 8] = [
    &["migrate"],
    &["run"],
    &["watch"],
    &["verify"],
    &["fairness"],
    &["recover", "leap"],
    &["recover", "clock"],
    &["openapi"],
];

/// Names such as `DATABASE_URL` in a text.
fn names(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    let words = text.split(|c: char| !(is_part(c) || c.is_ascii_lowercase()));
    let named =
        words.filter(|word| word.contains('_') && word.chars().all(is_part) && !word.starts_with('_'));
    named.map(ToOwned::to_owned).collect()
}

fn help(binary: Binary, arguments: &[&str]) -> String {
    let output = Command::new(binary.path()).args(arguments).arg("--help").output().unwrap();
    assert!(output.status.success(), "{arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// All that can be set of the binaries and of the scripts.
fn known() -> BTreeSet<String> {
    let mut known = BTreeSet::new();
    for binary in Binary::ALL {
        known.extend(names(&help(binary, &[])));
    }
    for arguments in COMMANDS {
        known.extend(names(&help(Binary::Holdfast, arguments)));
    }
    let scripts = ["Makefile", "deploy/local-stack", "docker-compose.yml", ".env.example"];
    let texts = scripts.iter().filter_map(|path| fs::read_to_string(root().join(path)).ok());
    known.extend(texts.flat_map(|text| names(&text)));
    known
}

#[test]
fn every_setting_that_the_readme_names_is_one() {
    let told = names(&fs::read_to_string(root().join("README.md")).unwrap());
    assert!(told.contains("DATABASE_URL") && told.len() > 8, "{told:?}");
    let known = known();
    assert_eq!(told.difference(&known).collect::<Vec<_>>(), Vec::<&String>::new());
    assert!(!known.contains("GRACE_PERIOD_HOURS"));
}
