//! What the store holds of a connection, without times.
//!
//! The machine's function runs on real records: one is made from what is known here, and what comes out is read back.
//! Whatever time may have passed until then is tried: a moment, an hour, more than the access token lives.

use std::time::Duration;

use jiff::Timestamp;
use keapsake::clock::later;
use keapsake::connection::policy::Policy;
use keapsake::connection::record::{
    Account, Health, Link, Linked, LostReason, Next, Position, Record, RestoredReason,
};
use keapsake::connection::step::{Circumstances, Event, Step};

use super::state::{FIRST, Finding, Pair};

/// When everything that is remembered happened.
const BASE: Timestamp = Timestamp::UNIX_EPOCH;

/// How long an access token lives.
const LIFE: Duration = Duration::from_hours(24);

/// The time that may have passed since then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Elapsed {
    /// Too short for anything.
    Moment,
    /// Long enough for a refusal to be believed.
    Hour,
    /// The access token has ended.
    Days,
}

/// A record without times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Known {
    /// Which pair there is.
    pub pair: Pair,
    /// How the connection is.
    pub health: Condition,
}

/// A health without times, and with no count higher than what makes a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Condition {
    /// All is well.
    Well,
    /// The server could not be reached.
    Unreached,
    /// A request was sent, and what came of it is not known.
    Unconfirmed(Next),
    /// The token was refused so many times, up to 3.
    Suspect(u32),
    /// The client was refused.
    Misconfigured,
    /// The store is known to have been restored.
    Restored,
    /// A person has to connect again.
    Lost,
}

impl Known {
    /// At the start.
    pub const FIRST: Self = Self { pair: FIRST, health: Condition::Well };

    /// Whether an attempt may be due.
    pub fn may_be_due(self) -> bool {
        self.record().due_at().is_some()
    }

    /// What the machine makes of an event; `pair` is the new one, if there is one.
    #[must_use]
    pub fn after(
        self,
        step: Step,
        policy: Policy,
        event: &Event,
        elapsed: Elapsed,
        pair: Option<Pair>,
    ) -> Self {
        let at = Circumstances { now: elapsed.now(), dice: 0, policy };
        let Some(record) = step(Some(&self.record()), event, at) else { return self };
        let generation = u8::try_from(record.position.generation).unwrap_or(u8::MAX);
        let Link::Linked(linked) = record.link else { return self };
        let is_news = record.position != position(self.pair);
        let pair = if is_news { pair.unwrap_or(Pair { generation, ..self.pair }) } else { self.pair };
        Self { pair: Pair { generation, ..pair }, health: Condition::of(linked.health) }
    }

    fn record(self) -> Record {
        let linked = Linked {
            connected_at: BASE,
            access_issued_at: BASE,
            access_expires_at: later(BASE, LIFE),
            access_refused: false,
            refresh_issued_at: BASE,
            refresh_at: BASE,
            health: self.health.into_health(),
            health_since: BASE,
        };
        Record { position: position(self.pair), account: Account::default(), link: Link::Linked(linked) }
    }
}

fn position(pair: Pair) -> Position {
    Position { lineage: 1, generation: pair.generation.into() }
}

impl Finding {
    /// What happened, as the machine is told it.
    pub fn event(self, spent: u8) -> Event {
        match self {
            Self::Granted(_) => Event::Refreshed {
                spent: Position { lineage: 1, generation: spent.into() },
                started_at: BASE,
                life: LIFE,
                rotated: true,
            },
            Self::Refused => Event::Rejected,
            Self::NotSent => Event::NotSent { retry_after: None },
            Self::Unanswered => Event::Unconfirmed,
        }
    }

    /// The times that make a difference to what becomes of it.
    pub fn times(self) -> &'static [Elapsed] {
        match self {
            Self::Granted(_) | Self::NotSent => &[Elapsed::Moment],
            Self::Refused | Self::Unanswered => &Elapsed::ALL,
        }
    }
}

impl Elapsed {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Moment, Self::Hour, Self::Days];

    fn now(self) -> Timestamp {
        later(
            BASE,
            match self {
                Self::Moment => Duration::from_secs(1),
                Self::Hour => Duration::from_hours(1),
                Self::Days => Duration::from_hours(48),
            },
        )
    }
}

impl Condition {
    fn of(health: Health) -> Self {
        match health {
            Health::Well => Self::Well,
            Health::Unreached { .. } => Self::Unreached,
            Health::Unconfirmed { next, .. } => Self::Unconfirmed(next),
            Health::Suspect { rejections, .. } => Self::Suspect(rejections.min(3)),
            Health::Misconfigured => Self::Misconfigured,
            Health::Restored(_) => Self::Restored,
            Health::Lost(_) => Self::Lost,
        }
    }

    fn into_health(self) -> Health {
        match self {
            Self::Well => Health::Well,
            Self::Unreached => Health::Unreached { attempts: 1 },
            Self::Unconfirmed(next) => Health::Unconfirmed { attempts: 1, ended_at: BASE, next },
            Self::Suspect(rejections) => Health::Suspect { rejections, first_rejected_at: BASE },
            Self::Misconfigured => Health::Misconfigured,
            Self::Restored => Health::Restored(RestoredReason::Older),
            Self::Lost => Health::Lost(LostReason::Rejected),
        }
    }
}
