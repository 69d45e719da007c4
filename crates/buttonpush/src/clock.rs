//! Time comes in from outside, so that a test can move it.

pub use keapsake::{Clock, SystemClock};

pub(crate) use keapsake::clock::{later, until};
