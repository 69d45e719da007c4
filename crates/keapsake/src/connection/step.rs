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
            link: Link::Linked(Linked { health: Health::Well, health_since: now, refresh_at: now, ..linked.clone() }),
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
        (Health::Lost(_), _) => return linked.clone(),
        (Health::Restored(_), _) => return linked.clone(),
        (_, Event::Restored(reason)) => (Health::Restored(*reason), now),
        (_, Event::NotSent { retry_after }) => not_sent(linked.health, *retry_after, at),
        (_, Event::Unconfirmed) => unconfirmed(linked, at),
        (Health::Unconfirmed { ended_at, attempts, .. }, Event::Probed { accepted }) => {
            probed(ended_at, attempts, *accepted, at)
        }
        (_, Event::Rejected) => rejected(linked, now),
        (_, Event::Misconfigured) => (Health::Misconfigured, later(now, schedule::AFTER_MISCONFIGURED)),
        (_, Event::AccessRefused) => return access_refused(linked, now),
        // New settings deserve a new try at once; a person's wish does, unless a request may still be on its way.
        (Health::Misconfigured, Event::Started) => (Health::Misconfigured, now),
        (Health::Unconfirmed { .. }, Event::Asked) => return linked.clone(),
        (health, Event::Asked) => (health, now),
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
    let wait = retry_after.unwrap_or_default().max(schedule::after_unreached(attempts, at.dice));
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
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_hours(24);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn circumstances(seconds: i64, dice: Dice) -> Circumstances {
        Circumstances { now: at(seconds), dice, policy: Policy::Unmeasured }
    }

    const FIRST: Position = Position { lineage: 1, generation: 1 };

    fn acme() -> Account {
        Account { host: Some("acme.infusionsoft.com".into()), name: None }
    }

    fn connected() -> Record {
        let event = Event::Authorized { lineage: 1, started_at: at(0), life: DAY, account: acme() };
        step(None, &event, circumstances(1, 600_000)).unwrap()
    }

    fn linked(record: &Record) -> &Linked {
        let Link::Linked(linked) = &record.link else { panic!("{record:?}") };
        linked
    }

    fn after(record: &Record, event: &Event, seconds: i64) -> Record {
        step(Some(record), event, circumstances(seconds, 0)).unwrap()
    }

    fn all_events() -> Vec<Event> {
        vec![
            Event::Refreshed { spent: FIRST, started_at: at(5), life: DAY, rotated: true },
            Event::NotSent { retry_after: None },
            Event::Unconfirmed,
            Event::Rejected,
            Event::Misconfigured,
            Event::AccessRefused,
            Event::Named(acme()),
            Event::Disconnected,
            Event::Started,
        ]
    }

    #[test]
    fn authorizing_starts_lineage_one_generation_one() {
        let record = connected();
        assert_eq!(record.position, Position { lineage: 1, generation: 1 });
        assert_eq!(linked(&record).access_expires_at, at(86_400));
        assert_eq!(linked(&record).health, Health::Well);
    }

    #[test]
    fn without_a_connection_only_authorizing_matters() {
        for event in all_events() {
            assert_eq!(step(None, &event, circumstances(0, 0)), None, "{event:?}");
        }
    }

    #[test]
    fn a_refresh_moves_one_generation_on_and_forgets_all_trouble() {
        for trouble in [Event::Unconfirmed, Event::Rejected, Event::Misconfigured, Event::AccessRefused] {
            let troubled = after(&connected(), &trouble, 10);
            let event = Event::Refreshed { spent: FIRST, started_at: at(20), life: DAY, rotated: true };
            let refreshed = after(&troubled, &event, 21);
            assert_eq!(refreshed.position, Position { lineage: 1, generation: 2 });
            assert_eq!(linked(&refreshed).health, Health::Well);
            assert!(!linked(&refreshed).access_refused);
            assert_eq!(linked(&refreshed).refresh_issued_at, at(20));
            assert_eq!(linked(&refreshed).connected_at, at(1));
        }
    }

    #[test]
    fn a_kept_refresh_token_keeps_its_age() {
        let event = Event::Refreshed { spent: FIRST, started_at: at(20), life: DAY, rotated: false };
        assert_eq!(linked(&after(&connected(), &event, 21)).refresh_issued_at, at(0));
    }

    #[test]
    fn transient_trouble_never_ends_a_connection() {
        let mut record = connected();
        for n in 0..5_000 {
            let event = if n % 3 == 0 { Event::NotSent { retry_after: None } } else { Event::Unconfirmed };
            record = after(&record, &event, n * 60);
            assert!(!matches!(linked(&record).health, Health::Lost(_)));
            assert!(linked(&record).refresh_at > at(n * 60));
        }
    }

    #[test]
    fn refusals_over_half_an_hour_end_it() {
        let mut record = connected();
        for (seconds, next) in [(0, 30), (30, 330), (330, 2130)] {
            record = after(&record, &Event::Rejected, seconds);
            assert!(matches!(linked(&record).health, Health::Suspect { .. }), "{seconds}");
            assert_eq!(linked(&record).refresh_at, at(next));
        }
        record = after(&record, &Event::Rejected, 2130);
        assert_eq!(linked(&record).health, Health::Lost(LostReason::Rejected));
    }

    #[test]
    fn a_revoked_grant_is_noticed_within_a_minute() {
        // Keap refuses the access token, then twice the refresh token.
        let mut record = after(&connected(), &Event::AccessRefused, 100);
        assert_eq!(linked(&record).refresh_at, at(100));
        record = after(&record, &Event::Rejected, 101);
        assert_eq!(linked(&record).refresh_at, at(131));
        record = after(&record, &Event::Rejected, 131);
        assert_eq!(linked(&record).health, Health::Lost(LostReason::Rejected));
    }

    #[test]
    fn an_api_refusal_does_not_hurry_a_troubled_connection() {
        let suspect = after(&connected(), &Event::Rejected, 100);
        let refused = after(&suspect, &Event::AccessRefused, 101);
        assert_eq!(linked(&refused).refresh_at, linked(&suspect).refresh_at);
    }

    #[test]
    fn a_lost_or_disconnected_connection_is_not_resurrected() {
        let suspect = after(&after(&connected(), &Event::AccessRefused, 8), &Event::Rejected, 9);
        let lost = after(&suspect, &Event::Rejected, 10);
        let gone = after(&connected(), &Event::Disconnected, 10);
        assert_eq!(gone.position, Position { lineage: 2, generation: 1 });
        for event in all_events() {
            if !matches!(event, Event::Disconnected | Event::Refreshed { .. }) {
                assert_eq!(linked(&after(&lost, &event, 20)).health, Health::Lost(LostReason::Rejected));
            }
            assert!(matches!(after(&gone, &event, 20).link, Link::Disconnected { .. }), "{event:?}");
        }
    }

    #[test]
    fn a_wait_asked_for_by_keap_is_kept() {
        let event = Event::NotSent { retry_after: Some(Duration::from_mins(5)) };
        assert_eq!(linked(&after(&connected(), &event, 10)).refresh_at, at(310));
    }

    #[test]
    fn new_settings_are_tried_at_once() {
        let broken = after(&connected(), &Event::Misconfigured, 10);
        assert_eq!(linked(&broken).refresh_at, at(910));
        let started = after(&broken, &Event::Started, 20);
        assert_eq!(linked(&started).refresh_at, at(20));
    }
}
