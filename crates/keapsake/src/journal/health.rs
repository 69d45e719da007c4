//! How the journal is, for people who look after it.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use super::damage::Damage;

/// How the journal is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct JournalHealth {
    /// The file that is written now.
    pub file: PathBuf,
    /// Its size in bytes, all of it taken from the disk already.
    pub size: u64,
    /// How much of it is used; when it is full, a new file takes its place.
    pub used: u64,
    /// Records in it.
    pub records: u64,
    /// Requests that are on their way, as far as the journal knows.
    pub open: usize,
    /// Answers that the store may not have yet.
    pub unsaved: usize,
    /// How long the last append took until it was durable.
    pub last_append: Option<Duration>,
    /// What was found broken or out of place in the files of dead processes.
    pub damage: Vec<Damage>,
    /// What went wrong last, until something works again.
    pub last_error: Option<String>,
    /// Numbers of the data keys that its records need.
    pub keys: BTreeSet<u32>,
}
