//! What is done to Keap's answers while a refresh is due.

use std::time::Duration;

use serde_json::{Value, json};

use crate::random::Dice;

/// The longest that an answer is delayed. In real time: the clocks run faster, but a request on its way does not.
const LONGEST_DELAY: Duration = Duration::from_millis(300);

/// A fault of the token endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spoilt {
    Not,
    Late,
    LateByTheByte,
    Dropped,
    DroppedAfterwards,
    Half,
    Unavailable,
    UnavailableAfterwards,
    Throttled,
    Maintenance,
}

/// How often each comes. Those that lose an answer for certain are rare: after them there is nothing left to see.
const FAULTS: [(u64, Spoilt); 10] = [
    (50, Spoilt::Not),
    (14, Spoilt::Late),
    (5, Spoilt::LateByTheByte),
    (8, Spoilt::Dropped),
    (2, Spoilt::DroppedAfterwards),
    (2, Spoilt::Half),
    (8, Spoilt::Unavailable),
    (2, Spoilt::UnavailableAfterwards),
    (5, Spoilt::Throttled),
    (4, Spoilt::Maintenance),
];

impl Spoilt {
    pub(super) fn pick(dice: &mut Dice) -> Self {
        dice.pick(&FAULTS).copied().unwrap_or(Self::Not)
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Not => "none",
            Self::Late => "late answers",
            Self::LateByTheByte => "answers byte by byte",
            Self::Dropped => "dropped requests",
            Self::DroppedAfterwards => "dropped answers",
            Self::Half => "half answers",
            Self::Unavailable => "503",
            Self::UnavailableAfterwards => "503 after the refresh",
            Self::Throttled => "429",
            Self::Maintenance => "maintenance pages",
        }
    }

    /// As the sandbox is asked for it, and how long a request may stay on its way.
    pub(super) fn fault(self, dice: &mut Dice) -> Option<(Value, Duration)> {
        let delay = dice.up_to(LONGEST_DELAY);
        let mut fault = match self {
            Self::Not => return None,
            Self::Late => json!({"kind": "delay"}),
            Self::LateByTheByte => json!({"kind": "drip", "byte_ms": 1}),
            Self::Dropped => json!({"kind": "drop"}),
            Self::DroppedAfterwards => json!({"kind": "drop", "apply": true}),
            Self::Half => json!({"kind": "half"}),
            Self::Unavailable => json!({"kind": "status", "status": 503}),
            Self::UnavailableAfterwards => json!({"kind": "status", "status": 503, "apply": true}),
            Self::Throttled => json!({"kind": "throttle"}),
            Self::Maintenance => json!({"kind": "html"}),
        };
        fault["operation"] = json!("refresh");
        fault["delay_ms"] = json!(u64::try_from(delay.as_millis()).unwrap_or_default());
        Some((fault, delay))
    }
}

/// When a keeper is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// At any time.
    Random(Duration),
    /// As soon as its request is about to leave.
    Sent,
    /// As soon as the answer is there.
    Answered,
    /// As soon as the answer is in the journal.
    Kept,
}

impl Moment {
    /// Most come at random, soon after a refresh was due; some at the points where it matters.
    pub(super) fn pick(dice: &mut Dice, on_its_way: Duration) -> Self {
        let soon = Self::Random(dice.up_to(Duration::from_millis(40) + on_its_way));
        let late = Self::Random(dice.up_to(Duration::from_millis(400)));
        let table = [(45, soon), (10, late), (10, Self::Sent), (10, Self::Answered), (25, Self::Kept)];
        dice.pick(&table).copied().unwrap_or(late)
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Random(_) => "at random",
            Self::Sent => "as the request left",
            Self::Answered => "as the answer came",
            Self::Kept => "as the journal had it",
        }
    }
}
