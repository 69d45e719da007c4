//! The tour through the whole story.

/// Not there yet.
#[expect(clippy::unused_async, reason = "the tour is not written yet")]
pub async fn run() -> anyhow::Result<()> {
    anyhow::bail!("the tour is not there yet")
}
