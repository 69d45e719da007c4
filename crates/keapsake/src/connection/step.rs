//! What an event makes of a connection. A pure function: no clock, no randomness, no I/O of its own.
//!
//! Production, the simulation and the model checker run the same function.

use std::time::Duration;

use jiff::Timestamp;

use super::policy::Policy;
use super::record::{Account, Health, Link, Linked, LostReason, Position, Record, RestoredReason};
use super::schedule::{self, Dice};
use crate::clock::later;

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A person authorized and the code was exchanged.
    Authorized {
        /// As which lineage at least: one that nobody has seen.
        lineage: u64,
        /// When the exchange was started.
        started_at: Timestamp,
        /// How long the access token lives.
        life: Duration,
        /// Whose it is.
        account: Account,
    },
    /// A refresh brought a new pair.
    Refreshed {
        /// Which pair was spent for it. At or beyond the one at hand it is news; before that it came too late.
        spent: Position,
        /// When the refresh was started.
        started_at: Timestamp,
        /// How long the access token lives.
        life: Duration,
        /// Whether the refresh token is a new one (else the old one was kept, with its age).
        rotated: bool,
    },
    /// A refresh certainly did not reach Keap, or its quota turned it away unread.
    NotSent {
        /// How long Keap asked to wait, if it did.
        retry_after: Option<Duration>,
    },
    /// A refresh was sent and its outcome is unknown.
    Unconfirmed,
    /// After an unconfirmed refresh the old access token was asked: whether Keap still accepts it.
    Probed {
        /// Whether it does.
        accepted: bool,
    },
    /// Keap said that the refresh token is not good.
    Rejected,
    /// Keap did not accept the client id or secret.
    Misconfigured,
    /// An API call was refused with the current access token.
    AccessRefused,
    /// The store was restored from a backup, or copied.
    Restored(RestoredReason),
    /// A person says that the restored or copied store is the one to go on with.
    Adopted {
        /// As which lineage: one that nobody has seen.
        lineage: u64,
    },
    /// A person wants a refresh now.
    Asked,
    /// The due time is further away than this state ever waits: a clock that was ahead has written it.
    Misdated,
    /// The account's name became known.
    Named(Account),
    /// An administrator disconnected.
    Disconnected,
    /// The program started (with settings that may be new).
    Started,
}

/// What is drawn on by a step beside the record: when it is, a random number, what is known of the server.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances {
    /// The time.
    pub now: Timestamp,
    /// A random number for spreads.
    pub dice: Dice,
    /// What is known of the server.
    pub policy: Policy,
}

/// The function that says what an event makes of a connection: [`step`], or what a simulation proves wrong.
pub type Step = fn(Option<&Record>, &Event, Circumstances) -> Option<Record>;

/// The connection after the event. `None` is a connection that was never made.
///
/// Events that do not concern a state leave it as it is.
pub fn step(record: Option<&Record>, event: &Event, at: Circumstances) -> Option<Record> {
    match (event, record) {
        (Event::Authorized { lineage, started_at, life, account }, _) => {
            let unseen = record.map_or(Position::NONE, |record| record.position).next_lineage().lineage;
            let position = Position { lineage: unseen.max(*lineage), generation: 1 };
            let link = Link::Linked(fresh(*started_at, *life, at));
            Some(Record { position, account: account.clone(), link })
        }
        (_, None) => None,
        (Event::Disconnected, Some(record)) => Some(disconnected(record, at.now)),
        (Event::Named(account), Some(record)) => Some(named(record, account)),
        (Event::Refreshed { spent, started_at, life, rotated }, Some(record)) => {
            let pair = fresh(*started_at, *life, at);
            Some(refreshed(record, *spent, pair, *rotated))
        }
        (Event::Adopted { lineage }, Some(record)) => Some(adopted(record, *lineage, at.now)),
        (_, Some(record)) => Some(on_linked(record, |linked| troubled(linked, event, at))),
    }
}

fn fresh(started_at: Timestamp, life: Duration, at: Circumstances) -> Linked {
    Linked {
        connected_at: at.now,
        access_issued_at: started_at,
        access_expires_at: later(started_at, life),
        access_refused: false,
        refresh_issued_at: started_at,
        refresh_at: schedule::due(started_at, life, at.dice),
        health: Health::Well,
        health_since: at.now,
    }
}

/// A pair that was bought with an older one than we have is of no use; one that was bought with a newer one heals a
/// store that has forgotten something.
fn refreshed(record: &Record, spent: Position, pair: Linked, rotated: bool) -> Record {
    if spent < record.position {
        return record.clone();
    }
    let linked = match &record.link {
        Link::Linked(before) => Linked {
            connected_at: before.connected_at,
            refresh_issued_at: if rotated { pair.refresh_issued_at } else { before.refresh_issued_at },
            ..pair
        },
        // The tokens of a disconnected connection are gone on purpose; only a later authorization's can come back.
        Link::Disconnected { .. } if spent.lineage <= record.position.lineage => return record.clone(),
        Link::Disconnected { .. } => pair,
    };
    Record { position: spent.next_generation(), link: Link::Linked(linked), ..record.clone() }
}

/// Tokens of before are of no use to anybody, so the position moves on: whatever is still on its way for them
/// meets the fence.
fn disconnected(record: &Record, now: Timestamp) -> Record {
    match record.link {
        Link::Disconnected { .. } => record.clone(),
        Link::Linked(_) => Record {
            position: record.position.next_lineage(),
            link: Link::Disconnected { since: now },
            ..record.clone()
        },
    }
}

/// What is there goes on as the first pair of another lineage, and is tried at once.
fn adopted(record: &Record, lineage: u64, now: Timestamp) -> Record {
    match &record.link {
        Link::Linked(linked) if matches!(linked.health, Health::Restored(_)) => Record {
            position: Position { lineage, generation: 1 },
            link: Link::Linked(Linked {
                health: Health::Well,
                health_since: now,
                refresh_at: now,
                ..linked.clone()
            }),
            ..record.clone()
        },
        _ => record.clone(),
    }
}

fn named(record: &Record, account: &Account) -> Record {
    let account = Account {
        host: account.host.clone().or_else(|| record.account.host.clone()),
        name: account.name.clone().or_else(|| record.account.name.clone()),
    };
    Record { account, ..record.clone() }
}

fn on_linked(record: &Record, change: impl FnOnce(&Linked) -> Linked) -> Record {
    match &record.link {
        Link::Linked(linked) => Record { link: Link::Linked(change(linked)), ..record.clone() },
        Link::Disconnected { .. } => record.clone(),
    }
}

fn troubled(linked: &Linked, event: &Event, at: Circumstances) -> Linked {
    let now = at.now;
    let (health, due) = match (linked.health, event) {
        // Only a person goes on from there; and a wish does not overtake a request that may still be on its way.
        (Health::Lost(_) | Health::Restored(_), _) | (Health::Unconfirmed { .. }, Event::Asked) => {
            return linked.clone();
        }
        (_, Event::Restored(reason)) => (Health::Restored(*reason), now),
        (_, Event::NotSent { retry_after }) => not_sent(linked.health, *retry_after, at),
        // What has a wrong time is as if the attempt had ended now: that much is certain.
        (_, Event::Unconfirmed) | (Health::Unconfirmed { .. }, Event::Misdated) => unconfirmed(linked, at),
        (Health::Unconfirmed { ended_at, attempts, .. }, Event::Probed { accepted }) => {
            probed(ended_at, attempts, *accepted, at)
        }
        (_, Event::Rejected) => rejected(linked, now),
        (_, Event::Misconfigured) => (Health::Misconfigured, later(now, schedule::AFTER_MISCONFIGURED)),
        (_, Event::AccessRefused) => return access_refused(linked, now),
        // New settings deserve a new try at once.
        (Health::Misconfigured, Event::Started) => (Health::Misconfigured, now),
        (health, Event::Asked | Event::Misdated) => (health, now),
        _ => return linked.clone(),
    };
    let same = std::mem::discriminant(&health) == std::mem::discriminant(&linked.health);
    Linked {
        health,
        health_since: if same { linked.health_since } else { now },
        refresh_at: due,
        ..linked.clone()
    }
}

fn not_sent(health: Health, retry_after: Option<Duration>, at: Circumstances) -> (Health, Timestamp) {
    let attempts = match health {
        Health::Unreached { attempts } => attempts.saturating_add(1),
        _ => 1,
    };
    let wait = retry_after
        .unwrap_or_default()
        .min(schedule::LONGEST_WAIT)
        .max(schedule::after_unreached(attempts, at.dice));
    let health = match health {
        // What was suspected before stays suspected: this attempt taught nothing.
        Health::Suspect { .. } | Health::Unconfirmed { .. } => health,
        _ => Health::Unreached { attempts },
    };
    (health, later(at.now, wait))
}

fn unconfirmed(linked: &Linked, at: Circumstances) -> (Health, Timestamp) {
    let attempts = match linked.health {
        Health::Suspect { rejections, .. } => {
            let wait = schedule::after_rejection(rejections.saturating_add(1));
            return (linked.health, later(at.now, wait));
        }
        Health::Unconfirmed { attempts, .. } => attempts.saturating_add(1),
        _ => 1,
    };
    let plan = at.policy.after_unconfirmed(attempts, at.now, access_ends(linked));
    (Health::Unconfirmed { attempts, ended_at: at.now, next: plan.next }, plan.at)
}

fn access_ends(linked: &Linked) -> Timestamp {
    if linked.access_refused { Timestamp::MIN } else { linked.access_expires_at }
}

/// A refused access token says that the refresh was carried out and its answer is lost: the refresh token is
/// suspected, and asked again as after a refusal. An accepted one says, when it is late enough, that it was not.
fn probed(ended_at: Timestamp, attempts: u32, accepted: bool, at: Circumstances) -> (Health, Timestamp) {
    if !accepted {
        let health = Health::Suspect { rejections: 0, first_rejected_at: at.now };
        return (health, later(at.now, schedule::after_rejection(0)));
    }
    let plan = at.policy.after_acceptance(ended_at, at.now);
    (Health::Unconfirmed { attempts, ended_at, next: plan.next }, plan.at)
}

fn rejected(linked: &Linked, now: Timestamp) -> (Health, Timestamp) {
    let (before, first_rejected_at) = match linked.health {
        Health::Suspect { rejections, first_rejected_at } => (rejections, first_rejected_at),
        _ => (0, now),
    };
    let rejections = before.saturating_add(1);
    if schedule::is_over(rejections, first_rejected_at, now, linked.is_access_live(now)) {
        return (Health::Lost(why_lost(linked, now)), now);
    }
    let health = Health::Suspect { rejections, first_rejected_at };
    (health, later(now, schedule::after_rejection(rejections)))
}

/// The age alone ends nothing: a clock that is wrong by years must not cost a connection that Keap still accepts.
fn why_lost(linked: &Linked, now: Timestamp) -> LostReason {
    if now >= later(linked.refresh_issued_at, schedule::REFRESH_LIFE) {
        return LostReason::Expired;
    }
    LostReason::Rejected
}

/// A refresh is due at once, unless there is trouble already with its own schedule.
fn access_refused(linked: &Linked, now: Timestamp) -> Linked {
    let at_once = matches!(linked.health, Health::Well);
    Linked {
        access_refused: true,
        refresh_at: if at_once { now.min(linked.refresh_at) } else { linked.refresh_at },
        ..linked.clone()
    }
}

#[cfg(test)]
mod pairs;

#[cfg(test)]
mod tests;
