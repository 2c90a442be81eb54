//! What `--help` tells is so, and settings that contradict each other are refused.

use std::ffi::OsStr;

use clap::{CommandFactory, FromArgMatches};
use holdfast_runtime::service::{Settings as _, taught};

use super::*;

const DATABASE: &str = "--database-url=postgres://holdfast@localhost/holdfast";

/// As the process does, each value right by itself.
fn parse<T: AsRef<OsStr>>(arguments: &[T]) -> Holdfast {
    let matches = taught(Holdfast::command()).try_get_matches_from(arguments.iter().map(AsRef::as_ref));
    matches.and_then(|matches| Holdfast::from_arg_matches(&matches)).unwrap_or_else(|error| panic!("{error}"))
}

fn refusal(arguments: &[&str]) -> String {
    let arguments = [&["holdfast"], arguments, &[DATABASE]].concat();
    parse(&arguments).check().expect_err("they contradict")
}

#[test]
fn the_settings_of_all_parts_go_together() {
    taught(Holdfast::command()).debug_assert();
}

#[test]
fn settings_that_contradict_each_other_are_refused() {
    let refused = refusal(&["--shutdown-seconds=5", "run"]);
    assert!(
        refused.contains("SHUTDOWN_SECONDS (5)") && refused.contains("STATEMENT_TIMEOUT_MILLIS (5000)"),
        "{refused}"
    );
    let refused = refusal(&["run", "--lane-wait-millis=25000"]);
    assert!(
        refused.contains("SHUTDOWN_SECONDS (25)") && refused.contains("LANE_WAIT_MILLIS (25000)"),
        "{refused}"
    );
    let refused = refusal(&["run", "--changes-keep-days=2", "--grace-period-minutes=2880"]);
    assert!(refused.contains("CHANGES_KEEP_DAYS (2)"), "{refused}");
    for arguments in [&["verify", "--from=7"][..], &["watch", "--changes", "--after=7"]] {
        assert!(refusal(arguments).ends_with("name it with --shard or --tenant"), "{arguments:?}");
    }
    let arguments = ["holdfast", "verify", DATABASE, "--shard=3", "--from=7"];
    assert_eq!(parse(&arguments).check(), Ok(()));
}

/// Every command that does something, by its words, with its help.
fn commands(command: &clap::Command, words: &str) -> Vec<(String, clap::Command)> {
    if !command.has_subcommands() {
        return vec![(words.to_owned(), command.clone())];
    }
    let each = command.get_subcommands().filter(|command| command.get_name() != "help");
    each.flat_map(|command| commands(command, &format!("{words} {}", command.get_name()))).collect()
}

fn all() -> Vec<(String, clap::Command)> {
    let mut command = taught(Holdfast::command());
    command.build();
    commands(&command, "holdfast")
}

#[test]
fn the_help_of_every_command_tells_each_settings_default_and_each_numbers_range() {
    let mut numbers = 0;
    for (words, mut command) in all() {
        let help = command.render_long_help().to_string();
        assert!(help.contains("--log-level"), "{words} does not tell what every process has");
        let has_value = |arg: &&clap::Arg| arg.get_action().takes_values() && !arg.is_positional();
        for arg in command.get_arguments().filter(has_value) {
            let name = arg.get_long().expect("each has a name");
            let told = help
                .split(&format!("--{name} <"))
                .nth(1)
                .unwrap_or_else(|| panic!("{words} --{name}: not told"));
            let told = told.split("\n      --").next().expect("a part");
            for default in arg.get_default_values() {
                let default = default.to_str().expect("text");
                assert!(told.contains(&format!("[default: {default}]")), "{words} --{name}: its default");
                if default.parse::<i64>().is_ok() {
                    numbers += 1;
                    assert!(has_range(told), "{words} --{name}: its range: {told}");
                }
            }
        }
    }
    assert!(numbers > 40, "{numbers}");
}

/// Whether a text tells two numbers in brackets, as in `[1 to 512]`.
fn has_range(text: &str) -> bool {
    let mut bracketed = text.split('[').skip(1).filter_map(|part| part.split(']').next()?.split_once(" to "));
    bracketed.any(|(from, to)| from.parse::<i64>().is_ok() && to.parse::<i64>().is_ok())
}

#[test]
fn the_help_of_every_command_has_its_exit_codes_and_examples_that_are_commands() {
    let command = taught(Holdfast::command());
    let mut texts = vec![help::ALL.to_owned()];
    for command in command.get_subcommands() {
        let text = command.get_after_long_help().expect("what is told besides").to_string();
        assert!(text.contains("Exit codes: 0 "), "{}", command.get_name());
        texts.push(text);
    }
    let mut examples = 0;
    for line in texts.iter().flat_map(|text| text.lines()).filter_map(|line| line.strip_prefix("  ")) {
        let words: Vec<&str> = line.split_whitespace().skip_while(|word| word.contains('=')).collect();
        if words.first() != Some(&"holdfast") {
            continue;
        }
        // Up to what is said of it, or what is done with what it prints.
        let end = line.find("   ").unwrap_or(line.len());
        let example = line[..end].split(['|', '>']).next().expect("a part");
        let example = example.replace("EVENT_ID", "01977b6c-9d00-7000-8000-000000000001");
        let words = example.split_whitespace().skip_while(|word| word.contains('=')).map(ToOwned::to_owned);
        let needs_none = ["openapi", "docs"].iter().any(|command| example.contains(command));
        let words: Vec<String> = words.chain((!needs_none).then(|| DATABASE.to_owned())).collect();
        assert_eq!(parse(&words).check(), Ok(()), "{example}");
        examples += 1;
    }
    assert!(examples > 15, "{examples}");
}

#[test]
fn the_first_help_is_a_screenful() {
    let help = taught(Holdfast::command()).render_long_help().to_string();
    assert!(help.lines().count() <= 40, "{} lines", help.lines().count());
    for (words, _) in all() {
        let command = words.split_whitespace().nth(1).expect("a command");
        assert!(help.contains(&format!("  holdfast {command}")), "no example of {command}");
    }
}
