//! What keeps the connection from being lost, and whether it works: the journal, the database, the clock, the alarms.

use jiff::{SignedDuration, Timestamp};
use keapsake::alarm::Condition;
use keapsake::alarm::facts::SKEW_LIMIT;
use keapsake::connection::diagnosis::Diagnosis;
use keapsake::journal::JournalHealth;

use crate::journal_files::{name, without_folder};
use crate::moments::{Moment, bytes, span, took};
use crate::words::opening;

pub(super) struct Safety {
    /// `None` without one.
    pub(super) journal: Option<Journal>,
    pub(super) journal_trouble: Option<String>,
    pub(super) store_trouble: Option<String>,
    /// `None` before Keap was asked.
    pub(super) clock: Option<Clock>,
    pub(super) alarms: Vec<Raised>,
}

pub(super) struct Journal {
    pub(super) file: String,
    pub(super) fill: String,
    pub(super) last_append: Option<String>,
    /// What was found broken or out of place at the start.
    pub(super) damage: Vec<String>,
}

pub(super) struct Clock {
    pub(super) words: String,
    pub(super) is_wrong: bool,
}

pub(super) struct Raised {
    pub(super) word: &'static str,
    pub(super) tone: &'static str,
    pub(super) severity: &'static str,
    pub(super) title: &'static str,
    pub(super) advice: &'static str,
    pub(super) since: Moment,
}

impl Safety {
    pub(super) fn of(diagnosis: &Diagnosis, now: Timestamp) -> Self {
        let Diagnosis { journal, store_trouble, journal_trouble, skew, alarms } = diagnosis;
        let trouble = journal_trouble.as_ref().map(|words| match journal {
            Some(journal) => opening(&without_folder(words, journal)),
            None => opening(words),
        });
        Self {
            journal: journal.as_ref().map(Journal::of),
            journal_trouble: trouble,
            store_trouble: store_trouble.as_deref().map(opening),
            clock: skew.map(Clock::of),
            alarms: alarms.iter().map(|(condition, since)| Raised::of(*condition, *since, now)).collect(),
        }
    }
}

impl Journal {
    fn of(health: &JournalHealth) -> Self {
        let damage = health.damage.iter().map(|damage| opening(&without_folder(&damage.to_string(), health)));
        Self {
            file: name(&health.file),
            fill: format!("{} of {} used", bytes(health.used), bytes(health.size)),
            last_append: health.last_append.map(took),
            damage: damage.collect(),
        }
    }
}

impl Clock {
    fn of(ahead: SignedDuration) -> Self {
        let side = if ahead.is_negative() { "behind" } else { "ahead of" };
        let apart = ahead.unsigned_abs();
        let words = match apart.as_secs() {
            0 | 1 => "As Keap's, within a second".to_owned(),
            _ => format!("{} {side} Keap's", span(apart)),
        };
        Self { words, is_wrong: ahead.abs() > SKEW_LIMIT }
    }
}

impl Raised {
    fn of(condition: Condition, since: Timestamp, now: Timestamp) -> Self {
        use keapsake::alarm::Severity;
        Self {
            word: condition.word(),
            tone: match condition.severity() {
                Severity::Info => "idle",
                Severity::Warning => "warn",
                Severity::Error => "bad",
            },
            severity: condition.severity().word(),
            title: condition.title(),
            advice: condition.advice(),
            since: Moment::new(since, now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_is_told_and_judged() {
        let table = [
            (0, "As Keap's, within a second", false),
            (-1, "As Keap's, within a second", false),
            (45, "45 s ahead of Keap's", false),
            (60, "1 min ahead of Keap's", false),
            (61, "1 min ahead of Keap's", true),
            (-7200, "2 h behind Keap's", true),
        ];
        for (seconds, words, is_wrong) in table {
            let clock = Clock::of(SignedDuration::from_secs(seconds));
            assert_eq!((clock.words.as_str(), clock.is_wrong), (words, is_wrong));
        }
    }
}
