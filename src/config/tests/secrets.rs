//! Secrets: where they come from, and that they are never shown. TLS files, since they are secrets too.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};

use super::super::{Tls, tls_server_config};
use super::{SOURCE, USER, check, check_source, check_user, config, config_with, parse_with};
use crate::scram::Verifier;

const VERIFIER: &str = "SCRAM-SHA-256$4096:LIAY23hc92D9J1bTvMG7vA==$oDGMeDNTmUHOyuS0U1WexyLs4hv2DIzRevXxFslbkdc=:EZ0MkmS8f2fEu5h4O0a6x/KWu6pQxspmlVX5y/begx0=";

fn source_with(credential: &str) -> String {
    format!("source = [{{ name = 'a', kind = 'spanlens', credential = {credential} }}]\n{USER}")
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) {
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

/// Writes a certificate and its key, and returns both paths.
fn certificate(dir: &Path, name: &str) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let (cert_path, key_path) = (dir.join(format!("{name}.crt")), dir.join(format!("{name}.key")));
    fs::write(&cert_path, params.self_signed(&key).unwrap().pem()).unwrap();
    fs::write(&key_path, key.serialize_pem()).unwrap();
    set_mode(&key_path, 0o600);
    (cert_path.display().to_string(), key_path.display().to_string())
}

#[test]
fn tls_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let (cert, key) = certificate(dir.path(), "one");
    let parsed = config(&format!("tls = {{ cert = '{cert}', key = '{key}', client_ca = '{cert}' }}\n{SOURCE}{USER}"));
    let tls = parsed.tls.unwrap();
    assert!(tls.required);
    assert_eq!(parsed.warnings, [""; 0]);
    let server = tls_server_config(&tls).unwrap();
    assert_eq!(server.alpn_protocols, [b"postgresql".to_vec()]);
    assert_eq!(Arc::strong_count(&server), 1);

    set_mode(Path::new(&key), 0o644);
    let text =
        format!("tls = {{ cert = '{cert}', key = '{key}', required = false }}\nlisten = '0.0.0.0:1'\n{SOURCE}{USER}");
    assert_eq!(
        config(&text).warnings,
        [
            format!("spanwire.toml:1: tls.key: file {key:?} can be read by every user of this machine; use mode 600"),
            "spanwire.toml:2: listen: rows may cross the network unencrypted; set tls, with required = true".to_owned(),
        ]
    );
}

#[test]
fn faults_of_tls() {
    let dir = tempfile::tempdir().unwrap();
    let ((cert, key), (other_cert, other_key)) = (certificate(dir.path(), "one"), certificate(dir.path(), "two"));
    let broken = dir.path().join("broken").display().to_string();
    fs::write(&broken, "-----BEGIN CERTIFICATE-----\nhush\n").unwrap();
    let nothing = "cannot be read: No such file or directory (os error 2)";
    for (fields, faults) in [
        (
            format!("cert = '{cert}', key = '{other_key}'"),
            vec![format!("key: file {other_key:?} is not the key of the certificate in {cert:?}")],
        ),
        (
            "cert = '/nowhere/c', key = '/nowhere/k', client_ca = '/nowhere/a'".to_owned(),
            vec![
                format!("cert: file \"/nowhere/c\" {nothing}"),
                format!("key: file \"/nowhere/k\" {nothing}"),
                format!("client_ca: file \"/nowhere/a\" {nothing}"),
            ],
        ),
        (
            format!("cert = '{key}', key = '{cert}', client_ca = '{key}'"),
            vec![
                format!("cert: file {key:?} holds no certificate"),
                format!("key: file {cert:?} holds no private key"),
                format!("client_ca: file {key:?} holds no certificate"),
            ],
        ),
        (format!("cert = '{broken}', key = '{key}'"), vec![format!("cert: file {broken:?} is not valid PEM")]),
        (
            format!("cert = '{cert}', key = '{key}', client_ca = '{other_cert}', required = false"),
            vec!["required: must be true where client_ca asks for client certificates".to_owned()],
        ),
        (format!("cert = '{cert}'"), vec!["key: is missing".to_owned()]),
    ] {
        let faults: Vec<String> = faults.iter().map(|fault| format!("spanwire.toml:1: tls.{fault}")).collect();
        let faults: Vec<&str> = faults.iter().map(String::as_str).collect();
        // A key in a file of certificates is warned about only where nothing is wrong.
        check(&format!("tls = {{ {fields} }}\n{SOURCE}{USER}"), &faults);
    }
    let tls = Tls { cert: cert.into(), key: other_key.clone().into(), client_ca: None, required: true };
    assert!(tls_server_config(&tls).unwrap_err().starts_with(&format!("file {other_key:?} is not the key")));
}
