//! What a database says, read back.

use super::super::{
    Due, Identity, Revision, Sealed, SealedPair, StoreError, Stored, WrappedKey, WrappedKeys,
};
use crate::clock::from_millis;
use crate::connection::ConnectionId;
use crate::connection::flow::Flow;
use crate::connection::history::{Ending, Entry, Kind, Outcome};
use crate::connection::record::Position;

/// The columns of a row, by the three kinds that both databases have.
pub trait Columns {
    fn maybe_text(&self, column: &'static str) -> Result<Option<String>, StoreError>;
    fn maybe_integer(&self, column: &'static str) -> Result<Option<i64>, StoreError>;
    fn maybe_bytes(&self, column: &'static str) -> Result<Option<Vec<u8>>, StoreError>;

    fn text(&self, column: &'static str) -> Result<String, StoreError> {
        self.maybe_text(column)?.ok_or_else(|| unreadable(column))
    }

    fn integer(&self, column: &'static str) -> Result<i64, StoreError> {
        self.maybe_integer(column)?.ok_or_else(|| unreadable(column))
    }

    fn bytes(&self, column: &'static str) -> Result<Vec<u8>, StoreError> {
        self.maybe_bytes(column)?.ok_or_else(|| unreadable(column))
    }

    fn number(&self, column: &'static str) -> Result<u64, StoreError> {
        u64::try_from(self.integer(column)?).map_err(|_| unreadable(column))
    }

    fn digest(&self, column: &'static str) -> Result<[u8; 32], StoreError> {
        self.bytes(column)?.try_into().map_err(|_| unreadable(column))
    }
}

/// One row for each data key, or a single one without.
pub(crate) fn read_identity<R: Columns>(rows: &[R]) -> Result<Option<Identity>, StoreError> {
    let Some(first) = rows.first() else { return Ok(None) };
    let keys = rows.iter().filter_map(|row| read_key(row).transpose());
    Ok(Some(Identity {
        deployment: first.text("deployment")?.parse().map_err(|_| unreadable("deployment"))?,
        incarnation: first.text("incarnation")?,
        keys: WrappedKeys {
            revision: Revision(first.number("keys_revision")?),
            keys: keys.collect::<Result<_, _>>()?,
        },
    }))
}

fn read_key(row: &impl Columns) -> Result<Option<WrappedKey>, StoreError> {
    let Some(number) = row.maybe_integer("number")? else { return Ok(None) };
    Ok(Some(WrappedKey {
        number: number.try_into().map_err(|_| unreadable("number"))?,
        sealed: Sealed::from_stored(row.bytes("key_ct")?),
        created_at: from_millis(row.integer("created_at")?),
    }))
}

pub(crate) fn read_stored(row: &impl Columns) -> Result<Stored, StoreError> {
    let pair = row.maybe_bytes("access_ct")?.zip(row.maybe_bytes("refresh_ct")?);
    Ok(Stored {
        record: serde_json::from_str(&row.text("record")?).map_err(|_| unreadable("record"))?,
        tokens: pair.map(|(access, refresh)| SealedPair {
            access: Sealed::from_stored(access),
            refresh: Sealed::from_stored(refresh),
        }),
        revision: Revision(row.number("revision")?),
    })
}

pub(crate) fn read_id(row: &impl Columns) -> Result<ConnectionId, StoreError> {
    ConnectionId::new(&row.text("id")?).ok_or_else(|| unreadable("id"))
}

pub(crate) fn read_due(row: &impl Columns) -> Result<Due, StoreError> {
    Ok(Due { connection: read_id(row)?, at: from_millis(row.integer("due_at")?) })
}

pub(crate) fn read_entry(row: &impl Columns) -> Result<Entry, StoreError> {
    Ok(Entry {
        id: row.text("id")?.parse().map_err(|_| unreadable("id"))?,
        kind: Kind::from_word(&row.text("kind")?).ok_or_else(|| unreadable("kind"))?,
        position: Position { lineage: row.number("lineage")?, generation: row.number("generation")? },
        started_at: from_millis(row.integer("started_at")?),
        ending: read_ending(row)?,
    })
}

fn read_ending(row: &impl Columns) -> Result<Option<Ending>, StoreError> {
    let Some(at) = row.maybe_integer("ended_at")? else { return Ok(None) };
    Ok(Some(Ending {
        at: from_millis(at),
        outcome: Outcome::from_word(&row.text("outcome")?).ok_or_else(|| unreadable("outcome"))?,
        words: row.text("words")?,
    }))
}

pub(crate) fn read_flow(row: &impl Columns) -> Result<Flow, StoreError> {
    Ok(Flow {
        state_digest: row.digest("state_digest")?,
        browser_digest: row.digest("browser_digest")?,
        started_by: row.text("started_by")?,
        switch_account: row.integer("switch_account")? != 0,
        verifier: row.maybe_bytes("verifier_ct")?.map(Sealed::from_stored),
        expires_at: from_millis(row.integer("expires_at")?),
    })
}

pub(crate) fn read_alarm(row: &impl Columns) -> Result<(String, jiff::Timestamp), StoreError> {
    Ok((row.text("condition")?, from_millis(row.integer("raised_at")?)))
}

pub(crate) fn unreadable(what: &str) -> StoreError {
    StoreError::new(format!(
        "`{what}` in the database holds something this version does not know; it was changed by hand or by a newer \
         version. Run the newer version, or put a backup back"
    ))
}
