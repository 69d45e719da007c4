//! What the tests write.

use jiff::Timestamp;
use uuid::Uuid;

use crate::connection::ConnectionId;
use crate::connection::flow::Flow;
use crate::connection::history::{Ending, Entry, Kind, Outcome};
use crate::connection::record::{Account, Health, Link, Linked, Position, Record};
use crate::store::{Identity, Revision, Sealed, SealedPair, Tokens, WrappedKey, WrappedKeys, Write};

pub(super) fn id(name: &str) -> ConnectionId {
    ConnectionId::new(name).unwrap_or_else(ConnectionId::main)
}

pub(super) fn time(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap_or(Timestamp::UNIX_EPOCH)
}

pub(super) fn sealed(fill: u8) -> Sealed {
    Sealed::from_stored(vec![fill; 60])
}

pub(super) fn pair(fill: u8) -> SealedPair {
    SealedPair { access: sealed(fill), refresh: sealed(fill.wrapping_add(100)) }
}

pub(super) fn identity(number: u128) -> Identity {
    let keys = WrappedKeys { revision: Revision::FIRST, keys: vec![key(1)] };
    Identity { deployment: Uuid::from_u128(number), incarnation: format!("copy {number}"), keys }
}

pub(super) fn key(number: u8) -> WrappedKey {
    WrappedKey { number: u32::from(number), sealed: sealed(number), created_at: time(i64::from(number)) }
}

/// With a health that has something to remember.
pub(super) fn record(lineage: u64, generation: u64) -> Record {
    let linked = Linked {
        connected_at: time(0),
        access_issued_at: time(0),
        access_expires_at: time(86_400),
        access_refused: false,
        refresh_issued_at: time(0),
        refresh_at: time(75_600),
        health: Health::Suspect { rejections: 1, first_rejected_at: time(5) },
        health_since: time(5),
    };
    let account = Account { host: Some("acme.infusionsoft.com".into()), name: None };
    Record { position: Position { lineage, generation }, account, link: Link::Linked(linked) }
}

/// One that is due at this time.
pub(super) fn due_record(at: Timestamp) -> Record {
    let mut record = record(1, 1);
    if let Link::Linked(linked) = &mut record.link {
        linked.refresh_at = at;
    }
    record
}

/// One that is never due.
pub(super) fn disconnected_record() -> Record {
    Record { link: Link::Disconnected { since: time(9) }, ..record(2, 1) }
}

pub(super) fn write(lineage: u64, generation: u64, tokens: Tokens) -> Write {
    Write { record: record(lineage, generation), tokens, ends: None }
}

pub(super) fn write_of(record: Record) -> Write {
    Write { record, tokens: Tokens::Keep, ends: None }
}

/// An open refresh of a pair, with an id of its own.
pub(super) fn refresh(number: u128, generation: u64) -> Entry {
    Entry {
        id: Uuid::from_u128(number),
        kind: Kind::Refresh,
        position: Position { lineage: 1, generation },
        started_at: time(1),
        ending: None,
    }
}

pub(super) fn ending(words: &str) -> Ending {
    Ending { at: time(2), outcome: Outcome::Done, words: words.into() }
}

pub(super) fn ended(mut entry: Entry, words: &str) -> Entry {
    entry.ending = Some(ending(words));
    entry
}

pub(super) fn flow(fill: u8, ends: i64) -> Flow {
    Flow {
        state_digest: [fill; 32],
        browser_digest: [fill.wrapping_add(1); 32],
        started_by: "session".into(),
        switch_account: true,
        verifier: Some(sealed(fill)),
        expires_at: time(ends),
    }
}
