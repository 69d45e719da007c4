#![doc = include_str!("../README.md")]

mod assets;
mod cookie;
mod gate;
mod headers;
mod journal_files;
mod moments;
mod page;
mod pages;
mod panel;
mod router;
mod spent;
mod timeline;
mod words;

pub use assets::needs_no_session;
pub use gate::{Admin, Gate};
pub use panel::Panel;
