//! A program that keeps a hundred thousand connections, none of which is due.

use std::fs;
use std::time::Duration;

use keapsake::store::SqliteStore;

use crate::world::{Result, World};

const CONNECTIONS: u32 = 100_000;
const LONG: Duration = Duration::from_secs(20);

/// The share of a processor core that the whole process uses, through one of the looks that it takes every minute.
pub(crate) async fn cost(world: &World) -> Result<String> {
    let store = world.store("watching.db").await?;
    let keap = world.start(&store).await?;
    world.connect(&keap).await?;
    keap.stop().await;
    drop(keap);
    multiply(&store).await?;
    let keap = world.start(&store).await?;
    wait(LONG / 4).await;
    let before = processor_time()?;
    wait(LONG / 2).await;
    keap.wake();
    wait(LONG / 2).await;
    let share = processor_time()?.saturating_sub(before).as_secs_f64() / LONG.as_secs_f64();
    keap.stop().await;
    Ok(format!(
        "{:.2} % of a core ({CONNECTIONS} connections in one SQLite file, {} s with a look at all)",
        share * 100.0,
        LONG.as_secs()
    ))
}

/// Copies the one connection under other names. Their tokens could not be opened: what is watched is when they are due.
async fn multiply(store: &SqliteStore) -> Result<()> {
    let copies = format!(
        "WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < {CONNECTIONS} - 1)
         INSERT INTO keapsake_connection
                (id, revision, lineage, generation, record, access_ct, refresh_ct, due_at)
         SELECT 'copy-' || n, revision, lineage, generation, record, access_ct, refresh_ct, due_at + n
         FROM number, keapsake_connection WHERE id = 'main'"
    );
    sqlx::query(sqlx::AssertSqlSafe(copies)).execute(store.pool()).await?;
    Ok(())
}

/// Of all threads of this process so far, as Linux counts it.
fn processor_time() -> Result<Duration> {
    let mut sum = Duration::ZERO;
    for thread in fs::read_dir("/proc/self/task")? {
        let text = fs::read_to_string(thread?.path().join("schedstat"))?;
        let nanoseconds = text.split_whitespace().next().ok_or("schedstat is empty")?;
        sum += Duration::from_nanos(nanoseconds.parse()?);
    }
    Ok(sum)
}

#[expect(clippy::disallowed_methods, reason = "what is measured happens in real time")]
async fn wait(long: Duration) {
    tokio::time::sleep(long).await;
}
