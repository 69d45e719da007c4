//! What an answer of the token endpoint, or its absence, means for the connection.

use bytes::Bytes;
use http::Response;
use jiff::Timestamp;

use super::history::Outcome;
use super::record::Position;
use super::step::Event;
use crate::error::retry_after;
use crate::oauth::Application;
use crate::oauth::answer::{self, Complaint, TokenPair, Verdict};
use crate::secret::RefreshToken;
use crate::transport::{Reach, TransportError};

/// What one refresh came to.
pub(crate) struct Finding {
    pub(crate) event: Event,
    pub(crate) outcome: Outcome,
    pub(crate) words: String,
    pub(crate) pair: Option<TokenPair>,
}

/// Reads the raw answer to a refresh, the first time or when it is replayed from the journal.
pub(crate) fn judge(
    answer: &Response<Bytes>,
    application: &Application,
    token: &RefreshToken,
    position: Position,
    started_at: Timestamp,
) -> Finding {
    let sent = [token.expose(), application.client_secret.expose()];
    match answer::read(answer, &sent) {
        Verdict::Granted(pair) => Finding::granted(pair, position, started_at),
        Verdict::Throttled(said) => {
            let event = Event::NotSent { retry_after: retry_after(answer.headers()) };
            Finding::without_pair(event, Outcome::Throttled, in_words(&said))
        }
        Verdict::Rejected(said) => Finding::without_pair(Event::Rejected, Outcome::Rejected, in_words(&said)),
        Verdict::Misconfigured(said) => {
            Finding::without_pair(Event::Misconfigured, Outcome::Misconfigured, in_words(&said))
        }
        Verdict::Unconfirmed(said) => {
            Finding::without_pair(Event::Unconfirmed, Outcome::Unconfirmed, in_words(&said))
        }
    }
}

impl Finding {
    /// Of a request without a whole answer.
    pub(crate) fn of_failure(error: &TransportError) -> Self {
        match error.reach() {
            Reach::No => {
                let event = Event::NotSent { retry_after: None };
                let words = format!("Keap could not be reached: {error}");
                Self::without_pair(event, Outcome::NotSent, words)
            }
            Reach::Unknown | Reach::Yes => {
                let words = format!("Keap did not answer: {error}");
                Self::without_pair(Event::Unconfirmed, Outcome::Unconfirmed, words)
            }
        }
    }

    fn without_pair(event: Event, outcome: Outcome, words: String) -> Self {
        Self { event, outcome, words, pair: None }
    }

    fn granted(pair: TokenPair, spent: Position, started_at: Timestamp) -> Self {
        let event =
            Event::Refreshed { spent, started_at, life: pair.expires_in, rotated: pair.refresh.is_some() };
        Self { event, outcome: Outcome::Done, words: String::new(), pair: Some(pair) }
    }
}

pub(super) fn in_words(said: &Complaint) -> String {
    format!("Keap answered {}: {}", said.status, said.words)
}
