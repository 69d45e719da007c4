//! What is written down, and how it is put into bytes before they are sealed.
//!
//! A payload is one line of JSON; an answer's body follows it as it came.

use std::fmt;

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::connection::ConnectionId;
use crate::connection::record::Position;

/// One request for a new pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Of which connection.
    pub connection: ConnectionId,
    /// The pair that it spends.
    pub position: Position,
    /// Its entry in the history, which names it.
    pub entry: Uuid,
    /// When it was started.
    pub started_at: Timestamp,
}

/// One line of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// A request is about to be sent.
    Intent(Attempt),
    /// Its answer came.
    Answer(Answer),
    /// It ended without a pair (it was not sent, or refused): there is nothing to replay.
    Closed {
        /// The attempt.
        entry: Uuid,
    },
    /// The store holds this position now; answers to requests that spent an earlier one are of no use any more.
    Committed {
        /// Of which connection.
        connection: ConnectionId,
        /// The position.
        position: Position,
    },
}

/// The raw answer to a request: what it takes to read it again exactly as the first time.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    /// To which request.
    pub attempt: Attempt,
    /// The HTTP status.
    pub status: u16,
    /// The body as it came. It has tokens in it.
    pub body: Bytes,
}

impl fmt::Debug for Answer {
    /// Without the body.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("attempt", &self.attempt)
            .field("status", &self.status)
            .field("body", &format_args!("{} bytes", self.body.len()))
            .finish()
    }
}

impl Record {
    /// The bytes to seal.
    pub(super) fn encode(&self) -> Zeroizing<Vec<u8>> {
        let body = match self {
            Self::Answer(answer) => &answer.body[..],
            _ => &[],
        };
        let line = Line::of(self);
        // Long enough from the start: growing would leave copies of tokens in memory.
        let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST_LINE + body.len()));
        line.write(&mut bytes);
        bytes.push(b'\n');
        bytes.extend_from_slice(body);
        bytes
    }

    /// `None` when these bytes were not written by [`encode`](Self::encode).
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let end = bytes.iter().position(|byte| *byte == b'\n')?;
        let (line, body) = (bytes.get(..end)?, bytes.get(end + 1..)?);
        let line: Line = serde_json::from_slice(line).ok()?;
        line.into_record(Bytes::copy_from_slice(body))
    }
}

/// No line is longer.
pub(super) const LONGEST_LINE: usize = 512;

#[derive(Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case")]
enum Line {
    Intent(Request),
    Answer {
        #[serde(flatten)]
        request: Request,
        status: u16,
    },
    Closed {
        entry: Uuid,
    },
    Committed {
        connection: String,
        position: Position,
    },
}

#[derive(Serialize, Deserialize)]
struct Request {
    connection: String,
    position: Position,
    entry: Uuid,
    started_at: Timestamp,
}

impl Line {
    fn of(record: &Record) -> Self {
        match record {
            Record::Intent(attempt) => Self::Intent(Request::of(attempt)),
            Record::Answer(answer) => {
                Self::Answer { request: Request::of(&answer.attempt), status: answer.status }
            }
            Record::Closed { entry } => Self::Closed { entry: *entry },
            Record::Committed { connection, position } => {
                Self::Committed { connection: connection.as_str().to_owned(), position: *position }
            }
        }
    }

    #[expect(
        clippy::expect_used,
        reason = "strings, numbers and ids always become JSON, and memory takes them"
    )]
    fn write(&self, bytes: &mut Vec<u8>) {
        serde_json::to_writer(bytes, self).expect("a line becomes JSON");
    }

    fn into_record(self, body: Bytes) -> Option<Record> {
        Some(match self {
            Self::Intent(request) => Record::Intent(request.into_attempt()?),
            Self::Answer { request, status } => {
                Record::Answer(Answer { attempt: request.into_attempt()?, status, body })
            }
            Self::Closed { entry } => Record::Closed { entry },
            Self::Committed { connection, position } => {
                Record::Committed { connection: ConnectionId::new(&connection)?, position }
            }
        })
    }
}

impl Request {
    fn of(attempt: &Attempt) -> Self {
        Self {
            connection: attempt.connection.as_str().to_owned(),
            position: attempt.position,
            entry: attempt.entry,
            started_at: attempt.started_at,
        }
    }

    fn into_attempt(self) -> Option<Attempt> {
        let Self { connection, position, entry, started_at } = self;
        Some(Attempt { connection: ConnectionId::new(&connection)?, position, entry, started_at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn longest_attempt() -> Attempt {
        Attempt {
            connection: ConnectionId::new(&"c".repeat(64)).unwrap(),
            position: Position { lineage: u64::MAX, generation: u64::MAX },
            entry: Uuid::max(),
            started_at: Timestamp::MAX,
        }
    }

    fn one_of_each() -> [Record; 4] {
        let attempt = longest_attempt();
        let (connection, position, entry) = (attempt.connection.clone(), attempt.position, attempt.entry);
        let body = Bytes::from_static(b"{\"refresh_token\":\"canary\"}\n\n\xff");
        [
            Record::Intent(attempt.clone()),
            Record::Answer(Answer { attempt, status: 200, body }),
            Record::Closed { entry },
            Record::Committed { connection, position },
        ]
    }

    #[test]
    fn what_is_read_is_what_was_written() {
        for record in one_of_each() {
            assert_eq!(Record::decode(&record.encode()), Some(record));
        }
    }

    #[test]
    fn the_longest_line_fits_without_growing() {
        for record in one_of_each() {
            let bytes = record.encode();
            let line = bytes.iter().position(|byte| *byte == b'\n').unwrap();
            assert!(line < LONGEST_LINE, "{line}");
        }
    }

    #[test]
    fn an_answer_is_printed_without_its_body() {
        let printed = format!("{:?}", one_of_each());
        assert!(!printed.contains("canary") && !printed.contains("refresh_token"), "{printed}");
    }
}
