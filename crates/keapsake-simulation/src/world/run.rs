//! One seed: a world is made, lives, comes to rest, and is judged.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::SignedDuration;
use keapsake::connection::policy::Policy;
use keapsake::journal::disk::SimDisk;
use tokio::sync::Notify;
use tokio::time::sleep;

use super::Settings;
use super::chance::Chance;
use super::clock::{MachineClock, TrueTime};
use super::conduct::Conduct;
use super::database::Database;
use super::diary::{Diary, Pages};
use super::host::Host;
use super::keap::{Habits, Keap, Reuse};
use super::listener::Listener;
use super::mishaps;
use super::network::Network;
use super::people::People;
use super::record::{Seen, take_seen};
use super::truth::Truth;
use super::weather::Weather;

/// What one seed came to.
pub(crate) struct Outcome {
    pub(crate) pages: Pages,
    pub(crate) seen: BTreeSet<Seen>,
}

/// Lives through one seed.
pub(crate) fn run(seed: u64, settings: &Settings, is_printed: bool) -> Outcome {
    let panics = super::panics::listen();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let Ok(runtime) = runtime else { return Outcome { pages: Pages::default(), seen: BTreeSet::new() } };
    let diary = runtime.block_on(async {
        let diary = Diary::begin(TrueTime::begin(), is_printed);
        let listener = tracing::subscriber::set_default(Listener(diary.clone()));
        World::new(seed, settings, &diary).live(settings).await;
        drop(listener);
        diary
    });
    drop(runtime);
    for panic in panics.take() {
        diary.violation(format_args!("a panic: {panic}"));
    }
    Outcome { pages: diary.close(), seen: take_seen() }
}

struct World {
    people: People,
    chance: Chance,
    policy: Policy,
}

impl World {
    fn new(seed: u64, settings: &Settings, diary: &Diary) -> Self {
        let chance = Chance::new(seed);
        let (habits, policy) = habits(&chance);
        diary.note(format_args!("{habits:?} {policy:?}"));
        let hosts = usize::try_from(chance.between(1, 3)).unwrap_or(1);
        let truth = Truth::new(diary.clone(), hosts);
        let network = Arc::new(Network {
            keap: Arc::new(Keap::new(habits, truth.clone(), chance.fork())),
            weather: Arc::new(Weather::of(&chance, settings.days)),
            conduct: Conduct::new(truth.clone(), !matches!(policy, Policy::Grace(_))),
            truth,
            chance: chance.fork(),
            forgot: Mutex::default(),
        });
        let database = Arc::new(Database::new(diary.time()));
        let flawed = Arc::default();
        let hosts: Vec<_> = (0..hosts)
            .map(|number| Arc::new(host(number, &chance, &network, &database, policy, settings, &flawed)))
            .collect();
        let people = People { hosts: hosts.into(), network, database, chance: chance.fork() };
        Self { people, chance, policy }
    }

    async fn live(self, settings: &Settings) {
        let People { hosts, network, database, .. } = &self.people;
        let days = Duration::from_hours(24 * settings.days);
        for host in hosts.iter() {
            tokio::spawn(host.clone().supervise());
            let every = self.chance.any_span(Duration::from_mins(10), Duration::from_hours(6));
            tokio::spawn(self.people.clone().call_from(host.clone(), every));
        }
        let administrator = tokio::spawn(self.people.clone().administrate());
        let mishaps = tokio::spawn(mishaps::happen(self.people.clone(), network.weather.mishaps, days));
        sleep(days).await;
        network.truth.diary.note(format_args!("calm"));
        network.weather.calm_down();
        mishaps.abort();
        administrator.abort();
        database.set_down(false);
        hosts.iter().for_each(|host| host.heal());
        sleep(self.time_to_rest()).await;
        super::judgement::judge(&self.people).await;
    }

    /// Where a second use revokes everything, nothing is tried before the access token is about to end.
    fn time_to_rest(&self) -> Duration {
        match self.policy {
            Policy::ReuseRevokes => Duration::from_hours(30),
            _ => Duration::from_hours(3),
        }
    }
}

fn host(
    number: usize,
    chance: &Chance,
    network: &Arc<Network>,
    database: &Arc<Database>,
    policy: Policy,
    settings: &Settings,
    flawed: &Arc<crate::flaw::Shared>,
) -> Host {
    let skew = i64::try_from(chance.between(0, 180_000)).unwrap_or_default() - 90_000;
    let skew = SignedDuration::from_millis(skew);
    Host {
        number,
        clock: MachineClock::new(network.truth.diary.time(), skew),
        disk: SimDisk::new(chance.next()),
        skew,
        network: network.clone(),
        database: database.clone(),
        chance: chance.fork(),
        policy,
        flaw: settings.flaw,
        flawed: flawed.clone(),
        is_cut: Arc::default(),
        process: Mutex::default(),
        downtime: Mutex::default(),
        is_to_end: Notify::new(),
    }
}

/// What Keap is like, and what is known of it.
fn habits(chance: &Chance) -> (Habits, Policy) {
    let grace = chance.span(Duration::from_mins(1), Duration::from_mins(30));
    let reuse = match chance.between(0, 9) {
        0..=5 => Reuse::Rejected,
        6 | 7 => Reuse::RevokesFamily,
        _ => Reuse::Graced(grace),
    };
    let hours = chance.one_of(&[24, 24, 24, 8, 1]).unwrap_or(24);
    let habits = Habits {
        reuse,
        refresh_ends_access: chance.once_in(2),
        access_life: Duration::from_hours(hours),
        says_invalid_request: chance.once_in(2),
    };
    let is_measured = chance.once_in(2);
    let policy = match reuse {
        _ if !is_measured => Policy::Unmeasured,
        Reuse::Graced(grace) => Policy::Grace(grace),
        Reuse::RevokesFamily => Policy::ReuseRevokes,
        Reuse::Rejected if habits.refresh_ends_access => Policy::AccessTokenTells,
        Reuse::Rejected => Policy::Unmeasured,
    };
    (habits, policy)
}
