//! What the records come to: a set, so that order and repetition do not matter. No I/O.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::record::{Answer, Attempt, Record};
use crate::connection::ConnectionId;
use crate::connection::record::Position;

/// Answers that are kept beyond their use for a store that forgets: so many of the latest, so long at most.
const MOST_KEPT: usize = 1_000;
const LONGEST_KEPT: usize = 4 << 10;

/// What a store is known to have held of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// The highest position.
    pub position: Position,
    /// The answer that brought it, if it is still kept.
    pub answer: Option<Answer>,
}

/// The sum of all records that were seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Ledger {
    intents: BTreeMap<Uuid, Attempt>,
    answers: BTreeMap<Uuid, Answer>,
    closed: BTreeSet<Uuid>,
    positions: BTreeMap<ConnectionId, Position>,
}

impl Ledger {
    /// Adds one record.
    pub(super) fn add(&mut self, record: Record) {
        match record {
            Record::Intent(attempt) => {
                self.intents.insert(attempt.entry, attempt);
            }
            Record::Answer(answer) => {
                self.answers.insert(answer.attempt.entry, answer);
            }
            Record::Closed { entry } => {
                self.closed.insert(entry);
            }
            Record::Committed { connection, position } => {
                let known = self.positions.entry(connection).or_insert(position);
                *known = position.max(*known);
            }
        }
    }

    /// Answers that the store may not have yet.
    pub(super) fn answers(&self) -> impl Iterator<Item = &Answer> {
        self.answers.values().filter(|answer| !self.is_settled(&answer.attempt))
    }

    /// Requests of which neither an answer nor an end is known.
    pub(super) fn open(&self) -> impl Iterator<Item = &Attempt> {
        let is_answered = |attempt: &Attempt| self.answers.contains_key(&attempt.entry);
        self.intents.values().filter(move |attempt| !is_answered(attempt) && !self.is_settled(attempt))
    }

    /// The highest position of each connection that a store held.
    pub(super) fn positions(&self) -> &BTreeMap<ConnectionId, Position> {
        &self.positions
    }

    /// The highest position of a connection that a store held, with the answer that brought it.
    pub(super) fn committed(&self, connection: &ConnectionId) -> Option<Committed> {
        let position = *self.positions.get(connection)?;
        let answer = self.bringers().find(|answer| answer.attempt.connection == *connection);
        Some(Committed { position, answer: answer.cloned() })
    }

    /// Answers that brought the newest pair of their connection. The store has had it, but may lose it again.
    fn bringers(&self) -> impl Iterator<Item = &Answer> {
        self.answers.values().filter(|answer| {
            let brought = answer.attempt.position.next_generation();
            self.positions.get(&answer.attempt.connection) == Some(&brought)
                && !self.closed.contains(&answer.attempt.entry)
        })
    }

    /// The latest of them: what a store loses, it loses soon.
    fn latest_bringers(&self) -> Vec<&Answer> {
        let mut bringers: Vec<&Answer> =
            self.bringers().filter(|answer| answer.body.len() <= LONGEST_KEPT).collect();
        bringers.sort_by_key(|answer| std::cmp::Reverse(answer.attempt.started_at));
        bringers.truncate(MOST_KEPT);
        bringers
    }

    /// Forgets what is of no use any more. Only right when no file is left that says what is forgotten.
    pub(super) fn compact(&mut self) {
        let answers: Vec<Answer> = self.answers().chain(self.latest_bringers()).cloned().collect();
        let open: Vec<Attempt> = self.open().cloned().collect();
        self.answers = answers.into_iter().map(|answer| (answer.attempt.entry, answer)).collect();
        self.intents = open.into_iter().map(|attempt| (attempt.entry, attempt)).collect();
        self.closed.clear();
    }

    /// The fewest records that come to the same, also together with older ones.
    pub(super) fn checkpoint(&self) -> Vec<Record> {
        let committed = |(connection, position): (&ConnectionId, &Position)| Record::Committed {
            connection: connection.clone(),
            position: *position,
        };
        let positions = self.positions.iter().map(committed);
        let closed = self.closed.iter().map(|entry| Record::Closed { entry: *entry });
        let open = self.open().cloned().map(Record::Intent);
        let answers = self.answers().chain(self.latest_bringers()).cloned().map(Record::Answer);
        positions.chain(closed).chain(open).chain(answers).collect()
    }

    fn is_settled(&self, attempt: &Attempt) -> bool {
        let is_committed =
            self.positions.get(&attempt.connection).is_some_and(|position| *position > attempt.position);
        is_committed || self.closed.contains(&attempt.entry)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use jiff::Timestamp;

    use super::*;

    fn attempt(entry: u128, generation: u64) -> Attempt {
        Attempt {
            connection: ConnectionId::main(),
            position: Position { lineage: 1, generation },
            entry: Uuid::from_u128(entry),
            started_at: Timestamp::UNIX_EPOCH,
        }
    }

    fn answer(entry: u128, generation: u64) -> Record {
        Record::Answer(Answer { attempt: attempt(entry, generation), status: 200, body: Bytes::new() })
    }

    fn committed(lineage: u64, generation: u64) -> Record {
        Record::Committed { connection: ConnectionId::main(), position: Position { lineage, generation } }
    }

    fn ledger(records: impl IntoIterator<Item = Record>) -> Ledger {
        let mut ledger = Ledger::default();
        records.into_iter().for_each(|record| ledger.add(record));
        ledger
    }

    /// Answers and open attempts that are left.
    fn left(ledger: &Ledger) -> (usize, usize) {
        (ledger.answers().count(), ledger.open().count())
    }

    #[test]
    fn an_answer_is_of_use_until_the_store_is_beyond_it() {
        let cases = [
            (vec![], (1, 0)),
            (vec![committed(1, 4)], (1, 0)),
            (vec![committed(1, 5)], (0, 0)),
            (vec![committed(2, 1)], (0, 0)),
            (vec![committed(1, 5), committed(1, 3)], (0, 0)),
            (vec![Record::Closed { entry: Uuid::from_u128(1) }], (0, 0)),
            (vec![Record::Closed { entry: Uuid::from_u128(2) }], (1, 0)),
        ];
        for (more, expected) in cases {
            let records = [Record::Intent(attempt(1, 4)), answer(1, 4)].into_iter().chain(more.clone());
            assert_eq!(left(&ledger(records)), expected, "{more:?}");
        }
    }

    #[test]
    fn an_intent_is_open_until_something_is_known_of_it() {
        let intent = || Record::Intent(attempt(1, 4));
        assert_eq!(left(&ledger([intent()])), (0, 1));
        assert_eq!(left(&ledger([intent(), committed(1, 4)])), (0, 1));
        assert_eq!(left(&ledger([intent(), committed(1, 5)])), (0, 0));
        assert_eq!(left(&ledger([intent(), Record::Closed { entry: Uuid::from_u128(1) }])), (0, 0));
    }

    #[test]
    fn order_and_repetition_do_not_matter_and_a_checkpoint_comes_to_the_same() {
        let records = [
            Record::Intent(attempt(1, 1)),
            answer(1, 1),
            committed(1, 2),
            Record::Intent(attempt(2, 2)),
            Record::Closed { entry: Uuid::from_u128(2) },
            Record::Intent(attempt(3, 2)),
            answer(4, 2),
        ];
        let forward = ledger(records.clone());
        let backward = ledger(records.iter().rev().chain(&records).cloned());
        assert_eq!(forward, backward);
        let mut compact = forward.clone();
        compact.compact();
        for less in [ledger(forward.checkpoint()), ledger(compact.checkpoint())] {
            assert_eq!(left(&less), (1, 1));
            assert_eq!(less.positions(), forward.positions());
        }
        let older = Record::Intent(attempt(2, 2));
        assert_eq!(left(&ledger(forward.checkpoint().into_iter().chain([older]))), (1, 1));
    }
}
