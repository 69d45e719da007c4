//! Secrets as types: each its own, none can be printed, reading one needs an explicit [`expose`].
//!
//! [`expose`]: AccessToken::expose

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

use crate::randomness::{self, Randomness};

/// Defines a secret string type. `Debug` shows a fingerprint, never the value; memory is wiped on drop.
macro_rules! secret {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name(SecretString);

        impl $name {
            /// Takes the secret's text as it is.
            pub fn new(value: impl Into<String>) -> Self {
                Self(SecretString::from(value.into()))
            }

            /// The text itself. Every use of this is a place where the secret could leak.
            pub fn expose(&self) -> &str {
                self.0.expose_secret()
            }

            /// Eight hex digits that tell two secrets apart without giving either away.
            pub fn fingerprint(&self) -> String {
                fingerprint(self.expose())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.fingerprint())
            }
        }
    };
}

secret! {
    /// What API calls carry as `Authorization: Bearer`. Lives 24 hours at Keap.
    AccessToken
}
secret! {
    /// What buys the next pair of tokens, once. Lives 45 days at Keap.
    RefreshToken
}
secret! {
    /// The Keap application's secret, from <https://keys.developer.keap.com/>.
    ClientSecret
}
secret! {
    /// A Service Account Key or Personal Access Token, used instead of OAuth.
    ApiKey
}
secret! {
    /// What Keap's redirect brings and the exchange spends (RFC 6749 section 4.1.2).
    AuthorizationCode
}
secret! {
    /// Ties a callback to the flow that was started (RFC 6749 section 10.12).
    State
}
secret! {
    /// Ties the exchange to the flow that was started (RFC 7636 section 4.1).
    PkceVerifier
}
secret! {
    /// Ties the callback to the browser that started the flow; the application keeps it in a short-lived cookie.
    BrowserKey
}
secret! {
    /// Signs the alarms that a webhook sends; its receiver has it, too.
    WebhookSecret
}

impl State {
    /// A new one: 256 random bits.
    pub fn random(randomness: &dyn Randomness) -> Self {
        Self::new(random_text(randomness))
    }
}

impl PkceVerifier {
    /// A new one: 43 characters, 256 random bits.
    pub fn random(randomness: &dyn Randomness) -> Self {
        Self::new(random_text(randomness))
    }

    /// The S256 challenge of this verifier (RFC 7636 section 4.2).
    pub fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.expose()))
    }
}

impl BrowserKey {
    /// A new one: 256 random bits.
    pub fn random(randomness: &dyn Randomness) -> Self {
        Self::new(random_text(randomness))
    }
}

/// The SHA-256 of a secret: what is stored of secrets that only need recognising.
pub(crate) fn digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret).into()
}

fn random_text(randomness: &dyn Randomness) -> String {
    URL_SAFE_NO_PAD.encode(randomness::bytes::<32>(randomness))
}

fn fingerprint(secret: &str) -> String {
    let [a, b, c, d, ..] = digest(secret);
    format!("{a:02x}{b:02x}{c:02x}{d:02x}")
}

/// Replaces every occurrence of these secrets in `text`. For words that came back from outside: a server may
/// echo what it was sent.
pub(crate) fn redact(text: &str, secrets: &[&str]) -> String {
    secrets
        .iter()
        .filter(|secret| secret.len() >= 4)
        .fold(text.to_owned(), |text, secret| text.replace(secret, "[secret]"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_can_be_printed() {
        let token = AccessToken::new("canary-7f3a-access");
        let printed = format!("{token:?} {:?}", Some(&token));
        assert!(!printed.contains("canary"), "{printed}");
        assert!(printed.contains(&token.fingerprint()));
    }

    #[test]
    fn the_challenge_is_the_example_of_rfc_7636_appendix_b() {
        let verifier = PkceVerifier::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(verifier.challenge(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn an_echoed_secret_is_taken_out() {
        assert_eq!(redact("bad token abcdef!", &["abcdef"]), "bad token [secret]!");
        assert_eq!(redact("nothing", &[""]), "nothing");
    }
}
