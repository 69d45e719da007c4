//! No panic goes unnoticed, also where a task swallows it.

use std::cell::RefCell;
use std::sync::Once;

thread_local! {
    static PANICS: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

static HOOK: Once = Once::new();

/// The panics of this thread from here on.
pub(crate) struct Panics;

/// Notes the panics of this thread from here on, instead of printing them.
pub(crate) fn listen() -> Panics {
    HOOK.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let is_noted = PANICS.with_borrow_mut(|panics| {
                panics.as_mut().map(|panics| panics.push(panic.to_string())).is_some()
            });
            if !is_noted {
                usual(panic);
            }
        }));
    });
    PANICS.set(Some(Vec::new()));
    Panics
}

impl Panics {
    #[expect(clippy::unused_self, reason = "who has not begun to listen has heard nothing")]
    pub(crate) fn take(self) -> Vec<String> {
        PANICS.take().unwrap_or_default()
    }
}
