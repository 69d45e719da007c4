//! Accidents: each test is named after the one it prevents.

mod crashes;
mod damage;
mod faults;
mod files;
mod replacing;
mod sharing;
mod storm;
mod world;
