//! Keys in memory: wiped when dropped, never printed.

use std::fmt;

use zeroize::{Zeroize as _, Zeroizing};

use crate::randomness::{self, Randomness};

/// 256 secret bits.
#[derive(Clone)]
pub(in crate::store) struct Key(Zeroizing<[u8; 32]>);

impl Key {
    pub(in crate::store) fn from_bytes(mut bytes: [u8; 32]) -> Self {
        let key = Self(Zeroizing::new(bytes));
        bytes.zeroize();
        key
    }

    pub(in crate::store) fn random(randomness: &dyn Randomness) -> Self {
        Self::from_bytes(randomness::bytes(randomness))
    }

    pub(in crate::store) fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

/// The key outside the store, which wraps the data keys inside it. Wiped from memory when dropped.
///
/// While it is being [replaced](crate::store::key_file::replace) it comes with its predecessor, so that the store
/// opens wherever the change was cut off.
#[derive(Clone)]
pub struct SealingKey {
    newest: Key,
    predecessor: Option<Key>,
}

impl SealingKey {
    /// From 32 random bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self { newest: Key::from_bytes(bytes), predecessor: None }
    }

    /// A new one.
    pub fn random(randomness: &dyn Randomness) -> Self {
        Self { newest: Key::random(randomness), predecessor: None }
    }

    /// This one, in the place of another that may still be needed.
    #[must_use]
    pub(in crate::store) fn replacing(self, predecessor: &Self) -> Self {
        Self { newest: self.newest, predecessor: Some(predecessor.newest.clone()) }
    }

    /// The one that wraps what is new.
    pub(in crate::store) fn newest(&self) -> &Key {
        &self.newest
    }

    /// Those that may have wrapped what the store holds; the newest first.
    pub(in crate::store) fn candidates(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.newest).chain(&self.predecessor)
    }

    /// Whether a change of it is not finished.
    pub(in crate::store) fn is_being_replaced(&self) -> bool {
        self.predecessor.is_some()
    }

    /// Without its predecessor.
    pub(in crate::store) fn alone(&self) -> Self {
        Self { newest: self.newest.clone(), predecessor: None }
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Display;

    use serde::de::DeserializeOwned;
    use serde::ser::Serialize;

    use super::*;
    use crate::secret;
    use crate::store::seal::Sealer;

    /// Does not compile when one of these types has one of these traits: two implementations would fit then.
    macro_rules! never {
        ([$($type:ty),+] $traits:tt) => { $(never!($type, $traits);)+ };
        ($type:ty, [$($trait:path),+]) => {$(
            const _: fn() = || {
                trait Fits<Marker> {
                    fn fits() {}
                }
                struct Has;
                impl<T: ?Sized> Fits<()> for T {}
                impl<T: ?Sized + $trait> Fits<Has> for T {}
                let _ = <$type as Fits<_>>::fits;
            };
        )+};
    }

    never!(
        [
            Key,
            SealingKey,
            Sealer,
            secret::AccessToken,
            secret::RefreshToken,
            secret::ClientSecret,
            secret::ApiKey,
            secret::AuthorizationCode,
            secret::State,
            secret::PkceVerifier,
            secret::BrowserKey
        ][Display, Serialize, DeserializeOwned, Copy]
    );
    never!(Key, [fmt::Debug]);

    #[test]
    fn a_key_cannot_be_printed() {
        let key = SealingKey::from_bytes(*b"canary-canary-canary-canary-cana");
        let printed = format!("{key:?} {:?}", key.clone().replacing(&key));
        assert_eq!(printed, "SealingKey(…) SealingKey(…)");
        let sealer = Sealer::new(&key, uuid::Uuid::nil());
        assert!(!format!("{sealer:?}").contains("canary"));
    }
}
