//! Lives through seeds: `simulate --seeds 0..2000`, `simulate --for 10m`, `simulate --seed 17` (prints everything).

use std::ops::Range;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use keapsake_simulation::flaw::Flaw;
use keapsake_simulation::world::{self, Settings};

/// Months of a connection's life in a world where everything goes wrong.
#[derive(Parser)]
struct Arguments {
    /// Which seeds, as `0..2000`.
    #[arg(long, value_parser = range, default_value = "0..200")]
    seeds: Range<u64>,
    /// One seed; everything that happens is printed.
    #[arg(long)]
    seed: Option<u64>,
    /// Goes on with the seeds that follow until this time is over (`90s`, `10m`, `2h`).
    #[arg(long = "for", value_parser = span)]
    time: Option<Duration>,
    /// How many virtual days each seed lives.
    #[arg(long, default_value_t = 45)]
    days: u64,
    /// A mistake to build in, by its name; stops at the first violation.
    #[arg(long, value_parser = flaw)]
    flaw: Option<Flaw>,
}

#[expect(clippy::print_stdout, reason = "this is what it is for")]
fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let Arguments { days, flaw, .. } = arguments;
    let settings = Settings { days, flaw, stops_early: flaw.is_some() };
    let report = match (arguments.seed, arguments.time) {
        (Some(seed), _) => world::replay(seed, settings),
        (None, Some(time)) => until(arguments.seeds.start, time, settings),
        (None, None) => world::simulate(arguments.seeds, settings),
    };
    print!("{report}");
    if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn until(first: u64, time: Duration, settings: Settings) -> world::Report {
    let began = Instant::now();
    let (mut report, mut next) = (world::Report::default(), first);
    while began.elapsed() < time && report.is_clean() {
        report.merge(world::simulate(next..next + 100, settings));
        next += 100;
    }
    report
}

fn range(text: &str) -> Result<Range<u64>, String> {
    let (from, to) = text.split_once("..").ok_or("a range looks like 0..2000")?;
    let number = |text: &str| text.trim().parse::<u64>().map_err(|error| error.to_string());
    Ok(number(from)?..number(to)?)
}

fn flaw(name: &str) -> Result<Flaw, String> {
    let named = Flaw::ALL.iter().find(|flaw| format!("{flaw:?}") == name);
    named.copied().ok_or_else(|| format!("there are: {:?}", Flaw::ALL))
}

fn span(text: &str) -> Result<Duration, String> {
    let (number, unit) = text.split_at(text.len().saturating_sub(1));
    let number: u64 = number.parse().map_err(|_| "a time looks like 90s, 10m or 2h")?;
    match unit {
        "s" => Ok(Duration::from_secs(number)),
        "m" => Ok(Duration::from_secs(number * 60)),
        "h" => Ok(Duration::from_secs(number * 3600)),
        _ => Err("a time looks like 90s, 10m or 2h".into()),
    }
}
