//! `cargo xtask herd`: many processes find the same access token expired at the same moment. One of them refreshes it,
//! once, however long that takes, and no caller fails.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Args;
use serde_json::{Value, json};

use crate::duration;
use crate::keeper::{self, Keeper};
use crate::postgres::Server;
use crate::release;
use crate::world::{Reuse, StoreKind, World};

/// By then the access token, which lives a day, has expired.
const LATER: u32 = 25 * 3600;

/// A process has a pool of connections to the database, and one more to hear of changes.
const CONNECTIONS_OF_A_PROCESS: u32 = 8;

/// As long as callers wait by default, and some more on a busy machine.
const ANSWERED_WITHIN: Duration = Duration::from_mins(4);

/// Let many processes find the same access token expired at once: one refresh, no caller fails.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How many processes.
    #[arg(long, default_value_t = 50)]
    processes: u32,
    /// How many tasks in each make a call.
    #[arg(long, default_value_t = 100)]
    tasks: u32,
    /// Where the connection is kept.
    #[arg(long, value_enum, default_value_t = StoreKind::Sqlite)]
    store: StoreKind,
    /// How long Keap takes to answer a refresh, as `12s`.
    #[arg(long, value_parser = duration::parse, default_value = "0s")]
    token_latency: Duration,
    /// What Keap does with a refresh token that is used twice.
    #[arg(long, value_enum, default_value_t = Reuse::RevokeFamily)]
    reuse: Reuse,
    /// Use unoptimised programs.
    #[arg(long)]
    dev: bool,
}

/// Prints one line of JSON; fails unless there was one refresh, nobody failed, and the connection is alive.
pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    if options.dev {
        release::build_alike(keeper::PROGRAMS)?;
    } else if cfg!(debug_assertions) {
        return release::run_again(&[keeper::PROGRAMS]);
    }
    let outcome = Herd::gather(options)?.run(options)?;
    println!("{}", outcome.line(options));
    for error in outcome.errors.iter().take(10) {
        eprintln!("a caller failed: {error}");
    }
    Ok(if outcome.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

struct Herd {
    world: World,
    keepers: Vec<Keeper>,
}

/// How it went.
struct Outcome {
    refreshes: usize,
    callers: u64,
    failed: u64,
    errors: Vec<String>,
    alive: bool,
    took: Duration,
}

impl Herd {
    /// Everybody is there and waits for the signal; the access token is good.
    fn gather(options: &Options) -> anyhow::Result<Self> {
        let server = match options.store {
            StoreKind::Sqlite => None,
            StoreKind::Postgres => {
                Some(Server::with_room(options.processes.saturating_mul(CONNECTIONS_OF_A_PROCESS))?)
            }
        };
        let world = World::new("herd", server, options.reuse)?;
        world.sandbox.allow_many_connections()?;
        let mut first = world.keeper("one")?;
        first.is_ready()?;
        first.tell("connect acme")?;
        first.wait_for("connected", ANSWERED_WITHIN)?;
        first.stop()?;
        let keepers = (0..options.processes).map(|_| world.keeper_with("one", options.tasks, None));
        let mut keepers: Vec<_> = keepers.collect::<Result<_, _>>()?;
        keepers.iter_mut().try_for_each(Keeper::is_ready)?;
        Ok(Self { world, keepers })
    }

    /// The access token expires for all of them, and all tasks of all of them call.
    fn run(mut self, options: &Options) -> anyhow::Result<Outcome> {
        let latency = u64::try_from(options.token_latency.as_millis())?;
        let refreshes = self.count_refreshes(latency)?;
        let begun = Instant::now();
        self.world.advance(LATER, &mut self.keepers)?;
        self.keepers.iter_mut().try_for_each(|keeper| keeper.tell("go"))?;
        let answers = self.keepers.iter_mut().map(|keeper| keeper.wait_for("went", ANSWERED_WITHIN));
        let answers: Vec<Value> = answers.collect::<Result<_, _>>()?;
        let took = begun.elapsed();
        let refreshes = self.world.sandbox.control.struck(refreshes)?.requests;
        let (alive, more) = self.refreshes_once_more()?;
        let sum = |name: &str| answers.iter().filter_map(|answer| answer[name].as_u64()).sum();
        let errors = answers.iter().filter_map(|answer| answer["errors"].as_array()).flatten();
        Ok(Outcome {
            refreshes: refreshes + more,
            callers: sum("calls"),
            failed: sum("failed"),
            errors: errors.filter_map(Value::as_str).map(str::to_owned).collect(),
            alive,
            took,
        })
    }

    /// From now on, answered so late; says under which number they are counted.
    fn count_refreshes(&self, latency: u64) -> anyhow::Result<u64> {
        let control = self.world.sandbox.control;
        control.clear_faults()?;
        control.add_fault(&json!({"kind": "delay", "operation": "refresh", "delay_ms": latency}))
    }

    /// Whether a refresh that somebody asks for works, and how many others came meanwhile: late ones, of the herd.
    fn refreshes_once_more(&mut self) -> anyhow::Result<(bool, usize)> {
        let counted = self.count_refreshes(0)?;
        let keeper = self.keepers.first_mut().context("a herd has at least one process")?;
        keeper.tell("refresh")?;
        let refreshed = keeper.wait_for("refreshed", ANSWERED_WITHIN)?;
        keeper.tell("call")?;
        let called = keeper.wait_for("called", ANSWERED_WITHIN)?;
        let grant = self.world.sandbox.control.grant()?;
        let alive = refreshed["ok"] == true
            && called["ok"] == true
            && called["generation"] == grant.generation
            && grant.reuses == 0
            && !grant.is_revoked;
        let more = self.world.sandbox.control.struck(counted)?.requests;
        Ok((alive, more.saturating_sub(1)))
    }
}

impl Outcome {
    fn is_good(&self) -> bool {
        self.refreshes == 1 && self.failed == 0 && self.alive
    }

    fn line(&self, options: &Options) -> Value {
        json!({
            "refreshes": self.refreshes,
            "callers": self.callers,
            "failed": self.failed,
            "alive": self.alive,
            "store": options.store.word(),
            "reuse": options.reuse.word(),
            "processes": options.processes,
            "token_latency_s": options.token_latency.as_secs_f64(),
            "seconds": (self.took.as_secs_f64() * 10.0).round() / 10.0,
        })
    }
}
