//! PostgreSQL's SCRAM-SHA-256 verifiers: what the gateway knows of a password, as `pg_authid.rolpassword` stores it.
//!
//! The form is `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>` with the three in base64, so that a verifier
//! may be copied from a PostgreSQL server. A verifier is enough to check a login and not enough to log in. This file
//! does not speak the protocol; that is `wire/startup`. RFC 5802, RFC 7677,
//! <https://www.postgresql.org/docs/current/catalog-pg-authid.html>.

use std::borrow::Cow;
use std::fmt;
use std::num::NonZeroU32;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ring::rand::SecureRandom as _;
use ring::{digest, hmac, pbkdf2, rand};

use crate::error::{Error, Kind, Result};

/// What each verifier starts with.
pub const PREFIX: &str = "SCRAM-SHA-256$";

/// PostgreSQL's default of `scram_iterations`.
pub const ITERATIONS: NonZeroU32 = NonZeroU32::new(4096).expect("4096 is not zero");

/// PostgreSQL's length of a salt.
const SALT_BYTES: usize = 16;

/// The length of a SHA-256.
const KEY_BYTES: usize = digest::SHA256_OUTPUT_LEN;

/// A login is computed by the client with these many rounds; more than this is a fault of the text, and would hang it.
const MAX_ITERATIONS: u32 = 10_000_000;

/// What the server keeps of a password. `Display` writes PostgreSQL's form, `Debug` shows no key.
#[derive(Clone, PartialEq, Eq)]
pub struct Verifier {
    /// Rounds of PBKDF2.
    pub iterations: u32,
    /// Sent to the client in the clear.
    pub salt: Vec<u8>,
    /// `H(ClientKey)`: what a client's proof is checked against.
    pub stored_key: [u8; KEY_BYTES],
    /// What the server proves itself with.
    pub server_key: [u8; KEY_BYTES],
}

impl Verifier {
    /// Reads PostgreSQL's form. The error never repeats the text.
    pub fn parse(text: &str) -> Result<Verifier> {
        let malformed = |what: &str| {
            Error::new(Kind::InvalidPassword, format!("SCRAM verifier is malformed: {what}")).hint(
                "The form is SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>, made by \"spanwire password\".",
            )
        };
        let rest = text.strip_prefix(PREFIX).ok_or_else(|| malformed("it does not start with SCRAM-SHA-256$"))?;
        let (head, keys) = rest.split_once('$').ok_or_else(|| malformed("the keys are missing"))?;
        let (iterations, salt) = head.split_once(':').ok_or_else(|| malformed("the salt is missing"))?;
        let (stored_key, server_key) = keys.split_once(':').ok_or_else(|| malformed("the server key is missing"))?;
        let iterations = Some(iterations)
            .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|digits| digits.parse::<u32>().ok())
            .filter(|&rounds| (1..=MAX_ITERATIONS).contains(&rounds))
            .ok_or_else(|| malformed("the iterations are not a number from 1 to 10000000"))?;
        let salt = BASE64.decode(salt).ok().filter(|salt| !salt.is_empty());
        Ok(Verifier {
            iterations,
            salt: salt.ok_or_else(|| malformed("the salt is not base64"))?,
            stored_key: key(stored_key).ok_or_else(|| malformed("the stored key is not 32 bytes in base64"))?,
            server_key: key(server_key).ok_or_else(|| malformed("the server key is not 32 bytes in base64"))?,
        })
    }

    /// Makes a verifier with a fresh salt, as `CREATE ROLE … PASSWORD` does.
    pub fn from_password(password: &str) -> Verifier {
        let mut salt = [0; SALT_BYTES];
        rand::SystemRandom::new().fill(&mut salt).expect("the operating system gives randomness");
        Verifier::from_password_with(password, &salt, ITERATIONS)
    }

    /// Makes the verifier of a password for a given salt.
    pub fn from_password_with(password: &str, salt: &[u8], iterations: NonZeroU32) -> Verifier {
        let prepared = prepare(password);
        let mut salted_password = [0; KEY_BYTES];
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, iterations, salt, prepared.as_bytes(), &mut salted_password);
        let client_key = mac(&salted_password, &[b"Client Key"]);
        Verifier {
            iterations: iterations.get(),
            salt: salt.to_vec(),
            stored_key: sha256(&client_key),
            server_key: mac(&salted_password, &[b"Server Key"]),
        }
    }

    /// Makes the verifier that stands in for a user who does not exist: always the same for the same name and secret,
    /// no password fits it. The exchange with it looks like one with a wrong password (as long as the true users have
    /// PostgreSQL's default iterations), so that names cannot be probed.
    pub fn mock(user: &str, nonce_secret: &[u8]) -> Verifier {
        let derive = |purpose: &[u8]| mac(nonce_secret, &[b"spanwire mock ", purpose, b"\0", user.as_bytes()]);
        Verifier {
            iterations: ITERATIONS.get(),
            salt: derive(b"salt").into_iter().take(SALT_BYTES).collect(),
            stored_key: derive(b"stored key"),
            server_key: derive(b"server key"),
        }
    }
}

impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Verifier { iterations, salt, stored_key, server_key } = self;
        write!(f, "{PREFIX}{iterations}:{}", BASE64.encode(salt))?;
        write!(f, "${}:{}", BASE64.encode(stored_key), BASE64.encode(server_key))
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("iterations", &self.iterations).finish_non_exhaustive()
    }
}

/// Brings a password into the form that both sides hash. A password that SASLprep refuses, or that it leaves nothing
/// of, is hashed as it is; PostgreSQL (`pg_saslprep` in `src/common/saslprep.c`) and libpq do the same.
fn prepare(password: &str) -> Cow<'_, str> {
    match stringprep::saslprep(password) {
        Ok(prepared) if !prepared.is_empty() => prepared,
        _ => Cow::Borrowed(password),
    }
}

fn key(text: &str) -> Option<[u8; KEY_BYTES]> {
    BASE64.decode(text).ok()?.try_into().ok()
}

fn mac(secret: &[u8], parts: &[&[u8]]) -> [u8; KEY_BYTES] {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, secret));
    for part in parts {
        context.update(part);
    }
    context.sign().as_ref().try_into().expect("an HMAC-SHA-256 has 32 bytes")
}

fn sha256(bytes: &[u8]) -> [u8; KEY_BYTES] {
    digest::digest(&digest::SHA256, bytes).as_ref().try_into().expect("a SHA-256 has 32 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `SELECT rolpassword FROM pg_authid` of PostgreSQL 15, one role for each path through SASLprep.
    const FROM_POSTGRES: &[(&str, &str)] = &[
        // plain ASCII
        (
            "test-token",
            "SCRAM-SHA-256$4096:LIAY23hc92D9J1bTvMG7vA==$oDGMeDNTmUHOyuS0U1WexyLs4hv2DIzRevXxFslbkdc=:EZ0MkmS8f2fEu5h4O0a6x/KWu6pQxspmlVX5y/begx0=",
        ),
        // a soft hyphen goes, the numeral nine becomes IX
        (
            "I\u{ad}X\u{2168}",
            "SCRAM-SHA-256$4096:PV0uPrVYoVbQYdV4JdAvbQ==$LDMbH4SFTKz4znZhsxLTTvmnNjBURfEgb+/ExEaPbIk=:5WnNu4ey2csR77xGpQ+2mBO7Kx5JEDbvj+iPzweGeLc=",
        ),
        // a no-break space becomes a space
        (
            "caf\u{e9}\u{a0}x",
            "SCRAM-SHA-256$4096:Z1ZBDRrTDK1J0u41S07aNw==$1Ieb6B2cCiTyW2uJA4OlT/Bf6x4utiYMoSCZsLWHTDc=:pJXeH602AUstYoVKQ1S4XrXff5yJ0QW7YHU514dAWTo=",
        ),
        // a control character is prohibited: raw
        (
            "bad\u{7}bell",
            "SCRAM-SHA-256$4096:1BDwIehKyW9Ap9BHqOsxnw==$NCFhiFy21509+Dl08islxCSj8KiOqFzvGXLhJvQVtm4=:LCAFJli3cP969nojQfmaxNMsLZSDtCj+fRT0ElNuhLo=",
        ),
        // right-to-left text that ends left-to-right is prohibited: raw
        (
            "\u{627}1",
            "SCRAM-SHA-256$4096:KfJr2GLxF2IxCLrVbdik8g==$xU2OvkEIbEdaAjU4H5YlXUhDMB3VqIx70g1INQmM6V8=:Uq2r9nT3Nt9jp1ruBJGiLNrEwWMQmLxYvazIq0TydNU=",
        ),
    ];

    #[test]
    fn verifiers_are_those_of_postgresql() {
        for (password, text) in FROM_POSTGRES {
            let verifier = Verifier::parse(text).unwrap();
            assert_eq!(verifier.to_string(), *text);
            assert_eq!(Verifier::from_password_with(password, &verifier.salt, ITERATIONS), verifier, "{password:?}");
        }
    }

    #[test]
    fn fresh_verifiers_differ_in_salt() {
        let (one, other) = (Verifier::from_password("test-token"), Verifier::from_password("test-token"));
        assert_ne!(one.salt, other.salt);
        assert_eq!(one.salt.len(), 16);
        assert_eq!(Verifier::parse(&one.to_string()).unwrap(), one);
    }

    #[test]
    fn a_password_of_which_nothing_is_left_is_hashed_raw() {
        let soft_hyphen = Verifier::from_password_with("\u{ad}", b"salt", ITERATIONS);
        assert_ne!(soft_hyphen, Verifier::from_password_with("", b"salt", ITERATIONS));
    }

    #[test]
    fn malformed_texts() {
        let good = FROM_POSTGRES[0].1;
        for (text, what) in [
            ("md5abc".to_owned(), "it does not start with SCRAM-SHA-256$"),
            ("SCRAM-SHA-256$4096:AAAA".to_owned(), "the keys are missing"),
            ("SCRAM-SHA-256$4096$a:b".to_owned(), "the salt is missing"),
            ("SCRAM-SHA-256$4096:AAAA$a".to_owned(), "the server key is missing"),
            (good.replace("$4096:", "$0:"), "the iterations are not a number from 1 to 10000000"),
            (good.replace("$4096:", "$+4096:"), "the iterations are not a number from 1 to 10000000"),
            (good.replace("LIAY", "LI*Y"), "the salt is not base64"),
            (good.replace("LIAY23hc92D9J1bTvMG7vA==", ""), "the salt is not base64"),
            (good.replace("oDGM", ""), "the stored key is not 32 bytes in base64"),
            (good.replace("EZ0M", ""), "the server key is not 32 bytes in base64"),
            (format!("{good}="), "the server key is not 32 bytes in base64"),
        ] {
            assert_eq!(
                Verifier::parse(&text).unwrap_err().message,
                format!("SCRAM verifier is malformed: {what}"),
                "{text}"
            );
        }
    }

    #[test]
    fn mock_is_deterministic_and_looks_like_a_true_one() {
        let mock = Verifier::mock("alice", b"nonce");
        assert_eq!(mock, Verifier::mock("alice", b"nonce"));
        assert_eq!((mock.iterations, mock.salt.len()), (4096, 16));
        assert_ne!(mock.salt, Verifier::mock("bob", b"nonce").salt);
        assert_ne!(mock.salt, Verifier::mock("alice", b"other").salt);
        assert_ne!(mock.stored_key, mock.server_key);
    }

    #[test]
    fn debug_shows_no_key() {
        let verifier = Verifier::parse(FROM_POSTGRES[0].1).unwrap();
        assert_eq!(format!("{verifier:?}"), "Verifier { iterations: 4096, .. }");
    }
}
