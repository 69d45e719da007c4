//! A value that can be waited for. Whoever waits is woken in the order in which it came, always: a `watch` draws lots.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;

#[derive(Debug)]
pub(crate) struct Signal<T> {
    value: Mutex<T>,
    changed: Arc<Notify>,
}

impl<T: Copy + PartialEq> Signal<T> {
    pub(crate) fn new(value: T) -> Self {
        Self { value: Mutex::new(value), changed: Arc::new(Notify::new()) }
    }

    pub(crate) fn get(&self) -> T {
        *self.value.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set(&self, value: T) {
        *self.value.lock().unwrap_or_else(PoisonError::into_inner) = value;
        self.changed.notify_waiters();
    }

    /// Waits for the next change from now on, also when it is polled much later.
    pub(crate) fn changed(&self) -> OwnedNotified {
        self.changed.clone().notified_owned()
    }

    pub(crate) async fn until(&self, is_it: impl Fn(T) -> bool) -> T {
        loop {
            let changed = self.changed();
            let value = self.get();
            if is_it(value) {
                return value;
            }
            changed.await;
        }
    }
}
