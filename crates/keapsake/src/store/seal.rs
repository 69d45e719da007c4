//! Sealing: authenticated encryption of what must not be read from a database file.
//!
//! XChaCha20-Poly1305 with a random 192-bit nonce, in two layers. The store holds random 256-bit *data keys*, which
//! seal the secrets; each is wrapped by the [`SealingKey`], which is kept outside the store, in a
//! [key file](super::key_file). Both can be changed while programs run: see [`rotation`] for the data keys, and
//! [`key_file::replace`](super::key_file::replace) for the sealing key.
//!
//! Every ciphertext is bound to where it belongs (deployment, connection, lineage, generation, field): moved to
//! another place, it does not open.
//!
//! - `sealed`: the format of a ciphertext.
//! - `key`: keys in memory.
//! - `place`: where a ciphertext belongs.
//! - `wrapping`: data keys as the store holds them.
//! - `ring`: data keys, opened.
//! - `sealer`: seals with the newest data key, opens with the one a ciphertext names.
//! - [`rotation`]: a new data key, and what becomes of the old one.

pub mod rotation;

mod key;
#[cfg(test)]
pub(super) mod mortal;
mod place;
mod ring;
mod sealed;
mod sealer;
pub(super) mod wrapping;

pub use key::SealingKey;
pub(crate) use place::{Field, Place};
pub use sealed::Sealed;
pub use sealer::{Sealer, UnlockError};

/// It does not open: another key, another place, or changed bytes. Which of them cannot be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a stored secret cannot be opened: the key is another one, or the stored bytes were changed or moved"
)]
pub struct CannotOpen;
