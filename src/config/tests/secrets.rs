//! Secrets: where they come from, and that they are never shown.

use std::fs;
use std::path::Path;

use super::{SOURCE, USER, check, check_source, check_user, config, config_with, parse_with};
use crate::scram::Verifier;

const VERIFIER: &str = "SCRAM-SHA-256$4096:LIAY23hc92D9J1bTvMG7vA==$oDGMeDNTmUHOyuS0U1WexyLs4hv2DIzRevXxFslbkdc=:EZ0MkmS8f2fEu5h4O0a6x/KWu6pQxspmlVX5y/begx0=";

fn source_with(credential: &str) -> String {
    format!("source = [{{ name = 'a', kind = 'spanlens', credential = {credential} }}]\n{USER}")
}

#[cfg(unix)]
pub(super) fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn credentials_from_files() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("token");
    let read = || config(&source_with(&format!("{{ file = {path:?} }}")));
    for (text, token) in
        [("test-token", "test-token"), ("test-token\n", "test-token"), ("test-token\r\n", "test-token")]
    {
        fs::write(&path, text).unwrap();
        set_mode(&path, 0o600);
        let config = read();
        assert_eq!(config.sources[0].credential.as_ref().unwrap().expose(), token);
        assert_eq!(config.warnings, [""; 0]);
    }
    set_mode(&path, 0o644);
    assert_eq!(
        read().warnings,
        [format!(
            "spanwire.toml:1: source[0].credential.file: file {path:?} can be read by every user of this machine; use mode 600"
        )]
    );
    for (text, fault) in [
        (Vec::from("two\nlines\n"), "credential: holds a character that an HTTP header cannot carry (a credential is printable ASCII on one line, without a space at either end)".to_owned()),
        (Vec::from("\n"), "credential: is empty".to_owned()),
        (vec![0xff], format!("credential.file: file {path:?} holds what is not UTF-8")),
        (vec![b'x'; 70_000], format!("credential.file: file {path:?} is longer than a secret can be")),
    ] {
        fs::write(&path, text).unwrap();
        check(&source_with(&format!("{{ file = {path:?} }}")), &[&format!("spanwire.toml:1: source[0].{fault}")]);
    }
}

#[test]
fn faults_of_credentials() {
    for (credential, fault) in [
        ("''", "credential: is empty"),
        ("5", r#"credential: a string, { env = "…" } or { file = "…" } was expected, not an integer"#),
        ("{}", "credential: must have one of env and file"),
        ("{ env = 'TOKEN', file = 'x' }", "credential: must have one of env and file"),
        ("{ env = 'TOKEN', fil = 'x' }", r#"credential.fil: unknown key "fil" (did you mean "file"?)"#),
        ("{ env = 'NOT_SET' }", "credential.env: environment variable NOT_SET is not set"),
        (
            "{ env = 'sk-live-secret' }",
            "credential.env: the environment variable is not set (env takes the name of a variable; the secret itself goes without { env = … })",
        ),
        (
            "{ file = '/nowhere/x' }",
            r#"credential.file: file "/nowhere/x" cannot be read: No such file or directory (os error 2)"#,
        ),
    ] {
        check(&source_with(credential), &[&format!("spanwire.toml:1: source[0].{fault}")]);
    }
    for wrong in ["\"a\\nb\"", "\" a\"", "\"caf\u{e9}\"", "\"a\\u0000\""] {
        check(
            &source_with(wrong),
            &[
                "spanwire.toml:1: source[0].credential: holds a character that an HTTP header cannot carry (a credential is printable ASCII on one line, without a space at either end)",
            ],
        );
    }
}

#[test]
fn passwords() {
    let user = |password: &str| config(&format!("{SOURCE}user = [{{ name = 'u', password = {password} }}]\n"));
    let verifier = user(&format!("'{VERIFIER}'"));
    assert_eq!(verifier.users[0].verifier.to_string(), VERIFIER);
    assert_eq!((verifier.users[0].plain_password, verifier.warnings.len()), (false, 0));

    let plain = user("'test-password'");
    assert!(plain.users[0].plain_password);
    assert_eq!(
        plain.warnings,
        ["spanwire.toml:2: user[0].password: password in plain text; make a verifier with \"spanwire password\""]
    );
    let made = &plain.users[0].verifier;
    let iterations = made.iterations.try_into().unwrap();
    assert_eq!(*made, Verifier::from_password_with("test-password", &made.salt, iterations));

    let from_env = user("{ env = 'PASSWORD' }");
    assert_eq!((from_env.users[0].plain_password, from_env.warnings.len()), (false, 0));

    check_user(
        "name = 'u', password = 'SCRAM-SHA-256$x'",
        &[
            r#"spanwire.toml:2: user[0].password: SCRAM verifier is malformed: the keys are missing (make one with "spanwire password")"#,
        ],
    );
    check_user(
        "name = 'u', password = 'md5a3556571e93b0d20722ba62be61e8c2d'",
        &[
            r#"spanwire.toml:2: user[0].password: is an MD5 verifier, which cannot be used (make a SCRAM one with "spanwire password")"#,
        ],
    );
    check_user("name = 'u', password = ''", &["spanwire.toml:2: user[0].password: is empty"]);
}

#[test]
fn no_secret_is_shown() {
    let text = format!(
        "source = [{{ name = 'a', kind = 'spanlens', credential = 'hush-1' }}]\n\
         user = [{{ name = 'u', password = 'hush-2', credentials = {{ a = {{ env = 'MINE' }} }} }}, {{ name = 'v', password = '{VERIFIER}' }}]\n"
    );
    let good = config_with(&text, &[("MINE", "hush-3")]);
    let shown = format!("{good:?} {good:#?} {:?}", good.warnings);
    for secret in ["hush", "oDGM", "EZ0M"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    // The same secrets in every place where something is wrong.
    for bad in [
        "source = [{ name = 'a', kind = 'spanlens', credential = { env = 'hush' } }]",
        "source = [{ name = 'a', kind = 'spanlens', credential = ['hush'] }]",
        "source = [{ name = 'a', kind = 'spanlens', credential = \"hush\\n\" }]",
        "source = [{ name = 'a', kind = 'spanlens', base_url = 'https://hush@x' }]",
        "source = [{ name = 'a', kind = 'spanlens', base_url = 'hush' }]",
        "user = [{ name = 'u', password = 'SCRAM-SHA-256$hush' }]",
        "user = [{ name = 'u', password = 'hush }]",
        "user = [{ name = 'u', password = hush }]",
        "user = [{ name = 'u', token = 'hush' }]",
    ] {
        let faults = parse_with(bad, &[("SPANWIRE_SOURCE__A__TOKEN", "hush"), ("SPANWIRE_X__Y", "hush")]).unwrap_err();
        assert!(!format!("{faults} {faults:?}").contains("hush"), "{faults}");
    }
    check_source(
        "name = 'a', kind = 'spanlens', credential = 'hush', credentail = 'hush'",
        &[r#"spanwire.toml:1: source[0].credentail: unknown key "credentail" (did you mean "credential"?)"#],
    );
}
