//! `cargo xtask torture`: the long tests, in rounds until the time is over, with figures at the end.
//!
//! Each part is a program of its own ([`simulation`]) or real processes ([`kills`], [`crowd`]) on a [`World`] of their
//! own. What happens in a round follows from its seed, as far as processes can be made to follow.
//!
//! [`World`]: crate::world::World

mod crowd;
mod disruption;
mod kills;
mod ordeal;
mod settling;
mod simulation;
mod tally;

use std::process::ExitCode;
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime};

use clap::{Args, ValueEnum};

use crate::postgres::Server;
use crate::{duration, keeper, release};
use crowd::Crowd;
use kills::Kills;
use ordeal::endure;
use tally::Tally;

/// What is built for the parts without keepers.
const SIMULATIONS: &[&str] = &["-p", "keapsake-simulation", "--bin", "simulate", "--bin", "check_model"];

/// No round of a part is longer, so that every part has its turn also when there is little time.
const LONGEST_TURN: Duration = Duration::from_mins(5);

/// A few keepers with their pools.
const CONNECTIONS: u32 = 50;

/// Run the long tests in rounds until the time is over: simulation, model, and real processes that are killed, paused
/// and misled.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// For how long, as `10m`.
    #[arg(long = "for", value_name = "DURATION", value_parser = duration::parse, default_value = "10m")]
    time: Duration,
    /// Just this part; may be repeated.
    #[arg(long, value_name = "PART")]
    only: Vec<Part>,
    /// The first round's seed; the next has the next. A short `--for` makes it the only one.
    #[arg(long)]
    seed: Option<u64>,
    /// Use unoptimised programs.
    #[arg(long)]
    dev: bool,
}

/// One of the long tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Seeded runs of 45 virtual days, with faults everywhere.
    Simulation,
    /// The pure machine in all its states, with larger bounds than in the tests.
    Model,
    /// A keeper is killed again and again, on a file.
    KillsSqlite,
    /// The same on a PostgreSQL database.
    KillsPostgres,
    /// Several keepers on one file are killed, paused and told wrong times.
    CrowdSqlite,
    /// The same on a PostgreSQL database that loses its connections and is restarted.
    CrowdPostgres,
}

impl Part {
    fn has_keepers(self) -> bool {
        !matches!(self, Self::Simulation | Self::Model)
    }

    /// Its share of the time.
    fn weight(self) -> u32 {
        match self {
            Self::Simulation => 8,
            Self::Model => 2,
            Self::KillsSqlite => 5,
            Self::KillsPostgres | Self::CrowdSqlite => 3,
            Self::CrowdPostgres => 4,
        }
    }
}

/// What a part that needs a database is on.
struct Servers {
    private: Option<Rc<Server>>,
}

/// A turn of a part: how long, and what it begins with.
#[derive(Debug, Clone, Copy)]
struct Turn {
    until: Instant,
    seed: u64,
}

/// Fails on a violation.
pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let programs = options.programs();
    if options.dev {
        programs.iter().try_for_each(|programs| release::build_alike(programs))?;
    } else if cfg!(debug_assertions) {
        return release::run_again(&programs);
    }
    let end = Instant::now() + options.time;
    let mut servers = Servers { private: None };
    let mut tally = Tally::default();
    let mut seed = options.seed.unwrap_or_else(seed_of_the_day);
    let mut is_first = true;
    while is_first || Instant::now() < end {
        for (part, length) in options.turns(end) {
            let turn = Turn { until: Instant::now() + length, seed };
            eprintln!("torture: {} for {} s, seed {seed}", part.word(), length.as_secs());
            part.take(turn, is_first, options, &mut servers, &mut tally)?;
            seed = seed.wrapping_add(1);
        }
        is_first = false;
    }
    print!("{tally}");
    Ok(if tally.has_violations() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

impl Options {
    fn parts(&self) -> Vec<Part> {
        let all = Part::value_variants().iter().copied();
        all.filter(|part| self.only.is_empty() || self.only.contains(part)).collect()
    }

    /// What has to be built for the parts.
    fn programs(&self) -> Vec<&'static [&'static str]> {
        let (with, without): (Vec<_>, Vec<_>) = self.parts().into_iter().partition(|part| part.has_keepers());
        let programs = [(with, keeper::PROGRAMS), (without, SIMULATIONS)];
        programs.into_iter().filter(|(parts, _)| !parts.is_empty()).map(|(_, programs)| programs).collect()
    }

    /// The parts of a round, and how long each may take.
    fn turns(&self, end: Instant) -> Vec<(Part, Duration)> {
        let parts = self.parts();
        let weights: u32 = parts.iter().map(|part| part.weight()).sum();
        let left = end.saturating_duration_since(Instant::now());
        let share = |part: &Part| (left * part.weight() / weights.max(1)).min(LONGEST_TURN);
        parts.iter().map(|part| (*part, share(part))).collect()
    }
}

impl Part {
    fn word(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    fn take(
        self,
        turn: Turn,
        is_first: bool,
        options: &Options,
        servers: &mut Servers,
        tally: &mut Tally,
    ) -> anyhow::Result<()> {
        let dev = if options.dev { " --dev" } else { "" };
        let replay = format!("cargo xtask torture --only {} --seed {} --for 1s{dev}", self.word(), turn.seed);
        match self {
            Self::Simulation => simulation::run(turn, tally),
            // It is the same each time.
            Self::Model if is_first => simulation::check_model(tally),
            Self::Model => Ok(()),
            Self::KillsSqlite => endure::<Kills>(turn, None, &replay, tally),
            Self::KillsPostgres => endure::<Kills>(turn, Some(&servers.get()?), &replay, tally),
            Self::CrowdSqlite => endure::<Crowd>(turn, None, &replay, tally),
            Self::CrowdPostgres => endure::<Crowd>(turn, Some(&servers.get()?), &replay, tally),
        }
    }
}

impl Servers {
    /// One of our own: it is restarted.
    fn get(&mut self) -> anyhow::Result<Rc<Server>> {
        if let Some(server) = &self.private {
            return Ok(server.clone());
        }
        let server = Server::private(CONNECTIONS)?;
        self.private = Some(server.clone());
        Ok(server)
    }
}

fn seed_of_the_day() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    since.as_secs()
}

impl Turn {
    fn is_over(&self) -> bool {
        Instant::now() >= self.until
    }
}
