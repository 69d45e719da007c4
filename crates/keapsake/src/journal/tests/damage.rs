//! Bytes are not what they were.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use uuid::Uuid;

use super::super::frame;
use super::super::header::HEADER_LEN;
use super::super::reading::{Contents, Found, Reading};
use super::super::{Damage, Record};
use super::world::*;

/// A file with a beginning and two appended records.
struct Written {
    path: PathBuf,
    bytes: Vec<u8>,
    /// Where its frames are.
    frames: Vec<(usize, usize)>,
    /// What they say.
    records: Vec<Record>,
}

/// What is carried from file to file, so that a file begins with it.
const CARRIED: std::ops::Range<u64> = 1..5;

fn written() -> Written {
    let world = World::new(1);
    let (process, _) = world.start(1);
    CARRIED.for_each(|number| process.append(answer(number)).unwrap());
    process.renew().unwrap();
    process.append(intent(8)).unwrap();
    process.append(answer(9)).unwrap();
    let path = world.journals().remove(0);
    let mut bytes = world.disk.contents(&path);
    let frames: Vec<_> = frame::scan(&bytes, HEADER_LEN).map(|frame| (frame.start, frame.end)).collect();
    bytes.truncate(frames.last().unwrap().1 + 4096);
    let records = CARRIED.map(answer).chain([intent(8), answer(9)]).collect();
    Written { path, bytes, frames, records }
}

/// The inode of the simulated file.
const INODE: u64 = 0;

impl Written {
    fn read(&self, bytes: &[u8]) -> Contents {
        match read(&self.path, bytes) {
            Reading::Ours(contents) => contents,
            Reading::NotOurs(damage) => panic!("{damage}"),
        }
    }

    /// Every byte that says something, and some of the padding.
    fn places(&self) -> impl Iterator<Item = usize> {
        let says_something =
            |at: usize| at < HEADER_LEN || self.frame_at(at).is_some() || at.is_multiple_of(61);
        (0..self.bytes.len()).filter(move |at| says_something(*at))
    }

    /// The number of the frame that this byte is in.
    fn frame_at(&self, at: usize) -> Option<usize> {
        self.frames.iter().position(|(start, end)| (*start..*end).contains(&at))
    }
}

fn read(path: &Path, bytes: &[u8]) -> Reading {
    Found { path, bytes, inode: Some(INODE) }.read(&sealer(7, 1), Uuid::from_u128(1))
}

/// Without what the change of place alone says.
fn of_bytes(contents: &Contents) -> Vec<&Damage> {
    contents.damage.iter().filter(|damage| !matches!(damage, Damage::Copied { .. })).collect()
}

#[test]
fn whole_it_says_all() {
    let written = written();
    let contents = written.read(&written.bytes);
    assert_eq!(contents.records, written.records);
    assert_eq!(of_bytes(&contents), [] as [&Damage; 0]);
}

#[test]
fn cut_anywhere_it_says_all_that_is_there() {
    let written = written();
    for cut in written.places() {
        let contents = written.read(&written.bytes[..cut]);
        let whole =
            written.frames.iter().filter(|(start, end)| is_whole(&written.bytes, *start, *end, cut)).count();
        assert_eq!(contents.records, written.records[..whole], "cut at {cut}");
        let is_headless = matches!(of_bytes(&contents)[..], [Damage::NoHeader { .. }]);
        assert_eq!(of_bytes(&contents).len(), usize::from(is_headless), "cut at {cut}");
    }
}

/// Whether a frame, without the zeros up to the grid, is within the first `cut` bytes.
fn is_whole(bytes: &[u8], start: usize, end: usize, cut: usize) -> bool {
    let length = u32::from_le_bytes(bytes[start + 4..start + 8].try_into().unwrap());
    cut >= (start + frame::FRAME_HEADER + usize::try_from(length).unwrap()).min(end)
}

#[test]
fn any_changed_byte_costs_no_more_than_its_record_and_is_named() {
    let written = written();
    let last = written.frames.len() - 1;
    for at in written.places() {
        let mut bytes = written.bytes.clone();
        bytes[at] ^= 0x10;
        let contents = written.read(&bytes);
        let hit = written.frame_at(at).filter(|_| contents.records.len() < written.records.len());
        let expected =
            written.records.iter().enumerate().filter(|(n, _)| Some(*n) != hit).map(|(_, r)| r.clone());
        assert_eq!(contents.records, expected.collect::<Vec<_>>(), "byte {at}");
        let named = of_bytes(&contents);
        match hit {
            Some(frame) if frame != last => {
                let (start, end) = written.frames[frame];
                let [Damage::Broken { offset, length, .. }] = named[..] else {
                    panic!("byte {at}: {named:?}")
                };
                assert!(*offset <= start as u64 && *offset + *length >= end as u64, "byte {at}: {named:?}");
            }
            // Of the last record it cannot be known whether it was ever whole.
            Some(_) => assert_eq!(named, [] as [&Damage; 0], "byte {at}"),
            None => assert!(matches!(named[..], [] | [Damage::NoHeader { .. }]), "byte {at}: {named:?}"),
        }
    }
}

#[test]
fn a_sector_of_zeros_in_the_middle_is_named() {
    let written = written();
    let (start, end) = written.frames[2];
    let mut bytes = written.bytes.clone();
    bytes[start..end].fill(0);
    let contents = written.read(&bytes);
    assert_eq!(contents.records.len(), written.records.len() - 1);
    let length = (end - start) as u64;
    let broken = Damage::Broken { file: written.path.clone(), offset: start as u64, length };
    assert_eq!(of_bytes(&contents), [&broken]);
}

#[test]
fn a_record_from_another_file_does_not_open_here() {
    let (written, other) = (written(), written());
    let mut bytes = written.bytes.clone();
    let (start, end) = written.frames[1];
    let (from, to) = other.frames[1];
    assert_eq!(end - start, to - from);
    bytes[start..end].copy_from_slice(&other.bytes[from..to]);
    let contents = written.read(&bytes);
    let misplaced = Damage::Misplaced { file: written.path.clone(), offset: start as u64 };
    assert_eq!(of_bytes(&contents), [&misplaced]);
    assert_eq!(contents.records.len(), written.records.len() - 1);
}

#[test]
fn a_record_under_another_number_does_not_open() {
    let written = written();
    let (start, _) = written.frames[1];
    let frame = frame::scan(&written.bytes, start).next().unwrap();
    let renumbered = frame::encode(frame.sequence + 100, 0, frame.sealed);
    let mut bytes = written.bytes.clone();
    bytes[start..start + renumbered.len()].copy_from_slice(&renumbered);
    let contents = written.read(&bytes);
    let misplaced = Damage::Misplaced { file: written.path.clone(), offset: start as u64 };
    assert_eq!(of_bytes(&contents), [&misplaced]);
    assert_eq!(contents.records.len(), written.records.len() - 1);
}

#[test]
fn records_that_changed_places_are_used_and_named() {
    let written = written();
    let (first, second) = (written.frames[0], written.frames[1]);
    let mut bytes = written.bytes.clone();
    bytes[first.0..first.1].copy_from_slice(&written.bytes[second.0..second.1]);
    bytes[second.0..second.1].copy_from_slice(&written.bytes[first.0..first.1]);
    let contents = written.read(&bytes);
    assert_eq!(contents.records.len(), written.records.len());
    let moved = Damage::OutOfOrder { file: written.path.clone(), offset: second.0 as u64 };
    assert_eq!(of_bytes(&contents), [&moved]);
}

#[test]
fn a_damaged_file_is_kept_aside_and_not_read_twice() {
    let world = World::new(1);
    let (process, _) = world.start(1);
    (1..4).for_each(|number| process.append(answer(number)).unwrap());
    let path = world.journals().remove(0);
    world.crash(1);
    world.disk.spoil(&path, |bytes| bytes[2 * 4096 + 40] ^= 1);

    let (process, recovered) = world.start(2);
    assert_eq!(answered(&recovered), [1, 3]);
    assert!(matches!(&recovered.damage[..], [Damage::Broken { offset: 4096.., length: 1.., .. }]));
    assert!(recovered.damage[0].to_string().contains("disk may be failing"));
    let before = world.disk.contents(&path);
    process.adopt().unwrap();
    let aside = path.with_extension("damaged");
    assert_eq!(world.disk.contents(&aside), before, "as it was");
    world.crash(2);
    let (_, recovered) = world.start(3);
    assert_eq!((answered(&recovered), recovered.damage), (vec![1, 3], vec![]));
}

#[test]
fn no_token_is_in_the_bytes_of_any_file() {
    let world = World::new(1);
    let (process, _) = world.start(1);
    (1..5).for_each(|number| process.append(answer(number)).unwrap());
    process.renew().unwrap();
    process.append(answer(6)).unwrap();
    for path in world.disk.files() {
        let bytes = world.disk.contents(&path);
        for secret in [CANARY, "canary", "refresh_token", "main"] {
            assert!(!bytes.windows(secret.len()).any(|part| part == secret.as_bytes()), "{secret}");
        }
    }
    let printed = format!("{:?}", process.journal.health());
    assert!(!printed.contains("canary"), "{printed}");
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..3_000)) {
        let _ = read(Path::new("x.journal"), &bytes);
        let name = PathBuf::from(format!("{}.journal", Uuid::nil()));
        let _ = read(&name, &bytes);
    }

    #[test]
    fn no_mixture_of_changes_panics_or_invents(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..30),
        cut in any::<prop::sample::Index>(),
        moved in any::<[prop::sample::Index; 2]>(),
    ) {
        let written = written();
        let mut bytes = written.bytes.clone();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let [from, to] = moved.map(|index| index.index(bytes.len() / frame::GRID) * frame::GRID);
        let piece = bytes[from..(from + 256).min(bytes.len())].to_vec();
        let end = (to + piece.len()).min(bytes.len());
        bytes[to..end].copy_from_slice(&piece[..end - to]);
        bytes.truncate(HEADER_LEN + cut.index(bytes.len()));
        if let Reading::Ours(contents) = read(&written.path, &bytes) {
            let known: BTreeSet<String> = written.records.iter().map(|record| format!("{record:?}")).collect();
            for record in contents.records {
                let said = format!("{record:?}");
                prop_assert!(known.contains(&said));
            }
        }
    }
}
