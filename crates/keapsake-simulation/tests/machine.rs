//! The reference page says what the machine does.

use std::collections::BTreeSet;
use std::path::Path;

use keapsake::connection::policy::Policy;
use keapsake_simulation::machine::samples::{events, samples, state};
use keapsake_simulation::machine::{page, table};

const PATH: &str = "docs/reference/connection-machine.md";

#[test]
fn the_page_is_what_the_machine_does() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let committed = std::fs::read_to_string(root.join(PATH)).unwrap_or_default();
    assert!(
        committed == page(),
        "the machine has changed and {PATH} has not; look at it, and make it again with\n\
         cargo run -p keapsake-simulation --bin machine > {PATH}"
    );
}

#[test]
fn every_state_meets_every_event() {
    let states: BTreeSet<&str> = samples().iter().map(|sample| state(sample.record.as_ref())).collect();
    assert_eq!(states.len(), 10, "{states:?}");
    let kinds: BTreeSet<String> =
        events().iter().map(|named| format!("{:?}", std::mem::discriminant(&named.event))).collect();
    assert_eq!(kinds.len(), 15, "{kinds:?}");
    let cells = table::cells(Policy::Unmeasured);
    let pairs: BTreeSet<(&str, &str)> =
        cells.iter().map(|cell| (cell.from.name, cell.event.name.as_str())).collect();
    assert_eq!(pairs.len(), samples().len() * events().len());
    let rows = page()
        .lines()
        .filter(|line| events().iter().any(|e| line.starts_with(&format!("| **{}** |", e.name))))
        .count();
    assert_eq!(rows, events().len());
}
