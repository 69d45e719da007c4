//! Randomness that the same seed brings again.

use std::time::Duration;

/// `SplitMix64`: small, and good enough for choices.
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Less than `end`, which is more than nothing.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    /// Up to this long, to the microsecond.
    pub(crate) fn up_to(&mut self, longest: Duration) -> Duration {
        let micros = u64::try_from(longest.as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros(self.below(micros.saturating_add(1)))
    }

    /// True so many times out of a hundred.
    pub(crate) fn percent(&mut self, of_hundred: u64) -> bool {
        self.below(100) < of_hundred
    }

    /// One of a table, each as often as its weight says.
    pub(crate) fn pick<'a, T>(&mut self, table: &'a [(u64, T)]) -> Option<&'a T> {
        let mut at = self.below(table.iter().map(|(weight, _)| weight).sum());
        table.iter().find_map(|(weight, choice)| {
            let is_it = at < *weight;
            at = at.saturating_sub(*weight);
            is_it.then_some(choice)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_brings_the_same() {
        let [mut one, mut two] = [Dice::new(7), Dice::new(7)];
        for _ in 0..100 {
            assert_eq!(one.below(1_000), two.below(1_000));
        }
    }

    #[test]
    fn everything_in_a_table_comes_as_often_as_its_weight_says() {
        let mut dice = Dice::new(1);
        let mut counts = [0_u32; 3];
        for _ in 0..10_000 {
            counts[*dice.pick(&[(70, 0), (30, 1), (0, 2)]).unwrap()] += 1;
        }
        assert!((6_500..7_500).contains(&counts[0]) && counts[2] == 0, "{counts:?}");
        assert_eq!(dice.pick::<u32>(&[]), None);
    }
}
