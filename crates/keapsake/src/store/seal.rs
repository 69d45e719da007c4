//! Sealing: authenticated encryption of what must not be read from a database file.
//!
//! XChaCha20-Poly1305 with a random 192-bit nonce. Every ciphertext is bound to where it belongs (deployment,
//! connection, lineage, generation, field): moved to another place, it does not open.
//!
//! Format: one version byte (1), 24 bytes nonce, ciphertext with tag.

use std::fmt;

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use uuid::Uuid;
use zeroize::{Zeroize as _, Zeroizing};

use crate::connection::ConnectionId;
use crate::connection::record::Position;
use crate::randomness::{self, Randomness};

const VERSION: u8 = 1;
const NONCE_LEN: usize = 24;
const TAG_LEN: usize = 16;

/// Sealed bytes. Only a [`SealingKey`]'s owner can make or open them.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(Vec<u8>);

impl Sealed {
    /// Bytes that a store kept.
    pub fn from_stored(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes for a store to keep.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}

/// The key that seals. Wiped from memory when dropped.
#[derive(Clone)]
pub struct SealingKey(Zeroizing<[u8; 32]>);

impl SealingKey {
    /// From 32 random bytes.
    pub fn from_bytes(mut bytes: [u8; 32]) -> Self {
        let key = Self(Zeroizing::new(bytes));
        bytes.zeroize();
        key
    }

    /// A new one.
    pub fn random(randomness: &dyn Randomness) -> Self {
        Self::from_bytes(randomness::bytes(randomness))
    }

    pub(crate) fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingKey(…)")
    }
}

/// It does not open: another key, another place, or changed bytes. Which of them cannot be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a stored secret cannot be opened: the key is another one, or the stored bytes were changed or moved"
)]
pub struct CannotOpen;

/// Where a sealed secret belongs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) connection: &'a ConnectionId,
    pub(crate) position: Position,
    pub(crate) field: Field,
}

/// Which secret it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    Access,
    Refresh,
    Verifier,
}

impl Field {
    fn name(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Refresh => "refresh",
            Self::Verifier => "verifier",
        }
    }
}

/// Seals and opens for one deployment.
pub(crate) struct Sealer {
    cipher: XChaCha20Poly1305,
    deployment: Uuid,
}

impl Sealer {
    pub(crate) fn new(key: &SealingKey, deployment: Uuid) -> Self {
        Self { cipher: XChaCha20Poly1305::new(key.expose().into()), deployment }
    }

    pub(crate) fn seal(&self, place: Place<'_>, secret: &str, randomness: &dyn Randomness) -> Sealed {
        self.seal_bytes(&self.bind(place), secret.as_bytes(), randomness)
    }

    pub(crate) fn open(&self, place: Place<'_>, sealed: &Sealed) -> Result<Zeroizing<String>, CannotOpen> {
        let bytes = self.open_bytes(&self.bind(place), sealed)?;
        String::from_utf8(bytes).map(Zeroizing::new).map_err(|_| CannotOpen)
    }

    /// Seals bytes that are not a token: a record of the journal, say. `parts` say where they belong.
    pub(crate) fn seal_at(&self, parts: &[&str], bytes: &[u8], randomness: &dyn Randomness) -> Sealed {
        self.seal_bytes(&self.bind_parts(parts), bytes, randomness)
    }

    /// Opens what [`seal_at`](Self::seal_at) sealed with the same parts.
    pub(crate) fn open_at(&self, parts: &[&str], sealed: &Sealed) -> Result<Zeroizing<Vec<u8>>, CannotOpen> {
        self.open_bytes(&self.bind_parts(parts), sealed).map(Zeroizing::new)
    }

    /// A known text, by which a wrong key is recognised before anything is changed.
    pub(crate) fn key_check(&self, randomness: &dyn Randomness) -> Sealed {
        self.seal_bytes(&self.bind_parts(&["key-check"]), b"keapsake", randomness)
    }

    pub(crate) fn check_key(&self, check: &Sealed) -> Result<(), CannotOpen> {
        let text = self.open_bytes(&self.bind_parts(&["key-check"]), check)?;
        if text == b"keapsake" { Ok(()) } else { Err(CannotOpen) }
    }

    #[expect(clippy::expect_used, reason = "XChaCha20-Poly1305 refuses only messages of 256 GiB and more")]
    fn seal_bytes(&self, aad: &[u8], msg: &[u8], randomness: &dyn Randomness) -> Sealed {
        let nonce: [u8; NONCE_LEN] = randomness::bytes(randomness);
        let sealed = self
            .cipher
            .encrypt(&XNonce::from(nonce), Payload { msg, aad })
            .expect("a token is short enough to encrypt");
        let mut bytes = Vec::with_capacity(1 + NONCE_LEN + sealed.len());
        bytes.push(VERSION);
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(&sealed);
        Sealed(bytes)
    }

    fn open_bytes(&self, aad: &[u8], sealed: &Sealed) -> Result<Vec<u8>, CannotOpen> {
        let (version, rest) = sealed.0.split_first().ok_or(CannotOpen)?;
        if *version != VERSION || rest.len() < NONCE_LEN + TAG_LEN {
            return Err(CannotOpen);
        }
        let (nonce, msg) = rest.split_at(NONCE_LEN);
        let nonce: [u8; NONCE_LEN] = nonce.try_into().map_err(|_| CannotOpen)?;
        self.cipher.decrypt(&XNonce::from(nonce), Payload { msg, aad }).map_err(|_| CannotOpen)
    }

    fn bind(&self, place: Place<'_>) -> Vec<u8> {
        self.bind_parts(&[
            place.connection.as_str(),
            &place.position.lineage.to_string(),
            &place.position.generation.to_string(),
            place.field.name(),
        ])
    }

    /// Length-prefixed, so that no two lists of parts give the same bytes.
    fn bind_parts(&self, parts: &[&str]) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(self.deployment.as_bytes());
        for part in parts {
            bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
            bytes.extend_from_slice(part.as_bytes());
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::randomness::SystemRandomness;

    fn place(id: &ConnectionId, lineage: u64, generation: u64, field: Field) -> Place<'_> {
        Place { connection: id, position: Position { lineage, generation }, field }
    }

    #[test]
    fn what_was_sealed_opens_only_in_its_place() {
        let (key, deployment) = (SealingKey::from_bytes([7; 32]), Uuid::from_u128(1));
        let (main, other) = (ConnectionId::main(), ConnectionId::new("other").unwrap());
        let sealer = Sealer::new(&key, deployment);
        let here = place(&main, 1, 2, Field::Refresh);
        let secret = sealer.seal(here, "canary", &SystemRandomness);
        assert_eq!(sealer.open(here, &secret).unwrap().as_str(), "canary");

        for elsewhere in [
            place(&other, 1, 2, Field::Refresh),
            place(&main, 2, 2, Field::Refresh),
            place(&main, 1, 3, Field::Refresh),
            place(&main, 1, 2, Field::Access),
        ] {
            assert_eq!(sealer.open(elsewhere, &secret).unwrap_err(), CannotOpen);
        }
        let foreign = Sealer::new(&key, Uuid::from_u128(2));
        assert!(foreign.open(here, &secret).is_err());
        let wrong_key = Sealer::new(&SealingKey::from_bytes([8; 32]), deployment);
        assert!(wrong_key.open(here, &secret).is_err());
    }

    #[test]
    fn no_changed_byte_opens() {
        let sealer = Sealer::new(&SealingKey::from_bytes([7; 32]), Uuid::nil());
        let id = ConnectionId::main();
        let here = place(&id, 1, 1, Field::Access);
        let secret = sealer.seal(here, "token", &SystemRandomness);
        for at in 0..secret.as_bytes().len() {
            let mut bytes = secret.as_bytes().to_vec();
            bytes[at] ^= 1;
            assert!(sealer.open(here, &Sealed::from_stored(bytes)).is_err(), "byte {at}");
        }
        for cut in 0..secret.as_bytes().len() {
            let bytes = secret.as_bytes()[..cut].to_vec();
            assert!(sealer.open(here, &Sealed::from_stored(bytes)).is_err(), "cut to {cut}");
        }
    }

    #[test]
    fn the_same_text_never_looks_the_same() {
        let sealer = Sealer::new(&SealingKey::from_bytes([7; 32]), Uuid::nil());
        let id = ConnectionId::main();
        let here = place(&id, 1, 1, Field::Access);
        let seal = || sealer.seal(here, "token", &SystemRandomness);
        assert_ne!(seal().as_bytes(), seal().as_bytes());
    }

    #[test]
    fn a_wrong_key_is_recognised() {
        let deployment = Uuid::from_u128(1);
        let sealer = Sealer::new(&SealingKey::from_bytes([7; 32]), deployment);
        let check = sealer.key_check(&SystemRandomness);
        assert!(sealer.check_key(&check).is_ok());
        assert!(Sealer::new(&SealingKey::from_bytes([8; 32]), deployment).check_key(&check).is_err());
    }
}
