//! Tests of the configuration. Each fault has its exact text here, in tables of (file, fault lines).

mod faults;
mod overrides;
mod secrets;
mod tls;
mod valid;

use super::{Config, Env, Faults, KindInfo, parse};

const KINDS: &[KindInfo] = &[
    KindInfo { kind: "spanlens", settings: &[], default_base_url: Some("https://api.spanlens.example.com") },
    KindInfo { kind: "scale", settings: &["account", "format", "method"], default_base_url: None },
    KindInfo { kind: "respan", settings: &["environment"], default_base_url: None },
    KindInfo { kind: "adaline", settings: &["projects"], default_base_url: None },
    KindInfo { kind: "trulayer", settings: &["projects"], default_base_url: None },
];

/// A source and a user; each is one line, so that what is put before, between or after has a known line.
const SOURCE: &str = "source = [{ name = \"a\", kind = \"spanlens\", credential = \"test-token\" }]\n";
const USER: &str = "user = [{ name = \"u\", password = { env = \"PASSWORD\" } }]\n";

const VARIABLES: [(&str, &str); 2] = [("PASSWORD", "test-password"), ("TOKEN", "test-token")];

fn parse_with(text: &str, variables: &[(&str, &str)]) -> Result<Config, Faults> {
    let env: Env = VARIABLES.iter().chain(variables).copied().collect();
    parse(text, "spanwire.toml", &env, KINDS)
}

fn config(text: &str) -> Config {
    config_with(text, &[])
}

fn config_with(text: &str, variables: &[(&str, &str)]) -> Config {
    parse_with(text, variables).unwrap_or_else(|faults| panic!("{faults}"))
}

/// Checks all the faults of a text, one line each.
#[track_caller]
fn check(text: &str, expected: &[&str]) {
    check_with(text, &[], expected);
}

#[track_caller]
fn check_with(text: &str, variables: &[(&str, &str)], expected: &[&str]) {
    let faults = parse_with(text, variables).expect_err("the text has faults");
    assert_eq!(faults.to_string().lines().collect::<Vec<_>>(), expected, "\n{text}");
}

/// Checks the faults of lines at the top of a file that is otherwise in order.
#[track_caller]
fn check_top(lines: &str, expected: &[&str]) {
    check(&format!("{lines}\n{SOURCE}{USER}"), expected);
}

/// Checks the faults of a source; its line is 1, its path `source[0]`.
#[track_caller]
fn check_source(fields: &str, expected: &[&str]) {
    check(&format!("source = [{{ {fields} }}]\n{USER}"), expected);
}

/// Checks the faults of a user beside source "a"; its line is 2, its path `user[0]`.
#[track_caller]
fn check_user(fields: &str, expected: &[&str]) {
    check(&format!("{SOURCE}user = [{{ {fields} }}]\n"), expected);
}
