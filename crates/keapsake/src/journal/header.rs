//! The first bytes of a journal file: whose it is.
//!
//! It says nothing secret and is not sealed, so that the file of another deployment is recognised without its key.
//! A record is bound to the file's id all the same: with another header it does not open.

use uuid::Uuid;

const MAGIC: [u8; 8] = *b"keapjrnl";
const VERSION: u32 = 1;
/// Magic, version, three ids, inode, checksum.
const USED: usize = 8 + 4 + 16 * 3 + 8 + 4;

/// Where the records begin.
pub(super) const HEADER_LEN: usize = 128;

/// Whose a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    /// Its own id.
    pub(super) file: Uuid,
    /// The process that writes it.
    pub(super) owner: Uuid,
    /// Whose connections it is about.
    pub(super) deployment: Uuid,
    /// The number that the file system gave to this file; a copy has another one.
    pub(super) inode: Option<u64>,
}

/// What the first bytes of a file are.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Beginning {
    /// A header.
    Whole(Header),
    /// A header, of a newer Keapsake.
    Newer,
    /// Anything else.
    Broken,
}

impl Header {
    pub(super) fn encode(&self) -> [u8; HEADER_LEN] {
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        for id in [self.file, self.owner, self.deployment] {
            bytes.extend_from_slice(id.as_bytes());
        }
        bytes.extend_from_slice(&self.inode.unwrap_or_default().to_le_bytes());
        bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
        let mut padded = [0; HEADER_LEN];
        for (to, from) in padded.iter_mut().zip(bytes) {
            *to = from;
        }
        padded
    }

    fn decode(bytes: &[u8; USED]) -> Option<Self> {
        let (_, rest) = bytes.split_at_checked(MAGIC.len() + size_of_val(&VERSION))?;
        let (file, rest) = rest.split_first_chunk::<16>()?;
        let (owner, rest) = rest.split_first_chunk::<16>()?;
        let (deployment, rest) = rest.split_first_chunk::<16>()?;
        let inode = u64::from_le_bytes(*rest.first_chunk::<8>()?);
        Some(Self {
            file: Uuid::from_bytes(*file),
            owner: Uuid::from_bytes(*owner),
            deployment: Uuid::from_bytes(*deployment),
            inode: (inode != 0).then_some(inode),
        })
    }
}

impl Beginning {
    pub(super) fn read(bytes: &[u8]) -> Self {
        let Some(used) = bytes.first_chunk::<USED>() else { return Self::Broken };
        let Some((covered, checksum)) = used.split_last_chunk::<4>() else { return Self::Broken };
        if !covered.starts_with(&MAGIC) || crc32fast::hash(covered) != u32::from_le_bytes(*checksum) {
            return Self::Broken;
        }
        let version =
            covered.get(MAGIC.len()..).and_then(<[u8]>::first_chunk).copied().map(u32::from_le_bytes);
        match version {
            Some(VERSION) => Header::decode(used).map_or(Self::Broken, Self::Whole),
            _ => Self::Newer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header {
            file: Uuid::from_u128(1),
            owner: Uuid::from_u128(2),
            deployment: Uuid::from_u128(3),
            inode: Some(4),
        }
    }

    #[test]
    fn what_is_read_is_what_was_written() {
        for inode in [None, Some(4), Some(u64::MAX)] {
            let header = Header { inode, ..header() };
            assert_eq!(Beginning::read(&header.encode()), Beginning::Whole(header));
        }
    }

    #[test]
    fn no_changed_byte_goes_unnoticed() {
        for at in 0..USED {
            let mut bytes = header().encode();
            bytes[at] ^= 1;
            assert_eq!(Beginning::read(&bytes), Beginning::Broken, "byte {at}");
            assert_eq!(Beginning::read(&header().encode()[..at]), Beginning::Broken, "cut to {at}");
        }
    }

    #[test]
    fn a_newer_version_is_told_from_a_broken_one() {
        let mut bytes = header().encode();
        bytes[8] = 2;
        let checksum = crc32fast::hash(&bytes[..USED - 4]).to_le_bytes();
        bytes[USED - 4..USED].copy_from_slice(&checksum);
        assert_eq!(Beginning::read(&bytes), Beginning::Newer);
    }
}
