//! The simulation, run for a few minutes at most; `cargo xtask torture` runs it for hours.

mod flaws;
mod worlds;
