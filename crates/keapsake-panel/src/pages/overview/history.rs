//! What happened to the connection lately: a line for each attempt, and one for each run of attempts that failed alike.

use jiff::Timestamp;
use keapsake::connection::history::{Ending, Entry, Kind, Outcome};
use keapsake::connection::status::Status;

use crate::moments::{Moment, between, span, took};
use crate::words;

const SHOWN: usize = 12;

/// No request takes longer: whoever began it was cut off.
const LONGEST_REQUEST_S: u64 = 300;

pub(super) struct History {
    /// Why connecting failed the last time, as long as nothing newer worked.
    pub(super) last_authorization: Option<String>,
    pub(super) rows: Vec<Row>,
}

pub(super) struct Row {
    pub(super) kind: &'static str,
    pub(super) kind_key: &'static str,
    /// Of several, the last.
    pub(super) started: Moment,
    pub(super) took: String,
    pub(super) outcome: &'static str,
    pub(super) outcome_key: &'static str,
    pub(super) tone: &'static str,
    pub(super) words: String,
    pub(super) position: String,
    /// Of several that failed alike.
    pub(super) run: Option<Run>,
}

pub(super) struct Run {
    pub(super) times: usize,
    /// When the first of them was started.
    pub(super) first: Moment,
}

impl History {
    pub(super) fn of(newest_first: &[Entry], status: &Status) -> Self {
        let runs = newest_first.chunk_by(are_alike).take(SHOWN);
        Self {
            last_authorization: last_failed_authorization(newest_first),
            rows: runs.filter_map(|run| Row::of(run, status.now)).collect(),
        }
    }
}

/// Whether one says what the other says. What worked, and what still runs, is worth a line each time.
fn are_alike(newer: &Entry, older: &Entry) -> bool {
    let failed = |entry: &Entry| {
        let outcome = entry.ending.as_ref().map(|ending| ending.outcome)?;
        (outcome != Outcome::Done).then_some((entry.kind, entry.position, outcome))
    };
    failed(newer).is_some() && failed(newer) == failed(older)
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
        Outcome::Unconfirmed | Outcome::NotSent | Outcome::Throttled => {
            "Nothing was changed; connecting again is safe."
        }
        Outcome::Done | Outcome::Rejected | Outcome::Superseded => "",
    };
    format!("{}. {advice}", words::opening(&ending.words)).trim_end().to_owned()
}

impl Row {
    /// Of attempts that ended alike, newest first.
    fn of(run: &[Entry], now: Timestamp) -> Option<Self> {
        let (newest, oldest) = (run.first()?, run.last()?);
        let ending = newest.ending.as_ref();
        Some(Self {
            kind: words::kind(newest),
            kind_key: newest.kind.as_str(),
            started: Moment::new(newest.started_at, now),
            took: duration(newest, now),
            outcome: words::outcome(newest),
            outcome_key: ending.map_or("running", |ending| ending.outcome.as_str()),
            tone: words::tone(newest),
            words: ending.map_or_else(|| still_running(newest, now), |ending| words::opening(&ending.words)),
            position: newest.position.to_string(),
            run: (run.len() > 1)
                .then(|| Run { times: run.len(), first: Moment::new(oldest.started_at, now) }),
        })
    }
}

fn duration(entry: &Entry, now: Timestamp) -> String {
    match &entry.ending {
        Some(ending) => took(between(entry.started_at, ending.at)),
        None => format!("{} so far", span(between(entry.started_at, now.max(entry.started_at)))),
    }
}

fn still_running(entry: &Entry, now: Timestamp) -> String {
    if between(entry.started_at, now).as_secs() < LONGEST_REQUEST_S {
        return String::new();
    }
    "The program that began it was probably stopped; this is looked into with the next renewal".to_owned()
}

#[cfg(test)]
mod tests {
    use keapsake::connection::record::Position;

    use super::*;

    const PAIR: Position = Position { lineage: 1, generation: 4 };

    fn entry(kind: Kind, outcome: Option<Outcome>) -> Entry {
        let at = Timestamp::UNIX_EPOCH;
        let ending = outcome.map(|outcome| Ending { at, outcome, words: "Because".into() });
        Entry { id: uuid::Uuid::nil(), kind, position: PAIR, started_at: at, ending }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    /// Renewals a minute apart, the newest first, at 12:00.
    fn renewals(outcomes: &[Option<Outcome>]) -> Vec<Entry> {
        let minutes = (0..).map(|minute| at(43_200 - minute * 60));
        let entries = outcomes.iter().zip(minutes);
        entries.map(|(outcome, at)| Entry { started_at: at, ..entry(Kind::Refresh, *outcome) }).collect()
    }

    fn rows(entries: &[Entry]) -> Vec<(&'static str, usize)> {
        let rows = entries.chunk_by(are_alike).filter_map(|run| Row::of(run, at(43_200)));
        rows.map(|row| (row.outcome, row.run.map_or(1, |run| run.times))).collect()
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

    #[test]
    fn an_outage_is_one_line() {
        let (down, up, lost) = (Some(Outcome::NotSent), Some(Outcome::Done), Some(Outcome::Unconfirmed));
        let mut night = vec![None, up];
        night.extend([down; 57]);
        night.extend([lost, down, up, up]);
        assert_eq!(
            rows(&renewals(&night)),
            [
                ("Running", 1),
                ("Renewed", 1),
                ("Keap not reached", 57),
                ("No usable answer", 1),
                ("Keap not reached", 1),
                ("Renewed", 1),
                ("Renewed", 1)
            ]
        );
    }

    #[test]
    fn a_run_says_from_when_to_when() {
        let entries = renewals(&[Some(Outcome::NotSent); 57]);
        let row = Row::of(&entries, at(43_200)).unwrap();
        assert_eq!(row.started.utc, "1 Jan 1970, 12:00 UTC");
        assert_eq!(row.run.unwrap().first.utc, "1 Jan 1970, 11:04 UTC");
    }

    #[test]
    fn what_is_different_is_not_put_together() {
        let failed = entry(Kind::Refresh, Some(Outcome::NotSent));
        let other_pair = Entry { position: PAIR.next_generation(), ..failed.clone() };
        let other_kind = entry(Kind::Authorization, Some(Outcome::NotSent));
        let running = entry(Kind::Refresh, None);
        for other in [other_pair, other_kind, running.clone()] {
            assert!(!are_alike(&failed, &other) && !are_alike(&other, &failed));
        }
        assert!(!are_alike(&running, &running));
    }

    #[test]
    fn what_runs_for_too_long_is_explained() {
        let running = Entry { started_at: at(0), ..entry(Kind::Refresh, None) };
        let row = |now| Row::of(std::slice::from_ref(&running), at(now)).unwrap();
        assert_eq!((row(12).took.as_str(), row(12).words.as_str()), ("12 s so far", ""));
        assert!(row(3600).words.contains("probably stopped"));
        // A clock that was set back.
        assert_eq!(row(-50).took, "0 s so far");
    }
}
