//! How a sealed record lies in a file.
//!
//! ```text
//! marker (4) | length (4) | sequence (8) | gap (4) | CRC-32 of all but marker (4) | sealed payload
//! ```
//!
//! Numbers are little-endian. A frame begins on the [`GRID`], so that after damage the next one is found by its
//! marker. `gap` says how many bytes before it belong to no frame, on purpose: room up to the next sector, or what an
//! append that failed may have left. So whatever else cannot be read is damage.

const MARKER: [u8; 4] = *b"\xabKJ1";
pub(super) const FRAME_HEADER: usize = 24;

/// Frames begin at multiples of this.
pub(super) const GRID: usize = 64;

/// Longer payloads are not written, and not believed.
pub(super) const LONGEST_SEALED: usize = 512 << 10;

/// A frame found in a file. Its checksum is right; whether it opens is another question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame<'a> {
    pub(super) start: usize,
    /// On the grid again.
    pub(super) end: usize,
    pub(super) sequence: u64,
    pub(super) gap: usize,
    pub(super) sealed: &'a [u8],
}

/// How many bytes of the grid a frame takes.
pub(super) fn room_for(sealed: usize) -> usize {
    (FRAME_HEADER + sealed).next_multiple_of(GRID)
}

/// Puts a payload into a frame.
pub(super) fn encode(sequence: u64, gap: u32, sealed: &[u8]) -> Vec<u8> {
    let length = u32::try_from(sealed.len()).unwrap_or(u32::MAX);
    let mut bytes = Vec::with_capacity(FRAME_HEADER + sealed.len());
    bytes.extend_from_slice(&MARKER);
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(&sequence.to_le_bytes());
    bytes.extend_from_slice(&gap.to_le_bytes());
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(sealed);
    let checksum = checksum(&bytes).unwrap_or_default();
    if let Some(place) = bytes.get_mut(FRAME_HEADER - 4..FRAME_HEADER) {
        place.copy_from_slice(&checksum.to_le_bytes());
    }
    bytes
}

/// All frames from here on, in their order in the file. What is no frame is passed over, never the rest of the file.
pub(super) fn scan(bytes: &[u8], from: usize) -> impl Iterator<Item = Frame<'_>> {
    let mut at = from;
    std::iter::from_fn(move || {
        while at < bytes.len() {
            let frame = decode(bytes, at);
            at = frame.map_or(at + GRID, |frame| frame.end);
            if frame.is_some() {
                return frame;
            }
        }
        None
    })
}

fn decode(bytes: &[u8], start: usize) -> Option<Frame<'_>> {
    let bytes = bytes.get(start..)?;
    let (marker, rest) = bytes.split_first_chunk::<4>()?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let (sequence, rest) = rest.split_first_chunk::<8>()?;
    let (gap, rest) = rest.split_first_chunk::<4>()?;
    let (expected, rest) = rest.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    if *marker != MARKER || length > LONGEST_SEALED {
        return None;
    }
    let sealed = rest.get(..length)?;
    if checksum(bytes.get(..FRAME_HEADER + length)?)? != u32::from_le_bytes(*expected) {
        return None;
    }
    Some(Frame {
        start,
        end: start + room_for(length),
        sequence: u64::from_le_bytes(*sequence),
        gap: usize::try_from(u32::from_le_bytes(*gap)).ok()?,
        sealed,
    })
}

/// Of everything but the marker and the checksum itself.
fn checksum(frame: &[u8]) -> Option<u32> {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(frame.get(MARKER.len()..FRAME_HEADER - 4)?);
    hasher.update(frame.get(FRAME_HEADER..)?);
    Some(hasher.finalize())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn put(bytes: &mut Vec<u8>, frame: &[u8]) {
        bytes.resize(bytes.len().next_multiple_of(GRID), 0);
        bytes.extend_from_slice(frame);
    }

    #[test]
    fn a_broken_frame_hides_no_other() {
        let mut bytes = Vec::new();
        for sequence in 0..5 {
            put(&mut bytes, &encode(sequence, 0, &[7; 100]));
        }
        for at in 0..bytes.len() {
            let mut broken = bytes.clone();
            broken[at] ^= 1;
            let found: Vec<u64> = scan(&broken, 0).map(|frame| frame.sequence).collect();
            let hit = u64::try_from(at / 128).unwrap();
            let is_padding = at % 128 >= FRAME_HEADER + 100;
            let expected: Vec<u64> = (0..5).filter(|sequence| is_padding || *sequence != hit).collect();
            assert_eq!(found, expected, "byte {at}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2_000), from in 0_usize..300) {
            for frame in scan(&bytes, from) {
                prop_assert!(frame.start >= from);
            }
        }

        #[test]
        fn what_is_read_is_what_was_written(
            sequence in any::<u64>(), gap in any::<u32>(), sealed in proptest::collection::vec(any::<u8>(), 0..500),
        ) {
            let bytes = encode(sequence, gap, &sealed);
            let found: Vec<_> = scan(&bytes, 0).collect();
            prop_assert_eq!(found.len(), 1);
            prop_assert_eq!((found[0].sequence, found[0].sealed), (sequence, &sealed[..]));
            prop_assert_eq!(found[0].end, room_for(sealed.len()));
        }
    }
}
