//! One record of each kind, and every event.

use std::time::Duration;

use jiff::Timestamp;
use keapsake::clock::later;
use keapsake::connection::policy::Policy;
use keapsake::connection::record::{
    Account, Health, Link, Linked, LostReason, Next, Position, Record, RestoredReason,
};
use keapsake::connection::step::{Circumstances, Event};

/// A record with its name.
#[derive(Debug, Clone)]
pub struct Sample {
    /// As the page calls it.
    pub name: &'static str,
    /// `None`: there never was a connection.
    pub record: Option<Record>,
}

/// An event with its name.
#[derive(Debug, Clone)]
pub struct Named {
    /// As the page calls it.
    pub name: String,
    /// What happens.
    pub event: Event,
}

/// The pair of every sample.
pub const POSITION: Position = Position { lineage: 1, generation: 4 };

const LIFE: Duration = Duration::from_hours(24);

/// The time of every event: 30 minutes after a full hour, so that no due time is moved away from one.
pub fn now() -> Timestamp {
    later(Timestamp::UNIX_EPOCH, 20_000 * LIFE + Duration::from_mins(630))
}

/// What every event draws on.
pub fn circumstances(policy: Policy) -> Circumstances {
    Circumstances { now: now(), dice: 0, policy }
}

fn ago(span: Duration) -> Timestamp {
    now().checked_sub(span).unwrap_or(Timestamp::MIN)
}

/// One record of each kind; the access token lives for another three hours, and something is due in 50 seconds.
pub fn samples() -> Vec<Sample> {
    let unconfirmed = |next| Health::Unconfirmed { attempts: 1, ended_at: ago(Duration::from_mins(1)), next };
    let suspect = |rejections, minutes| Health::Suspect {
        rejections,
        first_rejected_at: ago(Duration::from_mins(minutes)),
    };
    let disconnected = Link::Disconnected { since: ago(LIFE) };
    let linked = |name, health| Sample { name, record: Some(record(Link::Linked(with(health)))) };
    vec![
        Sample { name: "NotConnected", record: None },
        linked("Well", Health::Well),
        linked("Unreached", Health::Unreached { attempts: 1 }),
        linked("Unconfirmed (retry)", unconfirmed(Next::Retry)),
        linked("Unconfirmed (probe)", unconfirmed(Next::Probe)),
        linked("Suspect", suspect(1, 1)),
        linked("Suspect (at last)", suspect(2, 36)),
        linked("Misconfigured", Health::Misconfigured),
        linked("Restored", Health::Restored(RestoredReason::Older)),
        linked("Lost", Health::Lost(LostReason::Rejected)),
        Sample { name: "Disconnected", record: Some(record(disconnected)) },
    ]
}

fn record(link: Link) -> Record {
    Record { position: POSITION, account: Account::default(), link }
}

fn with(health: Health) -> Linked {
    let issued = ago(Duration::from_hours(21));
    Linked {
        connected_at: ago(4 * LIFE),
        access_issued_at: issued,
        access_expires_at: later(issued, LIFE),
        access_refused: false,
        refresh_issued_at: issued,
        refresh_at: later(now(), Duration::from_secs(50)),
        health,
        health_since: issued,
    }
}

/// Every event; those that depend on more than the record, in each way.
pub fn events() -> Vec<Named> {
    let before = Position { generation: POSITION.generation - 1, ..POSITION };
    let refreshed = |spent| Event::Refreshed { spent, started_at: now(), life: LIFE, rotated: true };
    let acme = Account { host: Some("acme.infusionsoft.com".into()), name: None };
    let asked_to_wait = Event::NotSent { retry_after: Some(Duration::from_mins(5)) };
    let events = [
        ("", Event::Authorized { lineage: 2, started_at: now(), life: LIFE, account: Account::default() }),
        ("", refreshed(POSITION)),
        (" (an older pair)", refreshed(before)),
        ("", Event::NotSent { retry_after: None }),
        (" (wait 5 min)", asked_to_wait),
        ("", Event::Unconfirmed),
        (" (accepted)", Event::Probed { accepted: true }),
        (" (refused)", Event::Probed { accepted: false }),
        ("", Event::Rejected),
        ("", Event::Misconfigured),
        ("", Event::AccessRefused),
        ("", Event::Restored(RestoredReason::Older)),
        ("", Event::Adopted { lineage: 7 }),
        ("", Event::Asked),
        ("", Event::Misdated),
        ("", Event::Named(acme)),
        ("", Event::Disconnected),
        ("", Event::Started),
    ];
    events.into_iter().map(|(more, event)| Named { name: format!("{}{more}", name(&event)), event }).collect()
}

/// What kind of event it is. A new one does not compile until it has a name here; then give it a place in [`events`].
pub fn name(event: &Event) -> &'static str {
    match event {
        Event::Authorized { .. } => "Authorized",
        Event::Refreshed { .. } => "Refreshed",
        Event::NotSent { .. } => "NotSent",
        Event::Unconfirmed => "Unconfirmed",
        Event::Probed { .. } => "Probed",
        Event::Rejected => "Rejected",
        Event::Misconfigured => "Misconfigured",
        Event::AccessRefused => "AccessRefused",
        Event::Restored(_) => "Restored",
        Event::Adopted { .. } => "Adopted",
        Event::Asked => "Asked",
        Event::Misdated => "Misdated",
        Event::Named(_) => "Named",
        Event::Disconnected => "Disconnected",
        Event::Started => "Started",
    }
}

/// What kind of record it is.
pub fn state(record: Option<&Record>) -> &'static str {
    let Some(record) = record else { return "NotConnected" };
    let Link::Linked(linked) = &record.link else { return "Disconnected" };
    match linked.health {
        Health::Well => "Well",
        Health::Unreached { .. } => "Unreached",
        Health::Unconfirmed { next: Next::Retry, .. } => "Unconfirmed (retry)",
        Health::Unconfirmed { next: Next::Probe, .. } => "Unconfirmed (probe)",
        Health::Suspect { .. } => "Suspect",
        Health::Misconfigured => "Misconfigured",
        Health::Restored(_) => "Restored",
        Health::Lost(_) => "Lost",
    }
}
