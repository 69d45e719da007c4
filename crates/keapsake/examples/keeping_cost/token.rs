//! A token that is good, as every call gets it.

use std::fs;
use std::hint::black_box;
use std::pin::pin;
use std::sync::{Arc, Barrier};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use keapsake::Keap;
use keapsake::clock::{Clock as _, SystemClock};

use crate::world::{Result, World};

const THREADS: usize = 2;
const ROUNDS: usize = 15;
/// Of each kind in a round, by each thread.
const TIMES: u32 = 1_000_000;

/// Beside the least that could do: a clone of what is shared, and a look at the clock.
pub(crate) async fn cost(world: &World) -> Result<String> {
    let keap = world.start(&world.store("token.db").await?).await?;
    world.connect(&keap).await?;
    let shared = Arc::new([0_u8; 64]);
    let (mut tokens, mut clones) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        tokens.push(on_all_threads(|| take_token(&keap))?);
        clones.push(on_all_threads(|| {
            black_box(Arc::clone(&shared));
            black_box(SystemClock.now()) > Timestamp::UNIX_EPOCH
        })?);
    }
    keap.stop().await;
    let (token, clone) = (median(tokens), median(clones));
    Ok(format!(
        "{token:.0} ns, an Arc clone with a look at the clock {clone:.0} ns, ratio {:.2} \
         (processor time, {THREADS} threads, median of {ROUNDS} rounds of {TIMES})",
        token / clone
    ))
}

/// It is there at once: nothing has to be waited for, and no runtime is measured.
fn take_token(keap: &Keap) -> bool {
    let ready = pin!(keap.ready()).poll(&mut Context::from_waker(Waker::noop()));
    matches!(ready, Poll::Ready(Ok(())))
}

/// Nanoseconds for one.
fn on_all_threads(take: impl Fn() -> bool + Sync) -> Result<f64> {
    let begin = Barrier::new(THREADS);
    let took: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(|| many(&begin, &take))).collect();
        threads.into_iter().map(|thread| thread.join().ok().flatten()).collect()
    });
    let took: Option<Vec<Duration>> = took.into_iter().collect();
    let longest = took.and_then(|took| took.into_iter().max()).ok_or("there was no token at once")?;
    Ok(longest.as_secs_f64() * 1e9 / f64::from(TIMES))
}

fn many(begin: &Barrier, take: &impl Fn() -> bool) -> Option<Duration> {
    begin.wait();
    let before = processor_time()?;
    (0..TIMES).all(|_| take()).then_some(())?;
    Some(processor_time()?.saturating_sub(before))
}

/// Of this thread: another program that wants the processor is not counted.
fn processor_time() -> Option<Duration> {
    let text = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(Duration::from_nanos(text.split_whitespace().next()?.parse().ok()?))
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or(f64::NAN)
}
