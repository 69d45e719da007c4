//! A machine with a disk and a clock, on which one process runs after another.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::SignedDuration;
use keapsake::connection::policy::Policy;
use keapsake::connection::protocol::ORDER;
use keapsake::journal::disk::SimDisk;
use keapsake::store::seal::SealingKey;
use keapsake::{Application, ClientSecret, Endpoints, Keap};
use tokio::sync::Notify;
use tokio::time::sleep;
use uuid::Uuid;

use super::chance::Chance;
use super::clock::MachineClock;
use super::database::Database;
use super::disk::ProcessDisk;
use super::gate::{Gate, Life};
use super::keap::CANARY;
use super::network::{Access, Network};
use super::store::Reach;
use super::truth::{Hindrance, ProcessId};
use crate::flaw::{Flaw, Parts, Shared};

/// Seals the tokens of every run.
const KEY: [u8; 32] = [7; 32];

pub(crate) struct Host {
    pub(crate) number: usize,
    pub(crate) clock: MachineClock,
    pub(crate) disk: SimDisk,
    /// By how much its clock is always beside the true time.
    pub(crate) skew: SignedDuration,
    pub(crate) network: Arc<Network>,
    pub(crate) database: Arc<Database>,
    pub(crate) chance: Chance,
    pub(crate) policy: Policy,
    pub(crate) flaw: Option<Flaw>,
    pub(crate) flawed: Arc<Shared>,
    pub(crate) is_cut: Arc<AtomicBool>,
    pub(crate) process: Mutex<Option<Process>>,
    pub(crate) downtime: Mutex<Option<Duration>>,
    pub(crate) is_to_end: Notify,
}

/// A running process.
#[derive(Clone)]
pub(crate) struct Process {
    pub(crate) id: ProcessId,
    pub(crate) gate: Gate,
    pub(crate) keap: Keap,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    NotStarted,
    Killed,
    Gracefully,
}

impl Host {
    /// The process that runs, if it answers.
    pub(crate) fn process(&self) -> Option<Process> {
        self.slot().clone().filter(|process| process.gate.life() == Life::Running)
    }

    /// The process that runs, paused or not.
    pub(crate) fn gate(&self) -> Option<Gate> {
        self.slot().as_ref().map(|process| process.gate.clone())
    }

    fn slot(&self) -> MutexGuard<'_, Option<Process>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Kills what runs, which stays away for so long.
    pub(crate) fn kill(&self, downtime: Duration) {
        *self.downtime.lock().unwrap_or_else(PoisonError::into_inner) = Some(downtime);
        if let Some(gate) = self.gate() {
            gate.set(Life::Dead);
        }
    }

    /// Stops what runs, as a deployment of a new version does.
    pub(crate) fn end(&self) {
        self.is_to_end.notify_one();
    }

    /// Keeps a process running, as a service manager does.
    pub(crate) async fn supervise(self: Arc<Self>) {
        let mut failures = 0;
        for run in 0.. {
            let id = ProcessId { host: self.number, run };
            let down = self.network.truth.hindrance(self.number);
            let ended = self.run(id, down).await;
            failures = if ended == Ended::NotStarted { failures + 1 } else { 0 };
            let _down = self.network.truth.hindrance(self.number);
            sleep(self.downtime(ended, failures)).await;
        }
    }

    /// How long until the next process starts: a service manager is more patient each time.
    fn downtime(&self, ended: Ended, failures: u32) -> Duration {
        let wished = self.downtime.lock().unwrap_or_else(PoisonError::into_inner).take();
        match ended {
            Ended::NotStarted => Duration::from_secs(1 << failures.min(8)),
            Ended::Killed if !self.network.weather.is_calm() => wished
                .unwrap_or_else(|| self.chance.any_span(Duration::from_secs(1), Duration::from_mins(30))),
            Ended::Killed | Ended::Gracefully => Duration::from_secs(2),
        }
    }

    /// From its start to its end.
    async fn run(&self, id: ProcessId, down: Hindrance) -> Ended {
        let (gate, owner) = (Gate::new(), Uuid::from_u128(u128::from(self.chance.next())));
        self.network.truth.diary.note(format_args!("{id} starts"));
        let started = tokio::select! {
            biased;
            () = gate.ends() => None,
            started = self.start(id, &gate, owner) => Some(started),
        };
        drop(down);
        let ended = match started {
            None => Ended::Killed,
            Some(None) => Ended::NotStarted,
            Some(Some(keap)) => self.live(id, &gate, keap).await,
        };
        *self.slot() = None;
        self.bury(id, &gate, owner);
        ended
    }

    async fn live(&self, id: ProcessId, gate: &Gate, keap: Keap) -> Ended {
        *self.slot() = Some(Process { id, gate: gate.clone(), keap: keap.clone() });
        tokio::select! {
            biased;
            () = gate.ends() => {
                self.network.truth.diary.count("crashes");
                Ended::Killed
            }
            () = self.end_gracefully(&keap) => {
                self.network.truth.diary.count("restarts");
                Ended::Gracefully
            }
        }
    }

    async fn end_gracefully(&self, keap: &Keap) {
        self.is_to_end.notified().await;
        keap.stop().await;
    }

    /// Nothing of it goes on.
    fn bury(&self, id: ProcessId, gate: &Gate, owner: Uuid) {
        gate.set(Life::Dead);
        self.network.truth.hinders(self.number);
        self.disk.crash(owner);
        self.network.truth.died(id);
        self.network.conduct.died(id);
        self.network.truth.diary.note(format_args!("{id} is gone"));
    }

    async fn start(&self, id: ProcessId, gate: &Gate, owner: Uuid) -> Option<Keap> {
        let access = Access { network: self.network.clone(), process: id, gate: gate.clone() };
        let Parts { store, tokens, disk, clock, order, step } = self.parts(&access, owner);
        let builder = Keap::oauth(application()?, store, SealingKey::from_bytes(KEY))
            .clock(clock)
            .randomness(Arc::new(self.chance.fork()))
            .token_transport(tokens)
            .api_transport(Arc::new(access))
            .disk(disk)
            .journal("/var/lib/keapsake/journal")
            .policy(self.policy)
            .order(order)
            .step(step);
        match builder.start().await {
            Ok(keap) => Some(keap),
            Err(error) => {
                self.not_started(id, &error.to_string());
                None
            }
        }
    }

    /// What a process is built of.
    fn parts(&self, access: &Access, owner: Uuid) -> Parts {
        let disk = ProcessDisk {
            sim: self.disk.clone(),
            inner: self.disk.process(owner),
            access: access.clone(),
            does_not_sync: self.flaw == Some(Flaw::NoSync),
        };
        let reach =
            Reach { database: self.database.clone(), access: access.clone(), is_cut: self.is_cut.clone() };
        let parts = Parts {
            store: Arc::new(reach),
            tokens: Arc::new(access.clone()),
            disk: Arc::new(disk),
            clock: Arc::new(self.clock.of_process(access.gate.clone())),
            order: ORDER,
            step: super::record::step,
        };
        match self.flaw {
            Some(flaw) => flaw.build_into(parts, &self.flawed),
            None => parts,
        }
    }

    fn not_started(&self, id: ProcessId, error: &str) {
        let diary = &self.network.truth.diary;
        diary.count("starts that fail");
        diary.note(format_args!("{id} does not start: {error}"));
        if error.contains(CANARY) {
            diary.violation(format_args!("an error has a token in it: {error}"));
        }
        if self.network.weather.is_calm() && self.network.truth.calm() > Duration::from_mins(10) {
            diary.violation(format_args!("{id} does not start although nothing is wrong: {error}"));
        }
    }

    /// Ends what stands in its way.
    pub(crate) fn heal(&self) {
        self.is_cut.store(false, Ordering::Relaxed);
        self.disk.set_full(false);
        self.disk.set_read_only(false);
        if self.clock.offset() != self.skew {
            self.clock.set_offset(self.skew);
            self.network.truth.jumps(self.number);
        }
        if let Some(gate) = self.gate() {
            gate.set(Life::Running);
        }
    }
}

fn application() -> Option<Application> {
    let endpoints = Endpoints::under("https://keap.example").ok()?;
    let secret = ClientSecret::new(format!("{CANARY}secret"));
    Application::at(endpoints, "the-client", secret, "https://app.example/callback").ok()
}
