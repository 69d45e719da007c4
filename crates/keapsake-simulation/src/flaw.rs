//! Known mistakes, built in on purpose: whoever checks must find every one of them.

/// One mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {}
