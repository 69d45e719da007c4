//! Callbacks that were accepted here lately.
//!
//! Keap's answer is good once. When the same browser brings the same answer again (a double click, a reload), it is
//! led to the panel instead of being told off.

use std::collections::VecDeque;

use keapsake::secret::BrowserKey;
use sha2::{Digest as _, Sha256};
use tokio::sync::{Mutex, MutexGuard};

/// More than anybody connects in ten minutes.
const REMEMBERED: usize = 64;

/// An answer together with the browser that brought it.
pub(crate) type Mark = [u8; 32];

#[derive(Default)]
pub(crate) struct Spent(Mutex<VecDeque<Mark>>);

impl Spent {
    /// Holding it, one callback is received at a time: a double sees what the first one did.
    pub(crate) async fn lock(&self) -> MutexGuard<'_, VecDeque<Mark>> {
        self.0.lock().await
    }
}

/// Remembers one and forgets the oldest.
pub(crate) fn remember(marks: &mut VecDeque<Mark>, mark: Mark) {
    marks.truncate(REMEMBERED - 1);
    marks.push_front(mark);
}

/// Tells answers and browsers apart without keeping either.
pub(crate) fn mark(query: &str, key: Option<&BrowserKey>) -> Mark {
    let mut hash = Sha256::new();
    hash.update(key.map_or("", BrowserKey::expose));
    // No cookie has this character.
    hash.update(";");
    hash.update(query);
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_are_forgotten() {
        let mut marks = VecDeque::new();
        for number in 0..=u8::try_from(REMEMBERED).unwrap() {
            remember(&mut marks, [number; 32]);
        }
        assert_eq!(marks.len(), REMEMBERED);
        assert!(!marks.contains(&[0; 32]));
        assert!(marks.contains(&[1; 32]));
    }

    #[test]
    fn another_browser_leaves_another_mark() {
        let key = BrowserKey::new("a");
        assert_eq!(mark("code=1", Some(&key)), mark("code=1", Some(&key)));
        assert_ne!(mark("code=1", Some(&key)), mark("code=1", None));
        assert_ne!(mark("code=1", Some(&key)), mark("code=2", Some(&key)));
    }
}
