//! What does it cost to write an answer into the journal, beside a bare write of as many bytes with `fdatasync`?
//!
//! Both write into files that are there already, in the same directory, in turns. Give a directory on the disk that
//! counts; the system's directory for temporary files may be in memory:
//!
//! ```text
//! cargo run --release -p keapsake --example journal_append -- DIRECTORY
//! ```

use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use keapsake::clock::{Clock as _, SystemClock};
use keapsake::connection::ConnectionId;
use keapsake::connection::record::Position;
use keapsake::journal::{Answer, Attempt, Journal, RealDisk, Record};
use keapsake::randomness::SystemRandomness;
use keapsake::store::seal::{Sealer, SealingKey};
use keapsake::store::{MemoryStore, Store as _};
use uuid::Uuid;

const ROUNDS: u64 = 2_000;
/// As long as Keap's answers.
const BODY: usize = 1_500;
/// What a record of it has in the file.
const WRITTEN: usize = 1_800;
const SECTOR: u64 = 4_096;
const BARE_FILE: u64 = 1 << 20;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Result<()> {
    let given = std::env::args_os().nth(1).map(PathBuf::from);
    let folder = tempfile::tempdir_in(given.unwrap_or_else(std::env::temp_dir))?;
    let journal = open(&folder.path().join("journal")).await?;
    let mut bare = Bare::create(&folder.path().join("bare"))?;
    let (mut through_the_journal, mut written_barely) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let answer = answer(round);
        let entry = answer.attempt.entry;
        journal.append(Record::Intent(answer.attempt.clone())).await?;

        let since = now();
        journal.append(Record::Answer(answer)).await?;
        through_the_journal.push(since.elapsed());

        let since = now();
        bare.write(round)?;
        written_barely.push(since.elapsed());

        journal.append(Record::Closed { entry }).await?;
    }
    report(through_the_journal, written_barely);
    Ok(())
}

async fn open(dir: &Path) -> Result<Journal> {
    let (store, key) = (MemoryStore::default(), SealingKey::random(&SystemRandomness));
    let sealer = Sealer::unlock(&store, key, &SystemRandomness, SystemClock.now()).await?;
    let identity = store.identity().await?.ok_or("the store has an identity since it was unlocked")?;
    let (disk, randomness) = (Arc::new(RealDisk), Arc::new(SystemRandomness));
    let owner = Uuid::from_u128(1);
    let (journal, _) = Journal::open(disk, dir, Arc::new(sealer), owner, identity.deployment, randomness)?;
    Ok(journal)
}

fn answer(round: u64) -> Answer {
    let attempt = Attempt {
        connection: ConnectionId::main(),
        position: Position { lineage: 1, generation: round + 1 },
        entry: Uuid::from_u128(round.into()),
        started_at: SystemClock.now(),
    };
    Answer { attempt, status: 200, body: Bytes::from(vec![b'x'; BODY]) }
}

/// The least that makes bytes durable.
struct Bare {
    file: File,
    bytes: Vec<u8>,
}

impl Bare {
    fn create(path: &Path) -> Result<Self> {
        let mut file = File::create(path)?;
        file.write_all(&vec![0; usize::try_from(BARE_FILE)?])?;
        file.sync_all()?;
        Ok(Self { file, bytes: vec![b'x'; WRITTEN] })
    }

    fn write(&mut self, round: u64) -> Result<()> {
        self.file.seek(SeekFrom::Start(round * SECTOR % BARE_FILE))?;
        self.file.write_all(&self.bytes)?;
        self.file.sync_data()?;
        Ok(())
    }
}

#[expect(clippy::disallowed_methods, reason = "the time that is measured")]
fn now() -> Instant {
    Instant::now()
}

fn report(journal: Vec<Duration>, bare: Vec<Duration>) {
    let (journal, bare) = (Percentiles::of(journal), Percentiles::of(bare));
    println!("{ROUNDS} answers of {BODY} bytes");
    println!("journal append        p50 {:>9.1?}   p99 {:>9.1?}", journal.p50, journal.p99);
    println!("bare write+fdatasync  p50 {:>9.1?}   p99 {:>9.1?}", bare.p50, bare.p99);
    let ratio = |one: Duration, other: Duration| one.as_secs_f64() / other.as_secs_f64();
    println!("ratio p50 {:.2}  p99 {:.2}", ratio(journal.p50, bare.p50), ratio(journal.p99, bare.p99));
}

struct Percentiles {
    p50: Duration,
    p99: Duration,
}

impl Percentiles {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let at = |percent: usize| times.get(times.len() * percent / 100).copied().unwrap_or_default();
        Self { p50: at(50), p99: at(99) }
    }
}
