//! ButtonPush in a real browser: the whole binary, Chromium, and the sandbox of Keap.
//!
//! These run when `KEAPSAKE_BROWSER` is `required`, and need `chromium` and `chromedriver` on the path. Every page that
//! is looked at is checked, and leaves its pictures in `target/screenshots`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

// What the walks stand on.
mod application;
mod browser;
mod driver;
mod sandbox;
mod steps;

// The walks: one browser and one application each.
mod walk_cross_site;
mod walk_keap_texts;
mod walk_pages;
mod walk_panel;
mod walk_story;
