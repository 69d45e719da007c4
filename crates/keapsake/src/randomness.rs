//! Randomness comes in from outside.

/// A source of random bytes fit for secrets.
pub trait Randomness: Send + Sync + 'static {
    /// Fills `bytes` with random ones.
    ///
    /// An implementation that cannot must panic: going on with predictable bytes would be worse.
    fn fill(&self, bytes: &mut [u8]);
}

/// The operating system's generator.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandomness;

impl Randomness for SystemRandomness {
    #[expect(clippy::disallowed_methods, reason = "this is where the real generator comes in")]
    #[expect(clippy::panic, reason = "without randomness no secret can be made; stopping is the safe answer")]
    fn fill(&self, bytes: &mut [u8]) {
        if let Err(error) = getrandom::fill(bytes) {
            panic!("the operating system gave no randomness: {error}");
        }
    }
}

/// `N` random bytes.
pub(crate) fn bytes<const N: usize>(randomness: &dyn Randomness) -> [u8; N] {
    let mut bytes = [0; N];
    randomness.fill(&mut bytes);
    bytes
}
