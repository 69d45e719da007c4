//! Where a ciphertext belongs, and how it is bound to it.

use uuid::Uuid;

use crate::connection::ConnectionId;
use crate::connection::record::Position;

/// The version of what is bound together: another layout can never be taken for this one.
const SCHEMA: u8 = 2;

/// Where a sealed secret of a connection belongs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) connection: &'a ConnectionId,
    pub(crate) position: Position,
    pub(crate) field: Field,
}

/// Which secret of a connection it is.
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

/// What is authenticated with a ciphertext and not part of it.
pub(super) struct Binding(Vec<u8>);

impl Binding {
    /// To one secret of a connection.
    pub(super) fn to_place(deployment: Uuid, place: Place<'_>) -> Self {
        let Position { lineage, generation } = place.position;
        let (lineage, generation) = (lineage.to_string(), generation.to_string());
        let parts = [place.connection.as_str(), &lineage, &generation, place.field.name()];
        Self::new(deployment, "connection", &parts)
    }

    /// To a record of something else, the journal say.
    pub(super) fn to_record(deployment: Uuid, parts: &[&str]) -> Self {
        Self::new(deployment, "record", parts)
    }

    /// To the number of a data key.
    pub(super) fn to_data_key(deployment: Uuid, number: u32) -> Self {
        Self::new(deployment, "data-key", &[&number.to_string()])
    }

    /// Length-prefixed, so that no two lists of parts give the same bytes.
    fn new(deployment: Uuid, kind: &str, parts: &[&str]) -> Self {
        let mut bytes = vec![SCHEMA];
        bytes.extend_from_slice(deployment.as_bytes());
        for part in std::iter::once(&kind).chain(parts) {
            bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
            bytes.extend_from_slice(part.as_bytes());
        }
        Self(bytes)
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_places_are_bound_alike() {
        let mut seen = BTreeSet::new();
        let mut count = 0;
        let mut see = |binding: Binding| {
            count += 1;
            seen.insert(binding.0);
        };
        for deployment in [Uuid::from_u128(1), Uuid::from_u128(2)] {
            for name in ["main", "m", "ain", "record", "journal"] {
                let connection = &ConnectionId::new(name).unwrap();
                for (lineage, generation) in [(1, 1), (1, 11), (11, 1), (0, 0)] {
                    let position = Position { lineage, generation };
                    for field in [Field::Access, Field::Refresh, Field::Verifier] {
                        see(Binding::to_place(deployment, Place { connection, position, field }));
                    }
                    // What a record with the same parts would be bound to.
                    let (lineage, generation) = (lineage.to_string(), generation.to_string());
                    see(Binding::to_record(deployment, &[name, &lineage, &generation, "access"]));
                }
            }
            for parts in [&["ab", "c"][..], &["a", "bc"], &["abc"], &["abc", ""], &["", "abc"], &[], &["1"]] {
                see(Binding::to_record(deployment, parts));
            }
            for number in [0, 1, 2, u32::MAX] {
                see(Binding::to_data_key(deployment, number));
            }
        }
        assert_eq!(seen.len(), count);
    }
}
