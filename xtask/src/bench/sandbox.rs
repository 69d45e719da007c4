//! The sandbox: how fast it answers, and its control interface.

use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{anyhow, ensure};

use super::http::{Answer, Connection};
use super::numbers::{Table, Times, milliseconds};
use super::program::{Program, address};
use super::progress;

const CONNECTIONS: usize = 8;
const LONG: Duration = Duration::from_secs(5);
const STARTS: usize = 7;

const NO_LIMITS: &str = r#"{"limits":{
    "client":{"second":null,"minute":null,"day":null},
    "key":{"second":null,"minute":null,"day":null},
    "tenant":{"minute":null,"day":null}}}"#;

/// Adds the sandbox's rows.
pub(super) fn measure(table: &mut Table) -> anyhow::Result<()> {
    progress("start of the sandbox");
    let mut starts = Times::default();
    for _ in 0..STARTS {
        let begun = Instant::now();
        let (_program, address, _key) = start()?;
        Control(address).get("health")?;
        starts.add(begun.elapsed());
    }
    table.add(
        "Sandbox: from exec to the first answer",
        format!("{} (median of {STARTS})", milliseconds(starts.percentile(50))),
    );

    progress("requests to the sandbox");
    let (program, address, key) = start()?;
    table.add("Sandbox: memory after the start", program.memory()?);
    Control(address).post("settings", NO_LIMITS)?;
    let rate = requests_per_second(address, &key)?;
    table.add("Sandbox: requests a second", format!("{rate} (GET of a contact, {CONNECTIONS} connections)"));
    table.add("Sandbox: memory after those", program.memory()?);
    Ok(())
}

fn start() -> anyhow::Result<(Program, SocketAddr, String)> {
    let mut program = Program::start("keap-sandbox", &["--listen", "127.0.0.1:0"], &[])?;
    let address = address(&program.says("keap-sandbox listening on ")?)?;
    let key = program.says("key ")?;
    Ok((program, address, key))
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

/// The control interface of a sandbox. Each request has its own connection, because pauses are long.
#[derive(Debug, Clone, Copy)]
pub(super) struct Control(pub(super) SocketAddr);

impl Control {
    /// Keap as if it were not there.
    pub(super) fn take_keap_down(self) -> anyhow::Result<()> {
        self.post("faults", r#"{"kind":"drop","path":"/crm"}"#).map(drop)
    }

    /// Keap is there again, and later, so that whoever waited for it tries again.
    pub(super) fn bring_keap_back(self) -> anyhow::Result<()> {
        self.send("DELETE", "faults", "")?;
        self.post("clock", r#"{"advance_seconds":3600}"#).map(drop)
    }

    pub(super) fn lift_limits(self) -> anyhow::Result<()> {
        self.post("settings", NO_LIMITS).map(drop)
    }

    /// What the person at the browser would do; returns where the browser is sent back to.
    pub(super) fn consent(self, authorize_url: &str) -> anyhow::Result<String> {
        let body = format!(r#"{{"authorize_url":"{authorize_url}","account":"acme","decision":"allow"}}"#);
        Ok(self.post("consent", &body)?.field("location")?.to_owned())
    }

    fn get(self, what: &str) -> anyhow::Result<Answer> {
        self.send("GET", what, "")
    }

    fn post(self, what: &str, body: &str) -> anyhow::Result<Answer> {
        self.send("POST", what, body)
    }

    fn send(self, method: &str, what: &str, body: &str) -> anyhow::Result<Answer> {
        let headers = "Content-Type: application/json\r\n";
        let path = format!("/_sandbox/{what}");
        let answer = Connection::open(self.0)?.send(method, &path, headers, body)?;
        ensure!((200..300).contains(&answer.status), "{path}: {} {}", answer.status, answer.body);
        Ok(answer)
    }
}
