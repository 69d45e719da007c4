//! The one source of chance: the same seed, the same rolls.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use keapsake::randomness::Randomness;

/// A stream of random numbers (`SplitMix64`). Clones draw from the same stream; [`fork`](Chance::fork) begins another.
#[derive(Debug, Clone)]
pub(crate) struct Chance(Arc<Mutex<u64>>);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(seed)))
    }

    /// Another stream, so that what one part of the world draws does not change what the others get.
    pub(crate) fn fork(&self) -> Self {
        Self::new(self.next())
    }

    pub(crate) fn next(&self) -> u64 {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From `least` to `most`, both included.
    pub(crate) fn between(&self, least: u64, most: u64) -> u64 {
        least + self.next() % (most - least + 1)
    }

    /// True so many times in a million.
    pub(crate) fn in_a_million(&self, times: u32) -> bool {
        self.next() % 1_000_000 < u64::from(times)
    }

    /// True once in so many times.
    pub(crate) fn once_in(&self, times: u64) -> bool {
        self.next().is_multiple_of(times)
    }

    /// A span between the two, to the millisecond.
    pub(crate) fn span(&self, least: Duration, most: Duration) -> Duration {
        Duration::from_millis(self.between(millis(least), millis(most)))
    }

    /// A span of any order of magnitude between the two: short ones are as likely as long ones.
    pub(crate) fn any_span(&self, least: Duration, most: Duration) -> Duration {
        let (mut low, most) = (millis(least).max(1), millis(most));
        let mut high = most;
        while low * 2 < high {
            let middle = low.saturating_mul(high).isqrt();
            if self.once_in(2) { low = middle } else { high = middle }
        }
        Duration::from_millis(self.between(low, high))
    }

    /// One of these.
    pub(crate) fn one_of<T: Copy>(&self, choices: &[T]) -> Option<T> {
        let count = u64::try_from(choices.len()).ok().filter(|count| *count > 0)?;
        choices.get(usize::try_from(self.next() % count).ok()?).copied()
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

impl Randomness for Chance {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let random = self.next().to_le_bytes();
            chunk.iter_mut().zip(random).for_each(|(byte, random)| *byte = random);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_keep_their_bounds_and_short_ones_are_common() {
        let chance = Chance::new(1);
        let (second, day) = (Duration::from_secs(1), Duration::from_hours(24));
        let spans: Vec<_> = (0..1_000).map(|_| chance.any_span(second, day)).collect();
        assert!(spans.iter().all(|span| (second..=day).contains(span)));
        assert!(spans.iter().filter(|span| **span < Duration::from_mins(5)).count() > 300);
    }
}
