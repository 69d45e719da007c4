//! Whether the connection can be relied on, for whatever watches over ButtonPush.

use super::KeapSide;

/// How the connection is, in a word for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Readiness {
    /// As the panel's `status.json` has it: `connected`, `needs-reconnect`.
    pub phase: &'static str,
    /// Whether only a person can go on from here.
    pub needs_a_person: bool,
}

impl KeapSide {
    /// How the connection is. Costs nothing.
    pub fn readiness(&self) -> Readiness {
        let phase = self.keap.status().phase;
        Readiness { phase: phase.word(), needs_a_person: phase.needs_a_person() }
    }
}
