//! Keap, as far as tokens go: what it does, at the moment it does it. Whether its answers arrive is the network's.
//!
//! Bodies and statuses are those that were seen of the real one.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};
use jiff::Timestamp;
use keapsake::clock::{later, until};

use super::chance::Chance;
use super::truth::{Fate, PairNumber, Truth};

/// A mark in every token, by which one is recognised wherever it should not be.
pub(crate) const CANARY: &str = "cAnArY";

/// A refresh token that is not used for so long is dead.
const REFRESH_LIFE: Duration = Duration::from_hours(45 * 24);

/// What Keap does with a refresh token that comes twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reuse {
    /// It is refused.
    Rejected,
    /// It is refused, and everything that descends from it is revoked.
    RevokesFamily,
    /// It is good for so long after its first use.
    Graced(Duration),
}

/// What is not documented, and therefore different in every run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Habits {
    pub(crate) reuse: Reuse,
    /// Whether a refresh ends the access token of before.
    pub(crate) refresh_ends_access: bool,
    pub(crate) access_life: Duration,
    /// Which of the two known ways to refuse a refresh token.
    pub(crate) says_invalid_request: bool,
}

/// What is odd about one answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Oddity {
    #[default]
    None,
    /// `expires_in` is text.
    LifeAsText,
    /// There is no `expires_in`.
    NoLife,
    /// There is no new refresh token: the old one stays good.
    KeepsRefreshToken,
}

pub(crate) struct Keap {
    habits: Habits,
    truth: Truth,
    chance: Chance,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    pairs: Vec<Pair>,
    codes: BTreeMap<String, bool>,
    by_access: BTreeMap<String, PairNumber>,
    by_refresh: BTreeMap<String, PairNumber>,
    newest: Option<PairNumber>,
    grants: u64,
    tokens: u64,
    asked: Vec<Timestamp>,
}

#[derive(Clone)]
struct Pair {
    grant: u64,
    refresh: String,
    access_ends: Timestamp,
    refresh_ends: Timestamp,
    spent_at: Option<Timestamp>,
    successor: Option<PairNumber>,
    is_revoked: bool,
}

/// An answer, and the pair in it.
pub(crate) struct Handled {
    pub(crate) response: Response<Bytes>,
    pub(crate) pair: Option<PairNumber>,
}

impl Keap {
    pub(crate) fn new(habits: Habits, truth: Truth, chance: Chance) -> Self {
        Self { habits, truth, chance, state: Mutex::default() }
    }

    /// A person allows the access: what the browser comes back with.
    pub(crate) fn consent(&self, authorize_url: &url::Url) -> String {
        let mut state = self.state();
        let code = self.token(&mut state, "code");
        state.codes.insert(code.clone(), true);
        let asked = authorize_url.query_pairs().find(|(name, _)| name == "state");
        let asked = asked.map(|(_, value)| value.into_owned()).unwrap_or_default();
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("code", &code).append_pair("scope", "full|ab123.infusionsoft.com");
        query.append_pair("state", &asked).finish()
    }

    /// Does what a token request asks, at this moment.
    pub(crate) fn handle(&self, body: &Bytes, oddity: Oddity) -> Handled {
        let form: BTreeMap<String, String> = url::form_urlencoded::parse(body).into_owned().collect();
        self.note_asked();
        match form.get("grant_type").map(String::as_str) {
            Some("authorization_code") => self.exchange(form.get("code")),
            Some("refresh_token") => self.refresh(form.get("refresh_token"), oddity),
            _ => refused(400, "invalid_request", "response_type or grant_type is required"),
        }
    }

    /// Not even a bad day makes so many requests.
    fn note_asked(&self) {
        let now = self.truth.now();
        let mut state = self.state();
        state.asked.retain(|at| until(*at, now) < Duration::from_hours(1));
        state.asked.push(now);
        if state.asked.len() == 200 {
            drop(state);
            self.truth.diary.violation(format_args!("storm: 200 token requests within an hour"));
        }
    }

    fn exchange(&self, code: Option<&String>) -> Handled {
        let mut state = self.state();
        if code.and_then(|code| state.codes.remove(code)).is_none() {
            return refused(401, "invalid_grant", "Unable to authenticate username and password");
        }
        // A new authorization of the same account ends the one of before.
        state.pairs.iter_mut().for_each(|pair| pair.is_revoked = true);
        state.grants += 1;
        let grant = state.grants;
        self.issue(&mut state, grant, None, Oddity::None)
    }

    fn refresh(&self, token: Option<&String>, oddity: Oddity) -> Handled {
        let now = self.truth.now();
        let mut state = self.state();
        let known = token.and_then(|token| state.by_refresh.get(token).copied());
        let Some((number, pair)) = known.and_then(|number| Some((number, state.pairs.get(number)?.clone())))
        else {
            return self.invalid_token();
        };
        if pair.is_revoked || now >= pair.refresh_ends {
            return self.invalid_token();
        }
        if let Some(spent_at) = pair.spent_at {
            return self.reused(&mut state, number, spent_at, oddity);
        }
        if oddity != Oddity::KeepsRefreshToken
            && let Some(pair) = state.pairs.get_mut(number)
        {
            pair.spent_at = Some(now);
        }
        if self.habits.refresh_ends_access
            && let Some(pair) = state.pairs.get_mut(number)
        {
            pair.access_ends = now.min(pair.access_ends);
        }
        self.issue(&mut state, pair.grant, Some(number), oddity)
    }

    fn reused(&self, state: &mut State, number: PairNumber, spent_at: Timestamp, oddity: Oddity) -> Handled {
        self.truth.diary.count("a spent token came again");
        let Some(pair) = state.pairs.get(number).cloned() else { return self.invalid_token() };
        match self.habits.reuse {
            Reuse::Graced(grace) if until(spent_at, self.truth.now()) <= grace => {
                // The successor of before was never used and is of no use any more.
                let later_ones =
                    state.pairs.iter_mut().skip(number + 1).filter(|other| other.grant == pair.grant);
                later_ones.for_each(|other| other.is_revoked = true);
                self.issue(state, pair.grant, Some(number), oddity)
            }
            Reuse::RevokesFamily => {
                let family = state.pairs.iter_mut().filter(|other| other.grant == pair.grant);
                family.for_each(|other| other.is_revoked = true);
                self.truth.diary.note(format_args!("keap revokes the family of pair {number}"));
                self.invalid_token()
            }
            _ => self.invalid_token(),
        }
    }

    fn issue(&self, state: &mut State, grant: u64, spends: Option<PairNumber>, oddity: Oddity) -> Handled {
        let now = self.truth.now();
        let number = state.pairs.len();
        let kept = spends.filter(|_| oddity == Oddity::KeepsRefreshToken);
        let kept = kept
            .and_then(|number| state.pairs.get(number))
            .map(|pair| (pair.refresh.clone(), pair.refresh_ends));
        let is_new = kept.is_none();
        let (refresh, refresh_ends) =
            kept.unwrap_or_else(|| (self.token(state, "refresh"), later(now, REFRESH_LIFE)));
        let access = self.token(state, "access");
        let life = self.habits.access_life;
        state.by_access.insert(access.clone(), number);
        state.by_refresh.insert(refresh.clone(), number);
        state.newest = Some(number);
        let body = body(&access, is_new.then_some(refresh.as_str()), life, oddity);
        let access_ends = later(now, life);
        state.pairs.push(Pair {
            grant,
            refresh,
            access_ends,
            refresh_ends,
            spent_at: None,
            successor: None,
            is_revoked: false,
        });
        if let Some(spent) = spends.and_then(|spent| state.pairs.get_mut(spent)) {
            spent.successor = Some(number);
        }
        self.truth.issued(number);
        self.truth.diary.note(format_args!("keap issues pair {number} for {spends:?}"));
        Handled { response: answer(200, body), pair: Some(number) }
    }

    fn token(&self, state: &mut State, kind: &str) -> String {
        state.tokens += 1;
        format!("{CANARY}{kind}{}x{:016x}", state.tokens, self.chance.next())
    }

    fn invalid_token(&self) -> Handled {
        let word = if self.habits.says_invalid_request { "invalid_request" } else { "invalid_grant" };
        refused(400, word, "Invalid Refresh Token")
    }

    /// An API call with this access token.
    pub(crate) fn call(&self, access: Option<&str>) -> Response<Bytes> {
        let state = self.state();
        let number = access.and_then(|access| state.by_access.get(access)).copied();
        let pair = number.and_then(|number| state.pairs.get(number));
        self.check_age(number == state.newest, pair);
        match pair {
            Some(pair) if !pair.is_revoked && self.truth.now() < pair.access_ends => answer(200, "{}".into()),
            Some(_) => fault("Access Token expired", "keymanagement.service.access_token_expired"),
            None => fault("Invalid Access Token", "keymanagement.service.invalid_access_token"),
        }
    }

    /// When all is well, a token is replaced long before it ends.
    fn check_age(&self, is_newest: bool, pair: Option<&Pair>) {
        let is_over = pair.is_some_and(|pair| !pair.is_revoked && self.truth.now() >= pair.access_ends);
        // A clock that was wrong when the token came costs one refusal.
        let age = pair.map(|pair| until(pair.access_ends, self.truth.now()) + self.habits.access_life);
        let was_noted_rightly = age.is_some_and(|age| age < self.truth.since_a_jump());
        if is_newest && is_over && was_noted_rightly && self.truth.calm() > Duration::from_hours(1) {
            self.truth.diary.violation(format_args!("an access token is used until Keap refuses it"));
        }
    }

    /// A user of Keap removes the application.
    pub(crate) fn remove_application(&self) {
        self.state().pairs.iter_mut().for_each(|pair| pair.is_revoked = true);
    }

    /// The pair that a client must hold to go on.
    pub(crate) fn newest(&self) -> Option<PairNumber> {
        self.state().newest
    }

    /// Whether a refresh token of this pair is good, if anybody has it.
    pub(crate) fn is_good(&self, number: PairNumber) -> bool {
        let now = self.truth.now();
        let state = self.state();
        state
            .pairs
            .get(number)
            .is_some_and(|pair| pair.spent_at.is_none() && !pair.is_revoked && now < pair.refresh_ends)
    }

    /// Why no client can go on by itself; `None` when one can.
    pub(crate) fn excuse(&self) -> Option<&'static str> {
        let Some(newest) = self.newest() else { return Some("it was never connected") };
        match self.truth.fate(newest) {
            Fate::Lost(why) => Some(why),
            _ if !self.is_good(newest) => Some("Keap revoked it, or it was too old"),
            _ => None,
        }
    }

    /// The pair that has this refresh token.
    pub(crate) fn pair_of(&self, refresh: &str) -> Option<PairNumber> {
        self.state().by_refresh.get(refresh).copied()
    }

    /// The pair that was given for this one.
    pub(crate) fn successor(&self, number: PairNumber) -> Option<PairNumber> {
        self.state().pairs.get(number).and_then(|pair| pair.successor)
    }

    /// Whether the pair's refresh token was used.
    pub(crate) fn is_spent(&self, number: PairNumber) -> bool {
        self.state().pairs.get(number).is_some_and(|pair| pair.spent_at.is_some())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn body(access: &str, refresh: Option<&str>, life: Duration, oddity: Oddity) -> String {
    let mut body = serde_json::json!({
        "access_token": access,
        "token_type": "bearer",
        "expires_in": life.as_secs(),
        "scope": "full|ab123.infusionsoft.com",
    });
    if let Some(refresh) = refresh {
        body["refresh_token"] = refresh.into();
    }
    match oddity {
        Oddity::LifeAsText => body["expires_in"] = life.as_secs().to_string().into(),
        Oddity::NoLife => body["expires_in"] = serde_json::Value::Null,
        Oddity::None | Oddity::KeepsRefreshToken => {}
    }
    body.to_string()
}

/// An answer as it comes from Keap.
pub(crate) fn answer(status: u16, body: String) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
}

/// A refusal of the token endpoint.
pub(crate) fn refused(status: u16, error: &str, description: &str) -> Handled {
    let body = serde_json::json!({ "error": error, "error_description": description });
    Handled { response: answer(status, body.to_string()), pair: None }
}

fn fault(words: &str, code: &str) -> Response<Bytes> {
    let body = serde_json::json!({ "fault": { "faultstring": words, "detail": { "errorcode": code } } });
    answer(401, body.to_string())
}
