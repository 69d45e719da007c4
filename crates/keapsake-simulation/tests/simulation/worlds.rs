//! Months of virtual time without a mistake.

use keapsake_simulation::world::{Settings, fingerprint, simulate};

#[test]
fn nothing_is_lost_that_could_be_kept() {
    let report = simulate(0..60, Settings::default());
    println!("{report}");
    assert!(report.is_clean(), "{report}");
}

#[test]
fn the_same_seed_is_the_same_run() {
    for seed in [0, 7, 15] {
        let settings = Settings { days: 10, ..Settings::default() };
        assert_eq!(fingerprint(seed, settings), fingerprint(seed, settings), "seed {seed}");
    }
    let settings = Settings { days: 2, ..Settings::default() };
    assert_ne!(fingerprint(1, settings), fingerprint(2, settings));
}
