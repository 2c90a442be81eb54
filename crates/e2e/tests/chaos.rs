//! `make chaos` in short, and its control from end to end: with a guard of the services taken out it is red.

use std::process::{Command, Output};

/// Runs it with these options, and keeps what it keeps below the target directory.
fn chaos(options: &[&str]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_holdfast-chaos"))
        .args(["--keep", env!("CARGO_TARGET_TMPDIR")])
        .args(options)
        .output()
        .expect("it was built with this test");
    eprintln!("{}", String::from_utf8_lossy(&output.stderr));
    output
}

#[test]
fn whatever_breaks_no_promise_does() {
    assert!(chaos(&["--seconds", "25", "--seed", "4"]).status.success());
}

#[test]
fn control_services_that_do_not_look_a_key_up_are_found_out() {
    let output = chaos(&["--seconds", "3", "--seed", "4", "--failpoints", "keys.not_looked_up=return"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("BROKEN OneEffect"));
}

#[test]
fn control_services_that_hold_units_before_they_end_what_is_over_are_found_out() {
    let options = ["--seconds", "10", "--seed", "4", "--only", "processes"];
    let output = chaos(&[&options[..], &["--failpoints", "sale.settles_not=return"]].concat());
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("BROKEN Replay"));
}
