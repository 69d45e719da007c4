//! The sandbox: how fast it answers.

use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::anyhow;

use super::numbers::{Table, Times, milliseconds};
use super::progress;
use crate::http::Connection;
use crate::sandbox::Sandbox;

const CONNECTIONS: usize = 8;
const LONG: Duration = Duration::from_secs(5);
const STARTS: usize = 7;

/// Adds the sandbox's rows.
pub(super) fn measure(table: &mut Table) -> anyhow::Result<()> {
    progress("start of the sandbox");
    let mut starts = Times::default();
    for _ in 0..STARTS {
        let begun = Instant::now();
        Sandbox::start()?.control.get("health")?;
        starts.add(begun.elapsed());
    }
    table.add(
        "Sandbox: from exec to the first answer",
        format!("{} (median of {STARTS})", milliseconds(starts.percentile(50))),
    );

    progress("requests to the sandbox");
    let sandbox = Sandbox::start()?;
    table.add("Sandbox: memory after the start", sandbox.program.memory()?);
    sandbox.control.lift_limits()?;
    let rate = requests_per_second(sandbox.control.0, &sandbox.key)?;
    table.add("Sandbox: requests a second", format!("{rate} (GET of a contact, {CONNECTIONS} connections)"));
    table.add("Sandbox: memory after those", sandbox.program.memory()?);
    Ok(())
}

fn requests_per_second(address: SocketAddr, key: &str) -> anyhow::Result<u128> {
    let header = format!("X-Keap-API-Key: {key}\r\n");
    let json = format!("{header}Content-Type: application/json\r\n");
    let body = r#"{"given_name":"Ann","email_addresses":[{"email":"ann@example.com","field":"EMAIL1"}]}"#;
    let created = Connection::open(address)?.send("POST", "/crm/rest/v2/contacts", &json, body)?;
    let path = format!("/crm/rest/v2/contacts/{}", created.with_status(201)?.field("id")?);

    let begun = Instant::now();
    let clients: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            let (path, header) = (path.clone(), header.clone());
            thread::spawn(move || client(address, &path, &header, begun))
        })
        .collect();
    let mut total = 0;
    for client in clients {
        total += client.join().map_err(|_| anyhow!("a client panicked"))??;
    }
    Ok(total * 1000 / begun.elapsed().as_millis().max(1))
}

/// Asks again and again on one connection.
fn client(address: SocketAddr, path: &str, header: &str, begun: Instant) -> anyhow::Result<u128> {
    let mut connection = Connection::open(address)?;
    let mut count = 0;
    while begun.elapsed() < LONG {
        connection.send("GET", path, header, "")?.with_status(200)?;
        count += 1;
    }
    Ok(count)
}
