//! How a connection is, in words for the person who has to decide something. A table, not a page.
//!
//! - `table`: the rows.
//! - `attempts`: what was tried and how it ended.

mod attempts;
mod table;

use jiff::Timestamp;
use keapsake::connection::status::{Phase, Status};

use self::table::row;
use crate::moments::Moment;

pub(crate) use attempts::{kind, outcome, tone, was_asked_to_wait};

/// A phase in words.
pub(crate) struct State {
    /// Its name for stylesheets and programs.
    pub(crate) key: &'static str,
    /// How it looks: `good`, `busy`, `warn`, `bad` or `idle`.
    pub(crate) tone: &'static str,
    /// In a few words.
    pub(crate) title: &'static str,
    /// What is the case.
    pub(crate) text: String,
    /// What to do.
    pub(crate) next: String,
    /// What to do, one step after the other.
    pub(crate) steps: &'static [&'static str],
    /// Until when there is time for it; empty when nothing runs out.
    pub(crate) time_left: String,
    /// What the button says, if connecting is what to do.
    pub(crate) connect: Option<&'static str>,
    offers: &'static [Offer],
}

/// What else a person can do about the connection.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Offer {
    /// Have it renewed now, although it is not due yet.
    Renew,
    /// Go on with a database that was restored or copied.
    Adopt,
    /// Connect again, although it need not be done.
    ConnectAgain,
    /// Disconnect.
    Disconnect,
}

/// What is put into words.
pub(crate) struct About<'a> {
    pub(crate) status: &'a Status,
    pub(crate) application: &'a str,
    /// Whether effects wait here until they can be delivered.
    pub(crate) keeps: bool,
    /// Whether Keap asked for patience the last time it was asked for new tokens.
    pub(crate) is_asked_to_wait: bool,
}

impl State {
    pub(crate) fn of(about: &About<'_>) -> Self {
        let row = row(about.status.phase, about.is_asked_to_wait);
        Self {
            key: about.status.phase.word(),
            tone: row.tone,
            title: row.title,
            text: about.fill(row.text),
            next: about.fill(row.next),
            steps: row.steps,
            time_left: about.fill(row.time_left),
            connect: row.connect,
            offers: row.offers,
        }
    }

    pub(crate) fn offers(&self, offer: Offer) -> bool {
        self.offers.contains(&offer)
    }

    /// Whether anything is offered beside connecting.
    pub(crate) fn offers_more(&self) -> bool {
        !self.offers.is_empty()
    }
}

impl About<'_> {
    /// Puts the facts into their places.
    fn fill(&self, text: &str) -> String {
        let (since, count) = facts(self.status.phase);
        let since = since.map_or_else(String::new, |since| self.moment(since).relative);
        let times = if count == 1 { "once".to_owned() } else { format!("{count} times") };
        let filled = text
            .replace("{since}", &since)
            .replace("{times}", &times)
            .replace("{next}", &self.next_try())
            .replace("{calls}", &self.calls())
            .replace("{end}", &self.end())
            .replace("{kept}", self.kept())
            // Last, because it is the one that somebody else chose.
            .replace("{app}", self.application);
        filled.trim().to_owned()
    }

    /// Until when calls work.
    fn calls(&self) -> String {
        let end = self.status.times.filter(|_| self.status.can_call).map(|times| times.access_expires_at);
        match (end, self.keeps) {
            (Some(end), _) => {
                let Moment { utc, relative, .. } = self.moment(end);
                format!("Calls to Keap work until {utc}, the end of the access token {relative}.")
            }
            (None, true) => {
                "Until then nothing can be sent to Keap; what has to be sent waits here.".to_owned()
            }
            (None, false) => "Until then nothing can be sent to Keap.".to_owned(),
        }
    }

    /// Until when the connection lives without a renewal.
    fn end(&self) -> String {
        let Some(times) = self.status.times else { return String::new() };
        let Moment { utc, relative, .. } = self.moment(times.refresh_expires_at);
        if times.refresh_expires_at <= self.status.now {
            return format!(
                "The 45 days of the refresh token ended {relative}; whether Keap still takes it shows when it is asked."
            );
        }
        format!("If it is not renewed before {utc}, the end of the refresh token {relative}, it is over.")
    }

    fn next_try(&self) -> String {
        let next_at = self.status.times.map(|times| times.refresh_at).filter(|at| *at > self.status.now);
        next_at.map_or_else(|| "due now".to_owned(), |at| self.moment(at).relative)
    }

    fn kept(&self) -> &'static str {
        if self.keeps {
            "What has to be sent to Keap waits here, and goes out once it is connected."
        } else {
            ""
        }
    }

    fn moment(&self, at: Timestamp) -> Moment {
        Moment::new(at, self.status.now)
    }
}

/// Since when a phase lasts, and how many times that was tried or refused.
pub(crate) fn facts(phase: Phase) -> (Option<Timestamp>, u32) {
    match phase {
        Phase::NotConnected | Phase::Connected | Phase::ApiKey => (None, 0),
        Phase::Refreshing { since }
        | Phase::Misconfigured { since }
        | Phase::Restored { since, .. }
        | Phase::NeedsReconnect { since, .. }
        | Phase::Disconnected { since } => (Some(since), 0),
        Phase::Unreached { since, attempts } | Phase::Unconfirmed { since, attempts } => {
            (Some(since), attempts)
        }
        Phase::Suspect { since, rejections } => (Some(since), rejections),
    }
}

/// Words from elsewhere as the beginning of a sentence whose full stop the page sets.
pub(crate) fn opening(words: &str) -> String {
    let words = words.trim().trim_end_matches('.');
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests;
