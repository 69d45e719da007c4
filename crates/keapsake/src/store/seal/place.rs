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
