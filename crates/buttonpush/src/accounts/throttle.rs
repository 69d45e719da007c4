//! Slowing down those who guess passwords or sign up by the thousand, without locking the owner out.
//!
//! Every attempt is counted before it is evaluated, so that a thousand at once gain nothing. After some that are
//! free, each has to wait longer than the one before, up to a limit. Three tallies hold for a log-in: this account
//! from this network, this account from everywhere, and this network for every account. Somebody who has logged in
//! to the account from this network before is held to the first only: a stranger's guesses cannot keep them out.
//!
//! It is kept in memory. A restart forgives everybody, which costs an attacker's patience and nothing else.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::Network;
use crate::clock::{later, until};

/// Above this many tallies those that have nothing more to say are dropped, then the oldest.
const TALLIES_MAX: usize = 100_000;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

/// How long to wait before the next attempt can be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait(pub Duration);

/// What is counted, and how it slows down.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    account_from_network: Rule,
    account: Rule,
    network: Rule,
    sign_ups: Rule,
}

impl Limits {
    /// The limits of a running application, with this many sign-ups an hour from one network.
    pub fn with_sign_ups_per_hour(number: u32) -> Self {
        let one = HOUR / number.max(1);
        Self {
            account_from_network: Rule { free: 5, first: SECOND, longest: 15 * MINUTE, forgiven_each: HOUR },
            account: Rule { free: 20, first: SECOND, longest: MINUTE, forgiven_each: 5 * MINUTE },
            network: Rule { free: 50, first: SECOND, longest: MINUTE, forgiven_each: MINUTE },
            sign_ups: Rule { free: number, first: one, longest: one, forgiven_each: one },
        }
    }
}

/// How a tally slows down.
#[derive(Debug, Clone, Copy)]
struct Rule {
    /// Attempts without any wait.
    free: u32,
    /// The wait after those; it doubles with each attempt.
    first: Duration,
    /// The longest wait.
    longest: Duration,
    /// One attempt is forgiven for each such time without any.
    forgiven_each: Duration,
}

/// An account by its address, whether or not it exists: both have to feel alike.
type Account = String;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    AccountFromNetwork(Account, Network),
    Account(Account),
    Network(Network),
    SignUps(Network),
}

#[derive(Debug, Clone, Copy)]
struct Tally {
    count: u32,
    last: Timestamp,
}

/// The tallies of one running application.
#[derive(Debug)]
pub struct Throttle {
    limits: Limits,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    tallies: HashMap<Key, Tally>,
    /// Where the owners of accounts have logged in from.
    familiar: HashSet<(Account, Network)>,
}

impl Throttle {
    /// Nothing is counted yet.
    pub fn new(limits: Limits) -> Self {
        Self { limits, state: Mutex::default() }
    }

    /// Counts an attempt to log in, or says how long to wait.
    pub fn log_in(&self, account: &str, network: Network, now: Timestamp) -> Result<(), Wait> {
        let mut state = self.state();
        let mut keys = vec![Key::AccountFromNetwork(account.to_owned(), network)];
        if !state.familiar.contains(&(account.to_owned(), network)) {
            keys.extend([Key::Account(account.to_owned()), Key::Network(network)]);
        }
        self.count(&mut state, keys, now)
    }

    /// Whoever logged in was no guesser: the account's tally for this network ends.
    pub fn logged_in(&self, account: &str, network: Network) {
        let mut state = self.state();
        state.tallies.remove(&Key::AccountFromNetwork(account.to_owned(), network));
        for key in [Key::Account(account.to_owned()), Key::Network(network)] {
            if let Some(tally) = state.tallies.get_mut(&key) {
                tally.count = tally.count.saturating_sub(1);
            }
        }
        if state.familiar.len() >= TALLIES_MAX {
            state.familiar.clear();
        }
        state.familiar.insert((account.to_owned(), network));
    }

    /// Counts a sign-up, or says how long to wait.
    pub fn sign_up(&self, network: Network, now: Timestamp) -> Result<(), Wait> {
        self.count(&mut self.state(), vec![Key::SignUps(network)], now)
    }

    /// A panic while it was held has left no tally half changed.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts under all keys, or under none when one of them has to wait.
    fn count(&self, state: &mut State, keys: Vec<Key>, now: Timestamp) -> Result<(), Wait> {
        let waits = keys.iter().map(|key| self.rule(key).wait(state.tallies.get(key), now));
        let longest = waits.max().unwrap_or_default();
        if longest > Duration::ZERO {
            return Err(Wait(longest));
        }
        for key in keys {
            let count = self.rule(&key).remembered(state.tallies.get(&key), now).saturating_add(1);
            state.tallies.insert(key, Tally { count, last: now });
        }
        if state.tallies.len() > TALLIES_MAX {
            self.make_room(state, now);
        }
        Ok(())
    }

    fn rule(&self, key: &Key) -> &Rule {
        match key {
            Key::AccountFromNetwork(..) => &self.limits.account_from_network,
            Key::Account(_) => &self.limits.account,
            Key::Network(_) => &self.limits.network,
            Key::SignUps(_) => &self.limits.sign_ups,
        }
    }

    fn make_room(&self, state: &mut State, now: Timestamp) {
        state.tallies.retain(|key, tally| self.rule(key).remembered(Some(tally), now) > 0);
        if state.tallies.len() > TALLIES_MAX {
            let mut times: Vec<_> = state.tallies.values().map(|tally| tally.last).collect();
            let (_, middle, _) = times.select_nth_unstable(TALLIES_MAX / 2);
            let oldest_kept = *middle;
            state.tallies.retain(|_, tally| tally.last > oldest_kept);
        }
    }
}

impl Rule {
    /// How many attempts still count.
    fn remembered(&self, tally: Option<&Tally>, now: Timestamp) -> u32 {
        let Some(tally) = tally else { return 0 };
        let forgiven = until(tally.last, now).as_millis() / self.forgiven_each.as_millis().max(1);
        tally.count.saturating_sub(u32::try_from(forgiven).unwrap_or(u32::MAX))
    }

    fn wait(&self, tally: Option<&Tally>, now: Timestamp) -> Duration {
        let Some(tally) = tally else { return Duration::ZERO };
        let Some(beyond) = self.remembered(Some(tally), now).checked_sub(self.free) else {
            return Duration::ZERO;
        };
        let delay = self.first.saturating_mul(2_u32.saturating_pow(beyond)).min(self.longest);
        until(now, later(tally.last, delay)).min(self.longest)
    }
}

#[cfg(test)]
mod tests;
