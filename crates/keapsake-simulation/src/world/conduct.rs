//! How the processes use refresh tokens: never two requests at once with one, never one again that was spent and whose
//! answer they have, never too soon after an answer that did not come.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use jiff::Timestamp;
use keapsake::clock::until;

use super::keap::Keap;
use super::network::has_arrived;
use super::truth::{Fate, PairNumber, ProcessId, Truth};

/// A first request may still be carried out for so long after its connection ended.
const PRESUMED_DEAD: Duration = Duration::from_secs(20);

/// Whoever is in flight for longer may have lost its lease.
const LEASE: Duration = Duration::from_mins(5);

/// For so long after a trouble a client may not know what it would know otherwise.
const AFTERMATH: Duration = Duration::from_mins(1);

#[derive(Clone)]
pub(crate) struct Conduct {
    truth: Truth,
    /// A grace period makes an early second request harmless.
    is_patient: bool,
    uses: Arc<Mutex<Vec<Use>>>,
}

struct Use {
    pair: PairNumber,
    process: ProcessId,
    began: Timestamp,
    end: Option<End>,
}

#[derive(Clone, Copy)]
struct End {
    at: Timestamp,
    is_definite: bool,
}

impl Conduct {
    pub(crate) fn new(truth: Truth, is_patient: bool) -> Self {
        Self { truth, is_patient, uses: Arc::default() }
    }

    /// A token request leaves.
    pub(crate) fn begins(&self, keap: &Keap, process: ProcessId, body: &Bytes) -> Option<usize> {
        let form: BTreeMap<_, _> = url::form_urlencoded::parse(body).collect();
        let Some(pair) = form.get("refresh_token").and_then(|token| keap.pair_of(token)) else {
            if form.contains_key("refresh_token") {
                self.truth
                    .diary
                    .violation(format_args!("{process} sends a refresh token that Keap never gave"));
            }
            return None;
        };
        self.truth.diary.note(format_args!("{process} spends pair {pair}"));
        if self.truth.is_broken(process) {
            self.truth
                .diary
                .violation(format_args!("{process} sends although its journal does not take anything"));
        }
        self.check_answered(keap, process, pair);
        self.check_others(process, pair);
        let mut uses = self.uses();
        uses.push(Use { pair, process, began: self.truth.now(), end: None });
        Some(uses.len() - 1)
    }

    /// And this came back, if anything did.
    pub(crate) fn ends(&self, asked: Option<usize>, response: Option<&Response<Bytes>>) {
        let at = self.truth.now();
        let is_definite =
            response.is_some_and(|response| matches!(response.status().as_u16(), 400 | 401 | 403 | 429));
        let mut uses = self.uses();
        if let Some(used) = asked.and_then(|asked| uses.get_mut(asked)) {
            used.end = Some(End { at, is_definite });
        }
    }

    /// What a dead process has sent ends with it.
    pub(crate) fn died(&self, process: ProcessId) {
        let at = self.truth.now();
        for used in self.uses().iter_mut().filter(|used| used.process == process && used.end.is_none()) {
            used.end = Some(End { at, is_definite: false });
        }
    }

    fn check_answered(&self, keap: &Keap, process: ProcessId, pair: PairNumber) {
        let Some(successor) = keap.successor(pair).filter(|_| keap.is_spent(pair)) else { return };
        let fate = self.truth.fate(successor);
        if !has_arrived(fate) {
            return;
        }
        let holder = match fate {
            Fate::Arrived(holder, _) | Fate::Unkept(holder, _) | Fate::Journaled(holder, _) => holder.host,
            _ => process.host,
        };
        let calm = self.truth.calm_of(holder).min(self.truth.calm_of(process.host));
        if calm > AFTERMATH {
            let what = "although the answer to the first request was received";
            self.truth.diary.violation(format_args!("{process} spends pair {pair} again, {what} ({fate:?})"));
        }
    }

    fn check_others(&self, process: ProcessId, pair: PairNumber) {
        let now = self.truth.now();
        let uses = self.uses();
        let Some(last) = uses.iter().rev().find(|used| used.pair == pair) else { return };
        let (other, is_known_to_be_wrong) = match last.end {
            None => (last.process, until(last.began, now) < LEASE),
            Some(end) if !end.is_definite && self.is_patient => {
                (last.process, until(end.at, now) < PRESUMED_DEAD && self.truth.since_a_jump() > AFTERMATH)
            }
            Some(_) => return,
        };
        drop(uses);
        if is_known_to_be_wrong {
            let what = "before that of";
            self.truth
                .diary
                .violation(format_args!("{process} spends pair {pair} {what} {other} is presumed dead"));
        }
    }

    fn uses(&self) -> MutexGuard<'_, Vec<Use>> {
        self.uses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
