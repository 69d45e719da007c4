//! Random tokens: whoever holds one may do something. Only their hashes are stored.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

/// An unguessable text that is safe in a URL and a cookie.
#[derive(Debug, Clone)]
pub struct Token(SecretString);

/// What is stored of a token: its SHA-256, in hex.
///
/// A plain hash is enough: unlike a password, a token has too many possibilities to try.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TokenHash(String);

/// A longer text is nobody's token; it is not worth hashing.
const LETTERS_MAX: usize = 64;

impl Token {
    /// A new token of this many random bytes.
    pub fn random<const BYTES: usize>() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; BYTES];
        getrandom::fill(&mut bytes)?;
        Ok(Self(URL_SAFE_NO_PAD.encode(bytes).into()))
    }

    /// A token that somebody sent. It may be anything of a token's letters and length.
    pub fn received(text: &str) -> Option<Self> {
        let letters = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        let plausible = (16..=LETTERS_MAX).contains(&text.len()) && letters;
        plausible.then(|| Self(text.to_owned().into()))
    }

    /// The token itself, for the cookie or link that carries it.
    pub fn reveal(&self) -> &str {
        self.0.expose_secret()
    }

    /// What to store, or to look for.
    pub fn hash(&self) -> TokenHash {
        TokenHash(hex(&Sha256::digest(self.reveal())))
    }

    /// Another token that follows from this one, and from which this one cannot be found.
    #[must_use]
    pub fn derive(&self, purpose: &str) -> Token {
        let mut hash = Sha256::new_with_prefix(purpose);
        hash.update([0]);
        hash.update(self.reveal());
        Self(URL_SAFE_NO_PAD.encode(hash.finalize()).into())
    }
}

impl TokenHash {
    /// The hash in hex.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for TokenHash {
    fn from(hex: String) -> Self {
        Self(hex)
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_differ_and_do_not_print() {
        let (one, other) = (Token::random::<32>().unwrap(), Token::random::<32>().unwrap());
        assert_ne!(one.reveal(), other.reveal());
        assert_eq!(one.reveal().len(), 43);
        assert!(!format!("{one:?}").contains(one.reveal()));
        assert_ne!(one.derive("form").reveal(), one.derive("other").reveal());
        assert_eq!(Token::received(one.reveal()).unwrap().hash(), one.hash());
    }

    #[test]
    fn what_cannot_be_a_token_is_not_taken() {
        for text in ["", "short", &"a".repeat(65), "sixteen letters!", "aaaaaaaaaaaaaaaa\n"] {
            assert!(Token::received(text).is_none(), "{text:?}");
        }
    }
}
