//! Connections that somebody holds, and does not use.

use std::fs;

use keapsake::Keap;
use keapsake::connection::ConnectionId;

use crate::world::{Result, World};

const CONNECTIONS: u32 = 2_000;
/// What is needed once is not counted.
const BEFORE: u32 = 100;

/// The resident memory of one.
pub(crate) async fn cost(world: &World) -> Result<String> {
    let store = world.store("holding.db").await?;
    let keap = world.start(&store).await?;
    for number in 0..BEFORE + CONNECTIONS {
        world.connect(&keap.connection(&name(number)?).await?).await?;
    }
    keap.stop().await;
    drop(keap);
    let keap = world.start(&store).await?;
    let few = hold(&keap, 0, BEFORE).await?;
    let before = resident_kib()?;
    let many = hold(&keap, BEFORE, BEFORE + CONNECTIONS).await?;
    let more = resident_kib()?.saturating_sub(before);
    let held = few.len() + many.len();
    keap.stop().await;
    Ok(format!(
        "{:.1} KiB ({CONNECTIONS} of {held} held connections)",
        f64::from(more) / f64::from(CONNECTIONS)
    ))
}

async fn hold(keap: &Keap, from: u32, to: u32) -> Result<Vec<Keap>> {
    let mut held = Vec::new();
    for number in from..to {
        let connection = keap.connection(&name(number)?).await?;
        connection.ready().await?;
        held.push(connection);
    }
    Ok(held)
}

fn name(number: u32) -> Result<ConnectionId> {
    Ok(ConnectionId::new(&format!("account-{number}")).ok_or("no name")?)
}

fn resident_kib() -> Result<u32> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
