//! Proves that Keapsake does not lose a connection, with the very code that runs in production.
//!
//! - [`model`]: every interleaving of a few processes, found by a model checker over the pure machine.
//! - [`machine`]: the reference page of the machine, made by asking it.
//! - [`world`]: months of virtual time with faults everywhere, decided by a seed; the same seed, the same run.
//! - [`flaw`]: known mistakes, built in on purpose: whoever checks must find every one of them.

#![forbid(unsafe_code)]

pub mod flaw;
pub mod machine;
pub mod model;
pub mod world;
