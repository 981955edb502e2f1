//! A text that never prints: upstream credentials.
//!
//! The only way to the text is [`Secret::expose`], so that a search for `expose` lists every place where a credential
//! can leave the process. Caches, limiters and system views that must tell two credentials apart use
//! [`Secret::fingerprint`].

use std::fmt;

use ring::digest;

/// Keeps the fingerprint of a credential apart from any other SHA-256 that somebody may have of the same text.
const FINGERPRINT_DOMAIN: &[u8] = b"spanwire credential\0";

/// Twelve hex digits: two credentials of one installation do not meet by accident, and too short to search back from.
const FINGERPRINT_BYTES: usize = 6;

/// A credential. `Debug` and `Display` give `[secret]`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Secret(String);

impl Secret {
    /// Wraps the text.
    pub fn new(text: impl Into<String>) -> Self {
        Secret(text.into())
    }

    /// Returns the text itself, for the one header that carries it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Returns 12 hex digits that are the same for the same text, in each process, and from which it cannot be had.
    pub fn fingerprint(&self) -> String {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(FINGERPRINT_DOMAIN);
        context.update(self.0.as_bytes());
        let hash = context.finish();
        hash.as_ref().iter().take(FINGERPRINT_BYTES).map(|byte| format!("{byte:02x}")).collect()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_prints() {
        let secret = Secret::new("test-token");
        assert_eq!(format!("{secret} {secret:?} {:?}", Some(&secret)), "[secret] [secret] Some([secret])");
        assert_eq!(secret.expose(), "test-token");
    }

    #[test]
    fn fingerprint_is_stable() {
        // printf 'spanwire credential\0test-token' | sha256sum | cut -c1-12
        assert_eq!(Secret::new("test-token").fingerprint(), "4f6e2d57e848");
        assert_ne!(Secret::new("test-token").fingerprint(), Secret::new("test-token2").fingerprint());
    }
}
