//! Everything that happens in a run, in order: counted, summed up in one number, and printed when somebody wants to
//! read it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::clock::TrueTime;

/// Shared by everything in one world.
#[derive(Clone)]
pub(crate) struct Diary {
    time: TrueTime,
    is_printed: bool,
    pages: Arc<Mutex<Pages>>,
}

/// What it comes to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pages {
    /// The same for the same run.
    pub(crate) sum: u64,
    /// How often each kind of thing happened.
    pub(crate) counts: BTreeMap<&'static str, u64>,
    /// What must never happen, and did.
    pub(crate) violations: Vec<String>,
}

impl Diary {
    pub(crate) fn begin(time: TrueTime, is_printed: bool) -> Self {
        Self { time, is_printed, pages: Arc::default() }
    }

    pub(crate) fn time(&self) -> TrueTime {
        self.time
    }

    /// Something happened.
    pub(crate) fn note(&self, what: fmt::Arguments<'_>) {
        let line = format!("{} {what}", self.time.now());
        if self.is_printed {
            println(&line);
        }
        let mut pages = self.pages();
        // What happens at the same moment has no order.
        pages.sum = pages.sum.wrapping_add(fnv(&line));
    }

    /// Something of this kind happened.
    pub(crate) fn count(&self, kind: &'static str) {
        *self.pages().counts.entry(kind).or_default() += 1;
    }

    /// Something happened that must never happen.
    pub(crate) fn violation(&self, what: fmt::Arguments<'_>) {
        self.note(format_args!("VIOLATION {what}"));
        let line = format!("{} {what}", self.time.now());
        self.pages().violations.push(line);
    }

    pub(crate) fn close(&self) -> Pages {
        self.pages().clone()
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[expect(clippy::print_stdout, reason = "the trace of a replayed run is for people")]
fn println(line: &str) {
    println!("{line}");
}

/// FNV-1a.
fn fnv(line: &str) -> u64 {
    line.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
