//! The order of an attempt, as a diagram and a table.

use std::fmt::Write as _;

use keapsake::connection::protocol::{ORDER, Phase, Reply, next};

pub(super) const INTRODUCTION: &str = "\
An attempt goes from phase to phase; how one went decides which is next. `Done`: as wished. `Nothing`: there is nothing to do.
`Failed`: it did not work. `NotSent`: the request certainly did not reach Keap. `Unanswered`: it was sent, and no whole answer came.";

pub(super) const ABOUT_TABLE: &str = "Where nothing is said, it cannot go like that.";

/// A Mermaid flow chart.
pub fn diagram() -> String {
    let mut diagram = String::from("```mermaid\nflowchart TD\n");
    for phase in Phase::ALL {
        for to in Phase::ALL {
            let replies: Vec<String> = Reply::ALL
                .iter()
                .filter(|reply| next(ORDER, phase, **reply) == Some(to))
                .map(|reply| format!("{reply:?}"))
                .collect();
            if !replies.is_empty() {
                let _ = writeln!(diagram, "  {} -->|{}| {}", node(phase), replies.join(", "), node(to));
            }
        }
    }
    diagram + "```\n"
}

/// `end` is a word of Mermaid's own.
fn node(phase: Phase) -> String {
    match phase {
        Phase::End => "Over([End])".into(),
        phase => phase.to_string(),
    }
}

/// Each phase and each reply.
pub fn table() -> String {
    let replies = Reply::ALL.map(|reply| format!("{reply:?}"));
    let mut table = format!("| | {} |\n|---|{}\n", replies.join(" | "), "---|".repeat(replies.len()));
    for phase in Phase::ALL.into_iter().filter(|phase| *phase != Phase::End) {
        let cells =
            Reply::ALL.map(|reply| next(ORDER, phase, reply).map_or_else(String::new, |to| to.to_string()));
        let _ = writeln!(table, "| **{phase}** | {} |", cells.join(" | "));
    }
    table
}
