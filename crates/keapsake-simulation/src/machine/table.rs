//! What each event makes of each record.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::Timestamp;
use keapsake::connection::policy::Policy;
use keapsake::connection::record::Record;
use keapsake::connection::step::step;

use super::samples::{Named, Sample, circumstances, events, now, samples, state};

pub(super) const INTRODUCTION: &str = "\
What changes a state, as `step` says. What is known of the server (the policy) decides what follows a refresh whose outcome is
unknown: where a refresh ends the old access token, that one is asked; else the refresh token is tried again.";

pub(super) const ABOUT_TABLE: &str = "\
Each cell is what `step` makes of a record of that kind, when the access token lives for another three hours, something is due in 50
seconds and nothing is known of the server: the state, the pair where it is another one, and when something is due if that changes.
*Suspect (at last)*: two refusals, the first 36 minutes ago. A point: all stays as it is. A star: something else is remembered.";

/// What an event makes of a record.
#[derive(Debug, Clone)]
pub struct Cell {
    /// The record before.
    pub from: Sample,
    /// What happens.
    pub event: Named,
    /// The record after.
    pub to: Option<Record>,
}

/// Every event with every record, event by event.
pub fn cells(policy: Policy) -> Vec<Cell> {
    let all = events().into_iter().flat_map(|event| {
        samples().into_iter().map(move |from| {
            let to = step(from.record.as_ref(), &event.event, circumstances(policy));
            Cell { from, event: event.clone(), to }
        })
    });
    all.collect()
}

impl Cell {
    /// As the page says it.
    fn in_words(&self) -> String {
        if self.to == self.from.record {
            return "·".into();
        }
        let (before, after) = (self.from.record.as_ref(), self.to.as_ref());
        let moved = after.map(|record| record.position) != before.map(|record| record.position);
        let pair = after.filter(|_| moved).map_or_else(String::new, |record| format!(" {}", record.position));
        let due = |record: Option<&Record>| record.and_then(Record::due_at);
        let changed = due(after).filter(|_| due(before) != due(after) || moved || self.changes_state());
        let when = changed.map_or_else(String::new, |at| format!(", {}", in_words(at)));
        if !self.changes_state() && pair.is_empty() && when.is_empty() {
            return "*".into();
        }
        format!("{}{pair}{when}", state(after))
    }

    fn changes_state(&self) -> bool {
        state(self.from.record.as_ref()) != state(self.to.as_ref())
    }
}

/// When something is due, from now.
fn in_words(at: Timestamp) -> String {
    let left = at.duration_since(now());
    if left.is_zero() { "now".into() } else { format!("in {left:#}") }
}

/// Events down, states across.
pub fn table() -> String {
    let names: Vec<&str> = samples().iter().map(|sample| sample.name).collect();
    let mut table = format!("| | {} |\n|---|{}\n", names.join(" | "), "---|".repeat(names.len()));
    for row in cells(Policy::Unmeasured).chunk_by(|one, other| one.event.name == other.event.name) {
        let words: Vec<String> = row.iter().map(Cell::in_words).collect();
        let event = row.first().map_or("", |cell| cell.event.name.as_str());
        let _ = writeln!(table, "| **{event}** | {} |", words.join(" | "));
    }
    table
}

/// A Mermaid state diagram, of all policies together.
pub fn diagram() -> String {
    let mut edges: BTreeMap<(usize, usize), Vec<String>> = BTreeMap::new();
    let policies = [Policy::Unmeasured, Policy::AccessTokenTells];
    for cell in policies.into_iter().flat_map(cells).filter(Cell::changes_state) {
        let ends = (place(state(cell.from.record.as_ref())), place(state(cell.to.as_ref())));
        let events = edges.entry(ends).or_default();
        if !events.contains(&cell.event.name) {
            events.push(cell.event.name);
        }
    }
    let mut diagram = String::from("```mermaid\nstateDiagram-v2\n  direction LR\n");
    for (place, sample) in
        samples().iter().enumerate().filter(|(_, sample)| sample.name == state(sample.record.as_ref()))
    {
        let _ = writeln!(diagram, "  state \"{}\" as {}", sample.name, node(place));
    }
    diagram.push_str("  [*] --> NotConnected\n");
    for ((from, to), events) in edges {
        let _ = writeln!(diagram, "  {} --> {}: {}", node(from), node(to), events.join(", "));
    }
    diagram + "```\n"
}

fn place(name: &str) -> usize {
    samples().iter().position(|sample| sample.name == name).unwrap_or(usize::MAX)
}

/// The name without what Mermaid does not take.
fn node(place: usize) -> String {
    let samples = samples();
    let name = samples.get(place).map_or("", |sample| sample.name);
    name.chars().filter(|letter| letter.is_alphanumeric()).collect()
}
