//! The positive control: a simulation that misses a mistake proves nothing.

use keapsake_simulation::flaw::Flaw;
use keapsake_simulation::world::{Settings, simulate};

/// Within so many seeds a mistake must show.
const SEEDS: u64 = 60;

#[test]
fn every_flaw_is_found() {
    let missed: Vec<_> = Flaw::ALL.iter().filter(|flaw| !is_found(**flaw)).collect();
    assert!(missed.is_empty(), "not found within {SEEDS} seeds: {missed:?}");
}

fn is_found(flaw: Flaw) -> bool {
    let settings = Settings { flaw: Some(flaw), stops_early: true, ..Settings::default() };
    let report = simulate(0..SEEDS, settings);
    match report.violations.first() {
        Some((seed, what)) => println!("{flaw:?}: seed {seed}, {} seeds: {what}", report.seeds),
        None => println!("{flaw:?}: NOT FOUND in {} seeds", report.seeds),
    }
    !report.is_clean()
}
