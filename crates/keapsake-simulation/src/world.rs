//! Months of virtual time in a world where everything goes wrong, decided by a seed; the same seed, the same run.
//!
//! The processes in it are Keapsake as it is, through its public interface. Around them:
//! - `chance`, `clock`, `signal`: what decides everything, and in which order.
//! - `keap`, `network`, `fault`, `weather`: Keap, the way to it, and what goes wrong there.
//! - `database`, `store`, `disk`: what is kept, and what goes wrong with it.
//! - `gate`, `host`, `mishaps`, `people`: processes, what happens to them, and who uses them.
//! - `truth`, `conduct`, `judgement`: what is really so, and whether the processes did right.
//! - `diary`, `record`, `listener`, `panics`, `report`: what was seen.

mod chance;
mod clock;
mod conduct;
mod database;
mod diary;
mod disk;
mod fault;
mod gate;
mod host;
mod judgement;
mod keap;
mod listener;
mod mishaps;
mod network;
mod panics;
mod people;
mod record;
mod report;
mod run;
mod signal;
mod store;
mod truth;
mod weather;

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use crate::flaw::Flaw;
pub(crate) use record::step;
pub use report::Report;

/// What a run is like.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// How many virtual days each seed lives.
    pub days: u64,
    /// A mistake that is built in on purpose.
    pub flaw: Option<Flaw>,
    /// Whether the first violation is enough.
    pub stops_early: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { days: 45, flaw: None, stops_early: false }
    }
}

/// Lives through these seeds, on all processors.
pub fn simulate(seeds: Range<u64>, settings: Settings) -> Report {
    let next = AtomicU64::new(seeds.start);
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let workers: Vec<_> =
            (0..threads).map(|_| scope.spawn(|| work(&next, seeds.end, &settings))).collect();
        let mut report = Report::default();
        workers.into_iter().filter_map(|worker| worker.join().ok()).for_each(|part| report.merge(part));
        report
    })
}

fn work(next: &AtomicU64, end: u64, settings: &Settings) -> Report {
    let mut report = Report::default();
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= end {
            return report;
        }
        report.add(seed, settings.days, run::run(seed, settings, false));
        if settings.stops_early && !report.is_clean() {
            next.store(end, Ordering::Relaxed);
        }
    }
}

/// Lives through one seed and prints everything that happens.
pub fn replay(seed: u64, settings: Settings) -> Report {
    let mut report = Report::default();
    report.add(seed, settings.days, run::run(seed, &settings, true));
    report
}

/// A number that stands for everything that happened in one seed, in its order.
pub fn fingerprint(seed: u64, settings: Settings) -> u64 {
    run::run(seed, &settings, false).pages.sum
}
