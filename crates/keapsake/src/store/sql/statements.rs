//! What is said to a database: one text for both.

use jiff::Timestamp;
use uuid::Uuid;

use super::super::{Identity, Sealed, SealedPair, StoreError, Tokens, WrappedKeys, Write};
use super::Engine;
use super::rows::unreadable;
use super::step::Step;
use crate::connection::ConnectionId;
use crate::connection::flow::Flow;
use crate::connection::history::{Ending, Entry, Kind};
use crate::connection::record::{Position, Record};
use crate::store::Revision;

/// This many entries of a connection's history are kept.
pub(crate) const HISTORY_KEPT: usize = 500;

pub(crate) const IDENTITY: &str =
    "SELECT i.deployment, i.incarnation, i.keys_revision, k.number, k.key_ct, k.created_at
    FROM keapsake_identity i LEFT JOIN keapsake_data_key k ON 1 = 1 ORDER BY k.place";
const ADD_IDENTITY: &str = "INSERT INTO keapsake_identity (only_row, deployment, incarnation, keys_revision)
    VALUES (1, $1, $2, $3) ON CONFLICT DO NOTHING";
pub(crate) const SETTLE: &str = "UPDATE keapsake_identity SET incarnation = $1";
const MOVE_KEYS: &str = "UPDATE keapsake_identity SET keys_revision = $2 WHERE keys_revision = $1";
const DROP_KEYS: &str = "DELETE FROM keapsake_data_key";
const ADD_KEY: &str =
    "INSERT INTO keapsake_data_key (number, place, key_ct, created_at) VALUES ($1, $2, $3, $4)";

pub(crate) const LOAD: &str =
    "SELECT record, access_ct, refresh_ct, revision FROM keapsake_connection WHERE id = $1";
const ADD_CONNECTION: &str =
    "INSERT INTO keapsake_connection (id, revision, lineage, generation, record, due_at)
    VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
const WRITE_CONNECTION: &str = "UPDATE keapsake_connection
    SET revision = $2, lineage = $3, generation = $4, record = $5, due_at = $6 WHERE id = $1 AND revision = $7";
const WRITE_TOKENS: &str = "UPDATE keapsake_connection SET access_ct = $2, refresh_ct = $3 WHERE id = $1";
pub(crate) const DUE: &str = "SELECT id, due_at FROM keapsake_connection
    WHERE due_at IS NOT NULL ORDER BY due_at, id LIMIT $1";
pub(crate) const CONNECTIONS: &str = "SELECT id FROM keapsake_connection WHERE id > $1 ORDER BY id LIMIT $2";

pub(crate) const RELEASE: &str = "UPDATE keapsake_connection SET lease_owner = NULL, lease_until = NULL
    WHERE id = $1 AND lease_owner = $2";
pub(crate) const RELEASE_ALL: &str = "UPDATE keapsake_connection SET lease_owner = NULL, lease_until = NULL
    WHERE lease_owner = $1";

const BEGIN_ENTRY: &str = "INSERT INTO keapsake_history
      (id, connection, kind, lineage, generation, started_at, ended_at, outcome, words)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    ON CONFLICT (connection, lineage, generation) WHERE kind = 'refresh' AND outcome IS NULL DO NOTHING";
/// Changes nothing, but whoever wants to move the connection on waits until the entry is there.
const HOLD_AT: &str = "UPDATE keapsake_connection SET revision = revision
    WHERE id = $1 AND lineage = $2 AND generation = $3";
const FORGET_ENTRIES: &str = "DELETE FROM keapsake_history
    WHERE connection = $1 AND outcome IS NOT NULL AND seq <=
      (SELECT seq FROM keapsake_history WHERE connection = $1 ORDER BY seq DESC LIMIT 1 OFFSET $2)";
const END_ENTRY: &str = "UPDATE keapsake_history SET ended_at = $3, outcome = $4, words = $5
    WHERE id = $2 AND connection = $1 AND outcome IS NULL";
pub(crate) const OPEN_ENTRIES: &str =
    "SELECT id, kind, lineage, generation, started_at, ended_at, outcome, words
    FROM keapsake_history WHERE connection = $1 AND outcome IS NULL ORDER BY seq";
pub(crate) const HISTORY: &str = "SELECT id, kind, lineage, generation, started_at, ended_at, outcome, words
    FROM keapsake_history WHERE connection = $1 ORDER BY seq DESC LIMIT $2";

const FORGET_FLOWS: &str = "DELETE FROM keapsake_flow WHERE expires_at <= $1";
const ADD_FLOW: &str = "INSERT INTO keapsake_flow
      (state_digest, connection, browser_digest, started_by, switch_account, verifier_ct, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7)";
pub(crate) const PEEK_FLOW: &str = "SELECT * FROM keapsake_flow WHERE state_digest = $1 AND connection = $2";
pub(crate) const TAKE_FLOW: &str =
    "DELETE FROM keapsake_flow WHERE state_digest = $1 AND connection = $2 RETURNING *";

pub(crate) const RAISE: &str =
    "INSERT INTO keapsake_alarm (connection, condition, raised_at) VALUES ($1, $2, $3)
    ON CONFLICT DO NOTHING";
pub(crate) const CLEAR: &str = "DELETE FROM keapsake_alarm WHERE connection = $1 AND condition = $2";
pub(crate) const RAISED: &str =
    "SELECT condition, raised_at FROM keapsake_alarm WHERE connection = $1 ORDER BY condition";

/// All of them but those that tell the time, for a test to prepare.
#[cfg(test)]
pub(crate) const ALL: [&str; 27] = [
    IDENTITY,
    ADD_IDENTITY,
    SETTLE,
    MOVE_KEYS,
    DROP_KEYS,
    ADD_KEY,
    LOAD,
    ADD_CONNECTION,
    WRITE_CONNECTION,
    WRITE_TOKENS,
    DUE,
    CONNECTIONS,
    RELEASE,
    RELEASE_ALL,
    BEGIN_ENTRY,
    HOLD_AT,
    FORGET_ENTRIES,
    END_ENTRY,
    OPEN_ENTRIES,
    HISTORY,
    FORGET_FLOWS,
    ADD_FLOW,
    PEEK_FLOW,
    TAKE_FLOW,
    RAISE,
    CLEAR,
    RAISED,
];

/// The statements that need the time; each database has its own word for it.
macro_rules! on_time {
    ($now:literal) => {
        /// Gives a lease that is free, over, one's own, or absurd: further ahead than any lease is given for, which
        /// happens when the machine's clock was moved back.
        const LEASE: &'static str = concat!(
            "UPDATE keapsake_connection SET lease_owner = $2, lease_until = ",
            $now,
            " + $3 WHERE id = $1 AND (lease_owner IS NULL OR lease_owner = $2 OR lease_until <= ",
            $now,
            " OR lease_until > $4 + ",
            $now,
            ")"
        );
        /// How long a lease lasts.
        const LEASE_LEFT: &'static str = concat!(
            "SELECT COALESCE(lease_until - ",
            $now,
            ", 0) AS left_ms FROM keapsake_connection WHERE id = $1"
        );
    };
}
pub(crate) use on_time;

pub(crate) fn identify(identity: &Identity) -> Result<Vec<Step>, StoreError> {
    let row = Step::fence(ADD_IDENTITY)
        .bind(&*identity.deployment.to_string())
        .bind(&*identity.incarnation)
        .bind_number(identity.keys.revision.0)?;
    Ok([row].into_iter().chain(add_keys(&identity.keys)).collect())
}

pub(crate) fn swap_keys(expected: Revision, keys: &WrappedKeys) -> Result<Vec<Step>, StoreError> {
    let moved = Step::fence(MOVE_KEYS).bind_number(expected.0)?.bind_number(expected.next().0)?;
    Ok([moved, Step::new(DROP_KEYS)].into_iter().chain(add_keys(keys)).collect())
}

fn add_keys(keys: &WrappedKeys) -> impl Iterator<Item = Step> {
    (0_i64..).zip(&keys.keys).map(|(place, key)| {
        Step::new(ADD_KEY)
            .bind(i64::from(key.number))
            .bind(place)
            .bind(key.sealed.as_bytes())
            .bind(key.created_at.as_millisecond())
    })
}

/// A write of a connection, then whatever this database does to tell other processes.
pub(crate) fn swap<E: Engine>(
    id: &ConnectionId,
    expected: Option<Revision>,
    write: &Write,
) -> Result<Vec<Step>, StoreError> {
    let mut steps = vec![write_record(id, expected, &write.record)?];
    match &write.tokens {
        Tokens::Keep => {}
        Tokens::Replace(pair) => steps.push(write_tokens(id, Some(pair))),
        Tokens::Erase => steps.push(write_tokens(id, None)),
    }
    steps.extend(write.ends.as_ref().map(|(entry, ending)| end_entry(id, *entry, ending)));
    steps.extend(E::TELL.map(Step::new));
    Ok(steps)
}

fn write_record(id: &ConnectionId, expected: Option<Revision>, record: &Record) -> Result<Step, StoreError> {
    let (statement, next) = match expected {
        None => (ADD_CONNECTION, Revision::FIRST),
        Some(revision) => (WRITE_CONNECTION, revision.next()),
    };
    let text = serde_json::to_string(record).map_err(|_| unreadable("record"))?;
    let step = Step::fence(statement)
        .bind(id.as_str())
        .bind_number(next.0)?
        .bind_number(record.position.lineage)?
        .bind_number(record.position.generation)?
        .bind(&*text)
        .bind(record.due_at().map(Timestamp::as_millisecond));
    match expected {
        None => Ok(step),
        Some(revision) => step.bind_number(revision.0),
    }
}

fn write_tokens(id: &ConnectionId, pair: Option<&SealedPair>) -> Step {
    Step::new(WRITE_TOKENS)
        .bind(id.as_str())
        .bind(pair.map(|pair| pair.access.as_bytes()))
        .bind(pair.map(|pair| pair.refresh.as_bytes()))
}

pub(crate) fn begin(id: &ConnectionId, entry: &Entry) -> Result<Vec<Step>, StoreError> {
    let ending = entry.ending.as_ref();
    let begun = Step::fence(BEGIN_ENTRY)
        .bind(&*entry.id.to_string())
        .bind(id.as_str())
        .bind(entry.kind.as_str())
        .bind_number(entry.position.lineage)?
        .bind_number(entry.position.generation)?
        .bind(entry.started_at.as_millisecond())
        .bind(ending.map(|ending| ending.at.as_millisecond()))
        .bind(ending.map(|ending| ending.outcome.as_str()))
        .bind(ending.map(|ending| ending.words.as_str()));
    let trimmed = Step::new(FORGET_ENTRIES).bind(id.as_str()).bind_number(HISTORY_KEPT as u64)?;
    let mut steps = Vec::with_capacity(3);
    if entry.kind == Kind::Refresh && entry.ending.is_none() {
        steps.push(hold_at(id, entry.position)?);
    }
    steps.extend([begun, trimmed]);
    Ok(steps)
}

fn hold_at(id: &ConnectionId, at: Position) -> Result<Step, StoreError> {
    Step::fence(HOLD_AT).bind(id.as_str()).bind_number(at.lineage)?.bind_number(at.generation)
}

pub(crate) fn end_entry(id: &ConnectionId, entry: Uuid, ending: &Ending) -> Step {
    Step::new(END_ENTRY)
        .bind(id.as_str())
        .bind(&*entry.to_string())
        .bind(ending.at.as_millisecond())
        .bind(ending.outcome.as_str())
        .bind(&*ending.words)
}

pub(crate) fn add_flow(id: &ConnectionId, flow: &Flow, now: Timestamp) -> Vec<Step> {
    let added = Step::new(ADD_FLOW)
        .bind(&flow.state_digest[..])
        .bind(id.as_str())
        .bind(&flow.browser_digest[..])
        .bind(&*flow.started_by)
        .bind(i64::from(flow.switch_account))
        .bind(flow.verifier.as_ref().map(Sealed::as_bytes))
        .bind(flow.expires_at.as_millisecond());
    vec![Step::new(FORGET_FLOWS).bind(now.as_millisecond()), added]
}
