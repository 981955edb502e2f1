//! The environment over the file.

use std::time::Duration;

use super::super::env::SECTIONS;
use super::super::{Listen, Quota, Setting};
use super::{SOURCE, USER, check_with, config_with};

const FILE: &str = r#"
[[source]]
name = "my_scale"
kind = "scale"
base_url = "https://x.example.com"
credential = { env = "NOT_SET_BECAUSE_OVERRIDDEN" }

[[user]]
name = "Alice-B"
password = { env = "PASSWORD" }
"#;

#[test]
fn override_any_key() {
    let config = config_with(
        FILE,
        &[
            ("SPANWIRE_LISTEN", "127.0.0.1:1, localhost:2"),
            ("SPANWIRE_LIMITS__CONNECTIONS", "50"),
            ("SPANWIRE_LIMITS__STATEMENT_TIMEOUT", "off"),
            ("SPANWIRE_CACHE__MEMORY", "1GB"),
            ("SPANWIRE_METRICS__LISTEN", "127.0.0.1:9187"),
            ("SPANWIRE_SOURCE__MY_SCALE__BASE_URL", "https://y.example.com"),
            ("SPANWIRE_SOURCE__MY_SCALE__CREDENTIAL", "test-token-2"),
            ("SPANWIRE_SOURCE__MY_SCALE__ACCOUNT", "42"),
            ("SPANWIRE_SOURCE__MY_SCALE__QUOTA__CALLS", "7"),
            ("SPANWIRE_SOURCE__MY_SCALE__QUOTA__PER", "1m"),
            ("SPANWIRE_USER__ALICE_B__PASSWORD", "test-password-2"),
            ("SPANWIRE_USER__ALICE_B__SOURCES", "my_scale"),
            ("SPANWIRE_USER__ALICE_B__CREDENTIALS__MY_SCALE", "test-token-3"),
            // Left alone: what Kubernetes makes, what is empty, what others use.
            ("SPANWIRE_PORT_5433_TCP_ADDR", "10.0.0.1"),
            ("SPANWIRE_METRICS_SERVICE_HOST", "10.0.0.1"),
            ("SPANWIRE_LOG", "debug"),
            ("SPANWIRE_TLS__CERT", ""),
        ],
    );
    let listen = |host: &str, port| Listen { host: host.to_owned(), port };
    assert_eq!(config.listen, [listen("127.0.0.1", 1), listen("localhost", 2)]);
    assert_eq!((config.limits.connections, config.limits.statement_timeout), (50, None));
    assert_eq!(config.cache.memory, 1_000_000_000);
    assert_eq!(config.metrics.unwrap().listen, listen("127.0.0.1", 9187));
    let source = &config.sources[0];
    assert_eq!(source.base_url.as_str(), "https://y.example.com/");
    assert_eq!(source.credential.as_ref().unwrap().expose(), "test-token-2");
    assert_eq!(source.quota, Some(Quota { calls: 7, per: Duration::from_secs(60), concurrency: None }));
    assert_eq!(source.settings["account"], Setting::Text("42".to_owned()));
    let user = &config.users[0];
    assert_eq!(user.sources, Some(vec!["my_scale".to_owned()]));
    assert_eq!(user.credentials["my_scale"].expose(), "test-token-3");
    assert!(!user.plain_password, "it stands in the environment, not in the file");
    assert_eq!(config.warnings, [""; 0]);
}

#[test]
fn the_longest_name_is_meant() {
    let source = |name: &str| format!("[[source]]\nname = '{name}'\nkind = 'spanlens'\ncredential = 't'\n");
    let text = format!("{}{}[[user]]\nname = 'u'\npassword = {{ env = 'PASSWORD' }}\n", source("a"), source("a__b"));
    let config = config_with(
        &text,
        &[("SPANWIRE_SOURCE__A__B__SETTLE", "1h"), ("SPANWIRE_USER__U__CREDENTIALS__A__B", "test-token")],
    );
    assert_eq!(config.sources[1].settle, Duration::from_secs(3600));
    assert!(config.users[0].credentials.contains_key("a__b"));
}

#[test]
fn faults() {
    let text = format!("{SOURCE}{USER}");
    for (variable, value, fault) in [
        ("SPANWIRE_LIMITS__CONECTIONS", "5", r#"unknown key "conections" (did you mean "connections"?)"#),
        ("SPANWIRE_LIMIT__CONNECTIONS", "5", r#"unknown key "limit" (did you mean "limits"?)"#),
        ("SPANWIRE_LIMITS__CONNECTIONS", "many", "must be a whole number from 1 to 1000000"),
        ("SPANWIRE_LIMITS__CONNECTIONS__X", "5", "an integer was expected, not a table"),
        ("SPANWIRE_SOURCE__B__CREDENTIAL", "t", r#"names no source of the file, or no key of it (did you mean "a"?)"#),
        ("SPANWIRE_SOURCE__A", "t", r#"names no source of the file, or no key of it (did you mean "a"?)"#),
        ("SPANWIRE_SOURCE__A__BASEURL", "t", r#"unknown key "baseurl" (did you mean "base_url"?)"#),
        ("SPANWIRE_SOURCE__A__CREDENTIAL__ENV", "TOKEN", r#""credential" is a string, not a table"#),
        ("SPANWIRE_USER__BOBBY__PASSWORD", "t", "names no user of the file, or no key of it (users of the file: u)"),
        ("SPANWIRE_LISTEN", "a:1,,b:2", "has an empty element"),
        ("SPANWIRE_LISTEN__X", "t", "a list of strings was expected, not a table"),
        // One underscore too few.
        ("SPANWIRE_LISTNE", "a:1", "is not an override (did you mean SPANWIRE_LISTEN?)"),
        ("SPANWIRE_LIMITS_MAX_CALLS", "5", "is not an override (did you mean SPANWIRE_LIMITS__MAX_CALLS?)"),
        ("SPANWIRE_METRICS_LISTEN", "a:1", "is not an override (did you mean SPANWIRE_METRICS__LISTEN?)"),
        ("SPANWIRE_SOURCE_A_BASE_URL", "t", "is not an override (did you mean SPANWIRE_SOURCE__A__BASE_URL?)"),
        ("SPANWIRE_USER_U_PASSWORD", "t", "is not an override (did you mean SPANWIRE_USER__U__PASSWORD?)"),
        ("SPANWIRE_TLS", "off", "is not an override (did you mean SPANWIRE_TLS__…?)"),
    ] {
        check_with(&text, &[(variable, value)], &[&format!("environment: {variable}: {fault}")]);
    }
    check_with(
        &text,
        &[("SPANWIRE_TLS__REQUIRED", "maybe")],
        &[
            "spanwire.toml: tls.cert: is missing",
            "spanwire.toml: tls.key: is missing",
            "environment: SPANWIRE_TLS__REQUIRED: must be true or false",
        ],
    );
}

#[test]
fn names_that_cannot_be_told_apart() {
    let user = |name: &str| format!("[[user]]\nname = '{name}'\npassword = {{ env = 'PASSWORD' }}\n");
    check_with(
        &format!("{SOURCE}{}{}", user("a-b"), user("a.b")),
        &[("SPANWIRE_USER__A_B__PASSWORD", "t")],
        &["environment: SPANWIRE_USER__A_B__PASSWORD: more than one user of the file is named so"],
    );
}

#[test]
fn a_variable_that_the_file_names_is_no_misspelt_override() {
    let text = format!(
        "source = [{{ name = 'a', kind = 'spanlens', credential = {{ env = 'SPANWIRE_SOURCE_A_CREDENTIAL' }} }}]\n{USER}"
    );
    let config = config_with(&text, &[("SPANWIRE_SOURCE_A_CREDENTIAL", "test-token")]);
    assert_eq!(config.sources[0].credential.as_ref().unwrap().expose(), "test-token");
}

#[test]
fn the_hints_know_every_key_of_the_example() {
    let example = include_str!("../../../spanwire.example.toml");
    for (section, keys) in SECTIONS {
        for key in *keys {
            let forms = [format!("{key} = "), format!("[{section}.{key}]")];
            assert!(forms.iter().any(|form| example.contains(form)), "{section}.{key}");
        }
    }
}
