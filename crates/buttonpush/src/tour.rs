//! `buttonpush tour`: the whole story by itself, over HTTP as browsers would, against the built-in sandbox.
//!
//! - `story`: the steps, as a table.
//! - `browser`: somebody at a browser.
//! - `html`: the forms of a page.
//! - `keap`: what Keap truly holds, by the sandbox's own records.

pub mod browser;
mod html;
mod keap;
mod story;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;

use crate::config::{Config, Sources};
use crate::start::{Running, start};
use crate::token::Token;
use crate::trouble::Trouble;
use story::{STEPS, Story};

/// Starts everything in a fresh directory, goes through the story, and says after each step what Keap holds.
///
/// # Errors
/// Names the step that failed, what was expected and what was seen. A build without the sandbox says so.
pub async fn run() -> anyhow::Result<()> {
    if cfg!(not(feature = "sandbox")) {
        return Err(no_sandbox().into());
    }
    let folder = std::env::temp_dir().join(format!("buttonpush-tour-{}", Token::random::<8>()?.reveal()));
    let outcome = walk(&folder).await;
    let removed = std::fs::remove_dir_all(&folder);
    // What went wrong in the story says more than what went wrong in clearing up behind it.
    outcome.and(removed.with_context(|| format!("{} could not be removed", folder.display())))
}

fn no_sandbox() -> Trouble {
    Trouble::new(
        "The tour",
        "needs the built-in sandbox, and this build has none.",
        "it is a production build, made with --no-default-features",
        "take the tour with a build that has the sandbox: cargo run -- tour",
    )
}

async fn walk(folder: &Path) -> anyhow::Result<()> {
    let running = start(settings(folder.to_owned())?).await?;
    let outcome = tell(&running).await;
    outcome.and(running.stop().await)
}

/// On free ports, so that the tour can be taken beside a running ButtonPush.
fn settings(folder: PathBuf) -> anyhow::Result<Config> {
    let environment = [
        ("BUTTONPUSH_LISTEN".into(), "127.0.0.1:0".into()),
        ("BUTTONPUSH_DATA".into(), folder.into_os_string()),
    ];
    Ok(Config::load(Sources { environment: environment.into(), file: None })?)
}

async fn tell(running: &Running) -> anyhow::Result<()> {
    let mut story = Story::begin(running)?;
    let mut out = std::io::stdout();
    let began = Instant::now();
    for (number, (title, step)) in (1..).zip(STEPS) {
        let step_began = Instant::now();
        step(&mut story).await.with_context(|| format!("step {number} failed: {title}"))?;
        writeln!(out, "ok {number:>2}  {title}  [{}]", seconds(step_began.elapsed()))?;
        writeln!(out, "       Keap holds {}", story.keap.summary().await?)?;
    }
    writeln!(out, "\nThe whole story, {} steps, in {}.", STEPS.len(), seconds(began.elapsed()))?;
    Ok(())
}

fn seconds(span: Duration) -> String {
    format!("{}.{:02} s", span.as_secs(), span.subsec_millis() / 10)
}
