//! How much goes wrong in a run, decided by its seed: many are gentle, some are cruel.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use keapsake::clock::later;

use super::chance::Chance;
use super::clock::TrueTime;
use super::fault::{BUSY, FAILING, FAMILIES, Fault, MISCONFIGURED, Outage, UNREACHED};
use super::gate::Life;

/// Rates are in a million.
#[derive(Debug)]
pub(crate) struct Weather {
    chance: Chance,
    token_calls: u32,
    api_calls: u32,
    store_calls: u32,
    disk_calls: u32,
    steps: u32,
    saves: u32,
    /// Mean spans between mishaps of a whole run, by kind.
    pub(crate) mishaps: Mishaps,
    outages: Vec<Outage>,
    is_calm: AtomicBool,
}

/// How often, in a run, on average.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mishaps {
    pub(crate) crashes: u64,
    pub(crate) pauses: u64,
    pub(crate) clock_jumps: u64,
    pub(crate) store_outages: u64,
    pub(crate) failovers: u64,
    pub(crate) restores: u64,
    pub(crate) full_disks: u64,
    pub(crate) removals: u64,
    pub(crate) disconnections: u64,
}

const GENTLE: Mishaps = Mishaps {
    crashes: 3,
    pauses: 1,
    clock_jumps: 0,
    store_outages: 1,
    failovers: 0,
    restores: 0,
    full_disks: 0,
    removals: 0,
    disconnections: 0,
};

const ROUGH: Mishaps = Mishaps {
    crashes: 30,
    pauses: 10,
    clock_jumps: 2,
    store_outages: 5,
    failovers: 1,
    restores: 0,
    full_disks: 1,
    removals: 1,
    disconnections: 1,
};

const CRUEL: Mishaps = Mishaps {
    crashes: 300,
    pauses: 60,
    clock_jumps: 6,
    store_outages: 20,
    failovers: 3,
    restores: 1,
    full_disks: 3,
    removals: 1,
    disconnections: 2,
};

impl Weather {
    pub(crate) fn of(chance: &Chance, days: u64) -> Self {
        let (rate, mishaps, most_outages) = match chance.between(0, 9) {
            0..=4 => (10_000, GENTLE, 1),
            5..=7 => (100_000, ROUGH, 3),
            _ => (400_000, CRUEL, 6),
        };
        let outages = (0..chance.between(0, most_outages)).map(|_| outage(chance, days)).collect();
        Self {
            chance: chance.fork(),
            token_calls: rate,
            api_calls: rate / 10,
            store_calls: rate / 500,
            disk_calls: rate / 20,
            steps: rate / 100,
            saves: rate / 40,
            mishaps,
            outages,
            is_calm: AtomicBool::new(false),
        }
    }

    /// From now on nothing goes wrong any more.
    pub(crate) fn calm_down(&self) {
        self.is_calm.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_calm(&self) -> bool {
        self.is_calm.load(Ordering::Relaxed)
    }

    /// What goes wrong with a token call now.
    pub(crate) fn token_fault(&self, now: Timestamp) -> Option<Fault> {
        if self.is_calm() {
            return None;
        }
        let outage = self.outages.iter().find(|outage| outage.is_at(now));
        if let Some(outage) = outage.filter(|_| !self.chance.once_in(10)) {
            return self.chance.one_of(outage.family);
        }
        self.chance.in_a_million(self.token_calls).then(|| self.any_fault()).flatten()
    }

    fn any_fault(&self) -> Option<Fault> {
        let all: u64 = FAMILIES.iter().map(|(_, weight)| weight).sum();
        let mut roll = self.chance.between(1, all);
        let (family, _) = FAMILIES.iter().find(|(_, weight)| {
            let is_it = roll <= *weight;
            roll = roll.saturating_sub(*weight);
            is_it
        })?;
        self.chance.one_of(family)
    }

    pub(crate) fn breaks_api_call(&self, chance: &Chance) -> bool {
        !self.is_calm() && chance.in_a_million(self.api_calls)
    }

    pub(crate) fn breaks_store_call(&self) -> bool {
        !self.is_calm() && self.chance.in_a_million(self.store_calls)
    }

    /// What becomes of a process that takes a step.
    pub(crate) fn mishap_at_a_step(&self) -> Option<Life> {
        if self.is_calm() || !self.chance.in_a_million(self.steps) {
            return None;
        }
        Some(if self.chance.once_in(3) { Life::Paused } else { Life::Dead })
    }

    /// Whether the database forgets what it saves now, a little later.
    pub(crate) fn forgets_a_save(&self) -> bool {
        !self.is_calm() && self.chance.in_a_million(self.saves)
    }

    pub(crate) fn breaks_disk_call(&self) -> bool {
        !self.is_calm() && self.chance.in_a_million(self.disk_calls)
    }
}

fn outage(chance: &Chance, days: u64) -> Outage {
    let within = Duration::from_hours(days * 24);
    let from = later(TrueTime::beginning(), chance.span(Duration::from_hours(1), within));
    let lasts = chance.any_span(Duration::from_mins(1), Duration::from_hours(96));
    let families: [&'static [Fault]; 5] = [&UNREACHED, &UNREACHED, &FAILING, &BUSY, &MISCONFIGURED];
    Outage { from, lasts, family: chance.one_of(&families).unwrap_or(&UNREACHED) }
}
