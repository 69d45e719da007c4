//! What is really so, which no client can know: where every pair of tokens is, and what stood in the way of keeping it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use keapsake::clock::until;

use super::diary::Diary;

/// The number of a pair, in the order in which Keap issued them.
pub(crate) type PairNumber = usize;

/// Which process: the host, and which of the processes that ran there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ProcessId {
    pub(crate) host: usize,
    pub(crate) run: u32,
}

impl std::fmt::Display for ProcessId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "p{}.{}", self.host, self.run)
    }
}

/// Where a pair is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// In an answer that has not arrived yet.
    OnItsWay,
    /// Its answer arrived whole, at this time.
    Arrived(ProcessId, Timestamp),
    /// It arrived whole, and the disk did not take it.
    Unkept(ProcessId, Timestamp),
    /// It is durable in the journal of this host since then.
    Journaled(ProcessId, Timestamp),
    /// It is in the store since then; whether it is in the journal, too.
    Stored(ProcessId, Timestamp, bool),
    /// No client could have kept it, and why.
    Lost(&'static str),
}

/// Shared by everything in one world.
#[derive(Clone)]
pub(crate) struct Truth {
    pub(crate) diary: Diary,
    facts: Arc<Mutex<Facts>>,
}

#[derive(Default)]
struct Facts {
    fates: Vec<Fate>,
    /// The last moment at which something stood in the way of a host: an outage, a crash, a pause, a wrong clock.
    hindered: Vec<Timestamp>,
    /// How many such things stand in its way now.
    hindrances: Vec<u32>,
    /// The processes whose disk did not take what it was given last.
    broken: Vec<ProcessId>,
    /// When a clock was last moved.
    jumped: Option<Timestamp>,
}

impl Truth {
    pub(crate) fn new(diary: Diary, hosts: usize) -> Self {
        let facts =
            Facts { hindered: vec![Timestamp::MIN; hosts], hindrances: vec![0; hosts], ..Facts::default() };
        Self { diary, facts: Arc::new(Mutex::new(facts)) }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.diary.time().now()
    }

    pub(crate) fn issued(&self, pair: PairNumber) {
        self.set(pair, Fate::OnItsWay);
    }

    pub(crate) fn arrived(&self, pair: PairNumber, process: ProcessId) {
        self.set(pair, Fate::Arrived(process, self.now()));
    }

    /// The journal of this process is durable: what has arrived there is safe.
    pub(crate) fn journaled(&self, process: ProcessId) {
        self.facts().broken.retain(|broken| *broken != process);
        let now = self.now();
        self.each(|fate| match fate {
            Fate::Arrived(at, _) | Fate::Unkept(at, _) if at == process => {
                Some(Fate::Journaled(process, now))
            }
            _ => None,
        });
    }

    /// The disk of this process does not take what it is given.
    pub(crate) fn disk_fails(&self, process: ProcessId) {
        self.hinders(process.host);
        self.facts().broken.push(process);
        self.each(|fate| match fate {
            Fate::Arrived(at, since) if at == process => Some(Fate::Unkept(process, since)),
            _ => None,
        });
    }

    /// Whether the disk of this process did not take what it was given last.
    pub(crate) fn is_broken(&self, process: ProcessId) -> bool {
        self.facts().broken.contains(&process)
    }

    /// A pair was saved by this process: one that arrived there, or that it found in the journals of its host.
    pub(crate) fn stored(&self, process: ProcessId) {
        let now = self.now();
        self.each(|fate| match fate {
            Fate::Arrived(at, _) | Fate::Unkept(at, _) if at == process => {
                Some(Fate::Stored(process, now, false))
            }
            Fate::Journaled(at, _) if at.host == process.host => Some(Fate::Stored(process, now, true)),
            _ => None,
        });
    }

    /// The store has forgotten what came after this time.
    pub(crate) fn forgotten(&self, after: Timestamp) {
        let now = self.now();
        self.hinders_all();
        self.each(|fate| match fate {
            Fate::Stored(by, at, true) if at >= after => Some(Fate::Journaled(by, now)),
            Fate::Stored(_, at, false) if at >= after => {
                Some(Fate::Lost("the database forgot it, and the journal never had it"))
            }
            _ => None,
        });
    }

    /// A process is gone: what had arrived and was not durable went with it.
    pub(crate) fn died(&self, process: ProcessId) {
        let mut is_careless = false;
        self.each(|fate| match fate {
            Fate::Arrived(at, _) if at == process => {
                is_careless = true;
                Some(Fate::Lost("a process died before it had written down an answer"))
            }
            Fate::Unkept(at, _) if at == process => {
                Some(Fate::Lost("the disk did not take it, and the process died"))
            }
            _ => None,
        });
        if is_careless {
            self.diary.violation(format_args!(
                "{process} died with an answer that it had not written down at once"
            ));
        }
    }

    /// Nobody can have it any more.
    pub(crate) fn lost(&self, pair: PairNumber, why: &'static str) {
        if !matches!(self.fate(pair), Fate::Lost(_)) {
            self.diary.note(format_args!("pair {pair} is lost: {why}"));
            self.set(pair, Fate::Lost(why));
        }
    }

    pub(crate) fn fate(&self, pair: PairNumber) -> Fate {
        self.facts().fates.get(pair).copied().unwrap_or(Fate::OnItsWay)
    }

    /// Something stands in this host's way, now.
    pub(crate) fn hinders(&self, host: usize) {
        let now = self.now();
        if let Some(at) = self.facts().hindered.get_mut(host) {
            *at = now;
        }
    }

    /// Something stands in this host's way, for as long as this is held.
    pub(crate) fn hindrance(&self, host: usize) -> Hindrance {
        if let Some(count) = self.facts().hindrances.get_mut(host) {
            *count += 1;
        }
        Hindrance { truth: self.clone(), host }
    }

    /// Something stands in everybody's way, now.
    pub(crate) fn hinders_all(&self) {
        let now = self.now();
        self.facts().hindered.fill(now);
    }

    /// A host's clock is moved, now.
    pub(crate) fn jumps(&self, host: usize) {
        self.hinders(host);
        self.facts().jumped = Some(self.now());
    }

    /// How long no clock was moved.
    pub(crate) fn since_a_jump(&self) -> Duration {
        until(self.facts().jumped.unwrap_or(Timestamp::MIN), self.now())
    }

    /// How long nothing has stood in this host's way.
    pub(crate) fn calm_of(&self, host: usize) -> Duration {
        let facts = self.facts();
        if facts.hindrances.get(host).is_some_and(|count| *count > 0) {
            return Duration::ZERO;
        }
        until(facts.hindered.get(host).copied().unwrap_or(Timestamp::MIN), self.now())
    }

    /// How long nothing has stood in anybody's way.
    pub(crate) fn calm(&self) -> Duration {
        let hosts = self.facts().hindered.len();
        (0..hosts).map(|host| self.calm_of(host)).min().unwrap_or_default()
    }

    fn set(&self, pair: PairNumber, fate: Fate) {
        let mut facts = self.facts();
        if facts.fates.len() <= pair {
            facts.fates.resize(pair + 1, Fate::OnItsWay);
        }
        if let Some(place) = facts.fates.get_mut(pair) {
            *place = fate;
        }
    }

    fn each(&self, mut change: impl FnMut(Fate) -> Option<Fate>) {
        let mut changed = Vec::new();
        for (pair, fate) in self.facts().fates.iter_mut().enumerate() {
            if let Some(next) = change(*fate) {
                *fate = next;
                changed.push((pair, next));
            }
        }
        for (pair, fate) in changed {
            self.diary.note(format_args!("pair {pair}: {fate:?}"));
        }
    }

    fn facts(&self) -> MutexGuard<'_, Facts> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// See [`Truth::hindrance`].
pub(crate) struct Hindrance {
    truth: Truth,
    host: usize,
}

impl Drop for Hindrance {
    fn drop(&mut self) {
        if let Some(count) = self.truth.facts().hindrances.get_mut(self.host) {
            *count -= 1;
        }
        self.truth.hinders(self.host);
    }
}
