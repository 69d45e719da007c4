//! The format of a ciphertext: one version byte (2), the number of its key (four bytes, little-endian), 24 bytes
//! nonce, ciphertext with tag. Version and number are authenticated, too.

use std::fmt;

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use super::CannotOpen;
use super::key::Key;
use super::place::Binding;
use crate::randomness::{self, Randomness};

const VERSION: u8 = 2;
const HEADER_LEN: usize = 5;
const NONCE_LEN: usize = 24;

/// Sealed bytes. Only the owner of the [`SealingKey`](super::SealingKey) can make or open them.
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

    /// The number of the data key that sealed it (0: the key outside the store); `None` when these are not sealed
    /// bytes of this version.
    pub fn key_number(&self) -> Option<u32> {
        let [VERSION, number @ ..] = self.0.first_chunk::<HEADER_LEN>()? else { return None };
        Some(u32::from_le_bytes(*number))
    }

    #[expect(clippy::expect_used, reason = "XChaCha20-Poly1305 refuses only messages of 256 GiB and more")]
    pub(super) fn seal(
        key: (u32, &Key),
        binding: &Binding,
        secret: &[u8],
        randomness: &dyn Randomness,
    ) -> Self {
        let (number, key) = key;
        let nonce: [u8; NONCE_LEN] = randomness::bytes(randomness);
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(&number.to_le_bytes());
        let aad = [&bytes, binding.as_bytes()].concat();
        let sealed = XChaCha20Poly1305::new(key.expose().into())
            .encrypt(&XNonce::from(nonce), Payload { msg: secret, aad: &aad })
            .expect("a secret is short enough to encrypt");
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(&sealed);
        Self(bytes)
    }

    pub(super) fn open(&self, key: &Key, binding: &Binding) -> Result<Zeroizing<Vec<u8>>, CannotOpen> {
        self.key_number().ok_or(CannotOpen)?;
        let (header, rest) = self.0.split_first_chunk::<HEADER_LEN>().ok_or(CannotOpen)?;
        let (nonce, msg) = rest.split_first_chunk::<NONCE_LEN>().ok_or(CannotOpen)?;
        let aad = [header, binding.as_bytes()].concat();
        XChaCha20Poly1305::new(key.expose().into())
            .decrypt(&XNonce::from(*nonce), Payload { msg, aad: &aad })
            .map(Zeroizing::new)
            .map_err(|_| CannotOpen)
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}
