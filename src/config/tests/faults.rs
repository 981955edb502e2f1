//! Each kind of fault with its exact text.

use super::{SOURCE, USER, check, check_source, check_top, check_user};
use crate::error::{Error, Kind};

#[test]
fn several_at_once_in_the_order_of_the_file() {
    let text = r#"
listen = "127.0.0.1:notaport"

[[source]]
name = "a"
kind = "spanlens"
credential = "test-token"
  [source.quota]
  calls = 0

[[source]]
kind = "scale"

[[user]]
name = "u"
sources = ["b"]

[limits]
connections = "many"
conections = 5
"#;
    check(
        text,
        &[
            r#"spanwire.toml:2: listen: port "notaport" is not a number from 0 to 65535 (write host:port, such as "127.0.0.1:5433")"#,
            "spanwire.toml:8: source[0].quota.per: is missing",
            "spanwire.toml:9: source[0].quota.calls: must be a whole number from 1 to 4294967295",
            "spanwire.toml:11: source[1].name: is missing",
            r#"spanwire.toml:11: source[1].base_url: is missing, and kind "scale" has no default"#,
            "spanwire.toml:14: user[0].password: is missing",
            r#"spanwire.toml:16: user[0].sources[0]: unknown source "b" (did you mean "a"?)"#,
            "spanwire.toml:19: limits.connections: an integer was expected, not a string",
            r#"spanwire.toml:20: limits.conections: unknown key "conections" (did you mean "connections"?)"#,
        ],
    );
}

#[test]
fn empty_file() {
    check(
        "",
        &[
            "spanwire.toml: source: there is no source (add a [[source]])",
            "spanwire.toml: user: there is no user, hence nobody can connect (add a [[user]])",
        ],
    );
}

#[test]
fn syntax_errors_are_all_listed() {
    check(
        "a = \nb = 1\nc = [1\n",
        &[
            "spanwire.toml:1: not valid TOML: string values must be quoted, expected literal string",
            "spanwire.toml:3: not valid TOML: unclosed array, expected `]`",
        ],
    );
    check("a = 1\na = 2\n", &["spanwire.toml:2: not valid TOML: duplicate key"]);
}

#[test]
fn unknown_keys() {
    check_top("lisen = 1", &[r#"spanwire.toml:1: lisen: unknown key "lisen" (did you mean "listen"?)"#]);
    check_top(
        "\"a\\nb\" = 1",
        &[
            r#"spanwire.toml:1: "a\nb": unknown key "a\nb" (known keys: listen, tls, source, user, cache, limits, metrics)"#,
        ],
    );
    check_source(
        "name = 'a', kind = 'spanlens', credential = 't', account = 'x'",
        &[r#"spanwire.toml:1: source[0].account: unknown key "account" (it belongs to kind "scale")"#],
    );
    // An unknown kind is one fault: its settings are not held against it.
    check_source(
        "name = 'a', kind = 'spanlense', credential = 't', account = 'x'",
        &[
            r#"spanwire.toml:1: source[0].kind: unknown kind "spanlense" (known kinds: spanlens, scale, respan, adaline, trulayer)"#,
        ],
    );
}

#[test]
fn wrong_types() {
    check_top("limits = 5", &["spanwire.toml:1: limits: a table was expected, not an integer"]);
    check_top("listen = true", &["spanwire.toml:1: listen: a list of strings was expected, not a boolean"]);
    check_top("cache = { dir = 1.5 }", &["spanwire.toml:1: cache.dir: a string was expected, not a float"]);
    check_top("cache = { dir = '' }", &["spanwire.toml:1: cache.dir: is empty"]);
    check(
        &format!("source = {{ name = 'a' }}\n{USER}"),
        &[
            "spanwire.toml:1: source: a list of tables was expected, not a table (write [[source]])",
            "spanwire.toml: source: there is no source (add a [[source]])",
        ],
    );
    check_user(
        "name = 'u', password = 1979-05-27",
        &[r#"spanwire.toml:2: user[0].password: a string, { env = "…" } or { file = "…" } was expected, not a time"#],
    );
}

#[test]
fn listen() {
    for (value, fault) in [
        ("'5433'", r#""5433" is not an address"#),
        ("':5433'", r#"":5433" is not an address"#),
        ("'::1:5433'", r#""::1:5433" is not an address"#),
        ("'localhost:99999'", r#"port "99999" is not a number from 0 to 65535"#),
    ] {
        let line = format!(r#"spanwire.toml:1: listen: {fault} (write host:port, such as "127.0.0.1:5433")"#);
        check_top(&format!("listen = {value}"), &[&line]);
    }
    check_top("listen = []", &["spanwire.toml:1: listen: is an empty list"]);
    check_top("listen = ['localhost:1', 'localhost:1']", &["spanwire.toml:1: listen[1]: is listed twice"]);
    check_top(
        "listen = '127.0.0.1:1'\nmetrics = { listen = '127.0.0.1:1' }",
        &["spanwire.toml:2: metrics.listen: 127.0.0.1:1 is taken by listen"],
    );
    check_top("metrics = {}", &["spanwire.toml:1: metrics.listen: is missing"]);
}

#[test]
fn durations() {
    for (value, fault) in [
        ("30", r#"has no unit (write "10s", "10min" or "30d")"#),
        ("'30'", r#""30" is not a duration: time unit needed, for example 30sec or 30ms"#),
        ("'soon'", r#""soon" is not a duration: expected number at 0"#),
        ("'0'", "must not be 0"),
        ("0", "must not be 0"),
        ("'1ms'", "must be at least 1s"),
        ("'200years'", "must be at most 100years"),
        ("true", r#"a duration such as "10min" was expected, not a boolean"#),
    ] {
        check_source(
            &format!("name = 'a', kind = 'spanlens', credential = 't', lookback = {value}"),
            &[&format!("spanwire.toml:1: source[0].lookback: {fault}")],
        );
    }
    check_top(
        "limits = { statement_timeout = '30d', authentication_timeout = 'off' }",
        &[
            r#"spanwire.toml:1: limits.statement_timeout: must be at most 24days 20h 31m 23s 647ms"#,
            r#"spanwire.toml:1: limits.authentication_timeout: "off" is not a duration: expected number at 0"#,
        ],
    );
}

#[test]
fn sizes() {
    const HINT: &str = r#"(write "512MB", "2GiB" or a number of bytes)"#;
    for (value, fault) in [
        ("'much'", format!("is not a size {HINT}")),
        ("-1", format!("is not a size {HINT}")),
        ("'-1GB'", format!("is not a size {HINT}")),
        ("'99999999EB'", "is too large".to_owned()),
        ("0", "must be at least 1000000".to_owned()),
        ("true", r#"a size such as "512MB" was expected, not a boolean"#.to_owned()),
    ] {
        check_top(
            &format!("limits = {{ query_memory = {value} }}"),
            &[&format!("spanwire.toml:1: limits.query_memory: {fault}")],
        );
    }
    check_top(
        "limits = { query_memory = '2GB', total_memory = '1GB' }",
        &["spanwire.toml:1: limits.total_memory: must be at least query_memory"],
    );
    check_top(
        "cache = { max_bytes = '1GB' }",
        &[
            "spanwire.toml:1: cache.max_bytes: bounds the files of a directory, and there is no dir (set dir, or memory instead)",
        ],
    );
}

#[test]
fn source_names() {
    for (name, fault) in [
        (
            "Spanlens",
            r#""Spanlens" cannot be a schema (use lower-case letters, digits and _, not starting with a digit, at most 63 characters)"#,
        ),
        (
            "1a",
            r#""1a" cannot be a schema (use lower-case letters, digits and _, not starting with a digit, at most 63 characters)"#,
        ),
        ("public", r#"schema "public" belongs to the gateway (choose another name)"#),
        ("spanwire", r#"schema "spanwire" belongs to the gateway (choose another name)"#),
        ("information_schema", r#"schema "information_schema" belongs to the gateway (choose another name)"#),
        ("pg_x", r#"schema "pg_x" belongs to the gateway (choose another name)"#),
        ("", "is empty"),
    ] {
        check_source(
            &format!("name = '{name}', kind = 'spanlens', credential = 't'"),
            &[&format!("spanwire.toml:1: source[0].name: {fault}")],
        );
    }
}

#[test]
fn base_urls() {
    for (url, fault) in [
        ("nonsense", r#"is not a URL: relative URL without a base (write "https://host/path")"#),
        ("ftp://host/", r#"is not an https URL (write "https://host/path")"#),
        ("http://example.com", "would send the credential in the clear (use https; http is for localhost only)"),
        ("http://localhost.evil.com", "would send the credential in the clear (use https; http is for localhost only)"),
        ("https://me:test-token@example.com", "holds a user or a password (set credential instead)"),
        ("https://example.com/?key=test-token", "holds a query or a fragment (write the part before ? and #)"),
        ("https://example.com/#x", "holds a query or a fragment (write the part before ? and #)"),
    ] {
        check_source(
            &format!("name = 'a', kind = 'spanlens', credential = 't', base_url = '{url}'"),
            &[&format!("spanwire.toml:1: source[0].base_url: {fault}")],
        );
    }
}

#[test]
fn what_is_kept_filled() {
    check_source(
        "name = 'a', kind = 'spanlens', base_url = 'https://x', credential = 't', sync = { tables = [], since = '0s', every = 'x', share = 1.5, often = 1 }",
        &[
            "spanwire.toml:1: source[0].sync.tables: is an empty list",
            "spanwire.toml:1: source[0].sync.since: must not be 0",
            "spanwire.toml:1: source[0].sync.every: \"x\" is not a duration: expected number at 0",
            "spanwire.toml:1: source[0].sync.share: must be above 0 and at most 1 (write 0.5 for the half)",
            "spanwire.toml:1: source[0].sync.often: unknown key \"often\" (known keys: tables, since, every, share)",
        ],
    );
    check_top(
        "cache = { dir = '/x', memory = 0 }",
        &["spanwire.toml:1: cache.memory: lets nothing be held, and dir is set (take dir out, or give it some memory)"],
    );
}

#[test]
fn quotas_and_settings() {
    check_source(
        "name = 'a', kind = 'adaline', base_url = 'https://x', credential = 't', quota = { calls = -1, per = '0', concurrency = 0 }, projects = []",
        &[
            "spanwire.toml:1: source[0].quota.calls: must be a whole number from 1 to 4294967295",
            "spanwire.toml:1: source[0].quota.per: must not be 0",
            "spanwire.toml:1: source[0].quota.concurrency: must be a whole number from 1 to 10000",
            "spanwire.toml:1: source[0].projects: is an empty list",
        ],
    );
    check_source(
        "name = 'a', kind = 'adaline', base_url = 'https://x', credential = 't', projects = [1, '']",
        &["spanwire.toml:1: source[0].projects[0]: a string was expected, not an integer"],
    );
}

#[test]
fn references() {
    check(
        &format!(
            "{SOURCE}user = [{{ name = 'u', password = {{ env = 'PASSWORD' }} }}, {{ name = 'u', password = {{ env = 'PASSWORD' }} }}]"
        ),
        &[r#"spanwire.toml:2: user[1].name: user "u" is declared twice, first by user[0].name"#],
    );
    let twice = "{ name = 'a', kind = 'spanlens', credential = 't' }";
    check(
        &format!("source = [{twice},\n{twice}]\n{USER}"),
        &[r#"spanwire.toml:2: source[1].name: source "a" is declared twice, first by source[0].name"#],
    );
    check_user(
        "name = 'u', password = { env = 'PASSWORD' }, sources = ['spanlens'], credentials = { scale = 't' }",
        &[
            r#"spanwire.toml:2: user[0].sources[0]: unknown source "spanlens" (known sources: a)"#,
            r#"spanwire.toml:2: user[0].credentials.scale: unknown source "scale" (known sources: a)"#,
        ],
    );
    check_user(
        "name = 'u', password = { env = 'PASSWORD' }, sources = []",
        &["spanwire.toml:2: user[0].sources: is an empty list"],
    );
    check(
        "[[source]]\nname = 'a'\nkind = 'spanlens'\ncredential = 't'\n[[source]]\nname = 'b'\nkind = 'spanlens'\ncredential = 't'\n\
         [[user]]\nname = 'u'\npassword = { env = 'PASSWORD' }\nsources = ['a']\ncredentials = { b = 't' }\n",
        &[r#"spanwire.toml:13: user[0].credentials.b: the user does not see source "b" (add it to sources)"#],
    );
}

#[test]
fn credentials_that_are_missing() {
    let source = "[[source]]\nname = 'a'\nkind = 'spanlens'\n";
    let without = "[[user]]\nname = 'u'\npassword = { env = 'PASSWORD' }\n";
    let with = "[[user]]\nname = 'v'\npassword = { env = 'PASSWORD' }\ncredentials = { a = 't' }\n";
    let fault = r#"spanwire.toml:1: source[0].credential: is missing, and user "u" has none of their own"#;
    check(&format!("{source}{with}{without}"), &[fault]);
    super::config(&format!("{source}{with}"));
}

#[test]
fn as_an_error_of_the_crate() {
    let error = Error::from(super::parse_with("", &[]).unwrap_err());
    assert_eq!((error.kind, error.message.as_str()), (Kind::Config, "configuration has 2 faults"));
    assert!(error.detail.unwrap().starts_with("spanwire.toml: source: there is no source"));
}
