//! What happened to the connection lately.

use keapsake::connection::history::{Ending, Entry, Kind, Outcome};
use keapsake::connection::status::Status;
use keapsake::{Error, Keap};

use crate::moments::{Moment, between, took};
use crate::words;

/// So far back a failed authorization is looked for.
const LOOKED_AT: u32 = 50;
const SHOWN: usize = 12;

pub(super) struct History {
    /// Why connecting failed the last time, as long as nothing newer worked.
    pub(super) last_authorization: Option<String>,
    pub(super) rows: Vec<Row>,
}

pub(super) struct Row {
    pub(super) kind: &'static str,
    pub(super) kind_key: &'static str,
    pub(super) started: Moment,
    pub(super) took: String,
    pub(super) outcome: &'static str,
    pub(super) outcome_key: &'static str,
    pub(super) tone: &'static str,
    pub(super) words: String,
    pub(super) position: String,
}

impl History {
    pub(super) async fn load(keap: &Keap, status: &Status) -> Result<Self, Error> {
        let entries = keap.history(LOOKED_AT).await?;
        Ok(Self {
            last_authorization: last_failed_authorization(&entries),
            rows: entries.iter().take(SHOWN).map(|entry| Row::of(entry, status)).collect(),
        })
    }
}

fn last_failed_authorization(newest_first: &[Entry]) -> Option<String> {
    let ended = newest_first.iter().filter_map(|entry| Some((entry.kind, entry.ending.as_ref()?)));
    let mut since_success = ended.take_while(|(_, ending)| ending.outcome != Outcome::Done);
    since_success.find(|(kind, _)| *kind == Kind::Authorization).map(|(_, ending)| in_words(ending))
}

fn in_words(ending: &Ending) -> String {
    let advice = match ending.outcome {
        Outcome::OtherAccount => {
            "Nothing was changed. To use the other account, connect again with the box ticked."
        }
        Outcome::Misconfigured => "Compare the client id and secret with those at keys.developer.keap.com.",
        Outcome::Unconfirmed | Outcome::NotSent => "Nothing was changed; connecting again is safe.",
        Outcome::Done | Outcome::Rejected | Outcome::Superseded => "",
    };
    format!("{}. {advice}", words::opening(&ending.words)).trim_end().to_owned()
}

impl Row {
    fn of(entry: &Entry, status: &Status) -> Self {
        let ending = entry.ending.as_ref();
        Self {
            kind: words::kind(entry),
            kind_key: entry.kind.as_str(),
            started: Moment::new(entry.started_at, status.now),
            took: ending.map_or_else(String::new, |ending| took(between(entry.started_at, ending.at))),
            outcome: words::outcome(entry),
            outcome_key: ending.map_or("running", |ending| ending.outcome.as_str()),
            tone: words::tone(entry),
            words: ending.map_or_else(String::new, |ending| words::opening(&ending.words)),
            position: entry.position.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use keapsake::connection::record::Position;

    use super::*;

    fn entry(kind: Kind, outcome: Option<Outcome>) -> Entry {
        let at = Timestamp::UNIX_EPOCH;
        let ending = outcome.map(|outcome| Ending { at, outcome, words: "Because".into() });
        Entry { id: uuid::Uuid::nil(), kind, position: Position::NONE, started_at: at, ending }
    }

    #[test]
    fn a_failed_authorization_is_told_until_something_newer_works() {
        use Kind::{Authorization, Disconnection, Refresh};
        let failed = || entry(Authorization, Some(Outcome::Rejected));
        let told = |newer: Vec<Entry>| {
            let mut entries = newer;
            entries.push(failed());
            last_failed_authorization(&entries).is_some()
        };
        assert!(told(vec![]));
        assert!(told(vec![entry(Refresh, Some(Outcome::NotSent))]));
        assert!(told(vec![entry(Refresh, None)]));
        assert!(!told(vec![entry(Refresh, Some(Outcome::Done))]));
        assert!(!told(vec![entry(Authorization, Some(Outcome::Done))]));
        assert!(!told(vec![entry(Disconnection, Some(Outcome::Done))]));
        assert_eq!(last_failed_authorization(&[failed()]).unwrap(), "Because.");
    }
}
