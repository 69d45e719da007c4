//! ButtonPush: people sign up, press a button, and the company's Keap account knows.
//!
//! A small but complete web application. [`config`] says what it has to be told, [`start`] joins its parts,
//! [`web`] is the table of contents of its pages, and `keap` is the only module that knows the Keap SDK.

pub mod accounts;
pub mod app;
pub mod clock;
pub mod config;
pub mod data_directory;
pub mod database;
pub mod keap;
pub mod presses;
mod private_file;
pub mod sandbox;
pub mod server;
pub mod sessions;
pub mod start;
pub mod token;
pub mod tour;
pub mod trouble;
pub mod web;
