//! Tokens, and the hashes by which the sandbox knows them.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

const MIXED_CASE: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// A token of mixed-case alphanumerics. Observed since 2021: 28 of them for access, 32 for refresh tokens.
pub(crate) fn token(length: usize) -> String {
    let mut token = String::with_capacity(length);
    let mut bytes = [0_u8; 64];
    while token.len() < length {
        fill(&mut bytes);
        // 248 is the largest multiple of 62 in a byte; the rest is thrown away so that every character is as likely.
        let usable = bytes.iter().filter(|byte| **byte < 248);
        let characters = usable.map(|byte| char::from(MIXED_CASE[usize::from(byte % 62)]));
        let missing = length - token.len();
        token.extend(characters.take(missing));
    }
    token
}

/// Random lower-case hexadecimal digits.
pub(crate) fn hex_digits(length: usize) -> String {
    let mut bytes = vec![0_u8; length.div_ceil(2)];
    fill(&mut bytes);
    let mut digits = hex(&bytes);
    digits.truncate(length);
    digits
}

/// An API key in Keap's form (observed): `KeapAK-` and 50 lower-case hexadecimal digits.
pub(crate) fn api_key() -> String {
    format!("KeapAK-{}", hex_digits(50))
}

/// Whether two secrets are equal, in a time that says nothing about where they differ.
pub(crate) fn same(left: &str, right: &str) -> bool {
    left.as_bytes().ct_eq(right.as_bytes()).into()
}

/// The SHA-256 of a token. The sandbox keeps no token, only this.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct TokenHash([u8; 32]);

impl TokenHash {
    pub(crate) fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }

    /// The first eight hexadecimal digits: enough to compare by eye, useless for anything else.
    pub(crate) fn fingerprint(self) -> String {
        hex(&self.0[..4])
    }

    pub(crate) fn to_hex(self) -> String {
        hex(&self.0)
    }
}

impl std::fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TokenHash({})", self.fingerprint())
    }
}

impl Serialize for TokenHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_hex())
    }
}

impl<'de> Deserialize<'de> for TokenHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let digits = String::deserialize(deserializer)?;
        let mut bytes = [0_u8; 32];
        if digits.len() != 64 || !digits.is_ascii() {
            return Err(serde::de::Error::custom("a token hash has 64 hexadecimal digits"));
        }
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&digits[at * 2..at * 2 + 2], 16).map_err(serde::de::Error::custom)?;
        }
        Ok(Self(bytes))
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut digits, byte| {
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

/// A system without randomness can issue no tokens; there is nothing sensible to do but stop.
fn fill(bytes: &mut [u8]) {
    if getrandom::fill(bytes).is_err() {
        std::process::abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_have_their_length_and_alphabet() {
        for length in [0, 1, 24, 28, 32, 200] {
            let token = token(length);
            assert_eq!(token.len(), length);
            assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        }
        assert_ne!(token(32), token(32));
    }

    #[test]
    fn keys_look_like_keaps() {
        let key = api_key();
        let digits = key.strip_prefix("KeapAK-").unwrap();
        assert_eq!(digits.len(), 50);
        assert!(digits.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)));
    }

    #[test]
    fn a_hash_survives_the_data_file_and_shows_no_token() {
        let hash = TokenHash::of("secret");
        let kept = serde_json::to_string(&hash).unwrap();
        assert_eq!(serde_json::from_str::<TokenHash>(&kept).unwrap(), hash);
        assert_eq!(format!("{hash:?}"), "TokenHash(2bb80d53)");
    }
}
