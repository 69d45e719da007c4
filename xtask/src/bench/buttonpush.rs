//! ButtonPush: how long people wait, while Keap is there and while it is not.

use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::ensure;

use super::browser::Browser;
use super::numbers::{Table, Times, milliseconds, ratio};
use super::progress;
use crate::directory::Directory;
use crate::http::Connection;
use crate::program::{self, Program, address, path_of};
use crate::sandbox::Control;

const PASSWORD: &str = "correct horse battery";
const STARTS: usize = 7;
/// A thousand sign-ups in all.
const ROUNDS: usize = 25;
/// Of each side in a round.
const SIGN_UPS: usize = 20;
/// Of those who have just signed up, so many press.
const PRESSING: usize = 4;
const PRESSES_OF_EACH: usize = 25;
/// For the deliveries of a round, before the next begins.
const DELIVERED_WITHIN: Duration = Duration::from_mins(1);

/// Adds ButtonPush's rows.
pub(super) fn measure(table: &mut Table) -> anyhow::Result<()> {
    progress("start of ButtonPush");
    let starts = starts()?;
    table.add(
        "ButtonPush: from exec to the first 200 of /healthz, empty data directory",
        format!("{} (median of {STARTS})", milliseconds(starts.percentile(50))),
    );
    let directory = Directory::new("people")?;
    let mut site = Site::start(&directory)?;
    table.add("ButtonPush with its sandbox: memory after the start", site.program.memory()?);
    let mut administrator = site.connect()?;
    let (mut up, mut down) = (Side::default(), Side::default());
    for round in 1..=ROUNDS {
        progress(&format!("sign-ups and presses, round {round} of {ROUNDS}"));
        up.measure(&mut site)?;
        site.sandbox.take_keap_down()?;
        down.measure(&mut site)?;
        site.sandbox.bring_keap_back()?;
        site.wait_until_delivered(&mut administrator)?;
    }
    table.add(
        format!("ButtonPush with its sandbox: memory after {} sign-ups", site.people),
        site.program.memory()?,
    );
    compare(table, "Sign-up", &up.sign_ups, &down.sign_ups);
    compare(table, "Press", &up.presses, &down.presses);
    Ok(())
}

fn compare(table: &mut Table, what: &str, up: &Times, down: &Times) {
    for percentile in [50, 99] {
        let (with, without) = (up.percentile(percentile), down.percentile(percentile));
        table.add(
            format!("{what}, p{percentile}: Keap up, Keap down, down/up"),
            format!(
                "{}, {}, {} ({} each)",
                milliseconds(with),
                milliseconds(without),
                ratio(without, with),
                up.count()
            ),
        );
    }
}

fn starts() -> anyhow::Result<Times> {
    let mut times = Times::default();
    for number in 0..STARTS {
        let directory = Directory::new(&format!("start-{number}"))?;
        let begun = Instant::now();
        let mut program = start(&directory)?;
        let address = address(&program.says("ButtonPush ")?)?;
        Connection::open(address)?.send("GET", "/healthz", "", "")?.with_status(200)?;
        times.add(begun.elapsed());
    }
    Ok(times)
}

fn start(directory: &Directory) -> anyhow::Result<Program> {
    let data = directory.path().to_string_lossy();
    let environment = [
        ("BUTTONPUSH_LISTEN", "127.0.0.1:0"),
        ("BUTTONPUSH_DATA", &*data),
        ("BUTTONPUSH_SIGN_UPS_PER_HOUR", "1000000"),
        ("BUTTONPUSH_LOG", "error"),
    ];
    Program::start("buttonpush", &[], &environment)
}

/// Times of one side: with Keap or without.
#[derive(Debug, Default)]
struct Side {
    sign_ups: Times,
    presses: Times,
}

impl Side {
    /// People sign up one after the other, and the last of them press.
    fn measure(&mut self, site: &mut Site) -> anyhow::Result<()> {
        let mut browser = Browser::open(site.address)?;
        let token = browser.form_token("/sign-up")?;
        let emails: Vec<_> = (0..SIGN_UPS).map(|_| site.next_email()).collect();
        for email in &emails {
            let fields = [("name", "Ann Lee"), ("email", email.as_str()), ("password", PASSWORD)];
            let begun = Instant::now();
            browser.post("/sign-up", &token, &fields)?.with_status(303)?;
            self.sign_ups.add(begun.elapsed());
        }
        emails.iter().take(PRESSING).try_for_each(|email| self.presses_of(email, site.address))
    }

    /// The first press of a person is told to Keap, the others are just counted.
    fn presses_of(&mut self, email: &str, address: SocketAddr) -> anyhow::Result<()> {
        let mut browser = Browser::open(address)?;
        let fields = [("email", email), ("password", PASSWORD)];
        browser.submit("/log-in", "/log-in", &fields)?.with_status(303)?;
        let token = browser.form_token("/button")?;
        for _ in 0..PRESSES_OF_EACH {
            let begun = Instant::now();
            browser.post("/button", &token, &[])?.with_status(303)?;
            self.presses.add(begun.elapsed());
        }
        Ok(())
    }
}

/// A running ButtonPush with its sandbox.
#[derive(Debug)]
struct Site {
    program: Program,
    address: SocketAddr,
    administrator_link: String,
    sandbox: Control,
    people: usize,
}

impl Site {
    fn start(directory: &Directory) -> anyhow::Result<Self> {
        let mut program = start(directory)?;
        let address = address(&program.says("ButtonPush ")?)?;
        let administrator_link = program.says("Admin link ")?;
        let sandbox = Control(program::address(&program.says("Sandbox ")?)?);
        Ok(Self { program, address, administrator_link, sandbox, people: 0 })
    }

    fn next_email(&mut self) -> String {
        self.people += 1;
        format!("person{}@example.com", self.people)
    }

    /// The first administrator comes and connects ButtonPush to Keap.
    fn connect(&self) -> anyhow::Result<Browser> {
        self.sandbox.lift_limits()?;
        let mut browser = Browser::open(self.address)?;
        browser.get(path_of(&self.administrator_link))?.with_status(303)?;
        let fields = [("name", "Ada Admin"), ("email", "ada@example.com"), ("password", PASSWORD)];
        browser.submit("/admin/first", "/admin/first", &fields)?.with_status(303)?;
        let started = browser.submit("/admin/keap", "/admin/keap/connect", &[])?;
        let back = self.sandbox.consent(started.location()?)?;
        browser.get(path_of(&back))?.with_status(303)?;
        let status = browser.get("/admin/keap/status.json")?.with_status(200)?;
        ensure!(status.field("can_call")? == "true", "ButtonPush is not connected: {}", status.body);
        Ok(browser)
    }

    fn wait_until_delivered(&self, administrator: &mut Browser) -> anyhow::Result<()> {
        let begun = Instant::now();
        administrator.reconnect(self.address)?;
        loop {
            let status = administrator.get("/admin/keap/status.json")?.with_status(200)?;
            if status.field("waiting")? == "0" {
                return Ok(());
            }
            ensure!(begun.elapsed() < DELIVERED_WITHIN, "deliveries do not arrive: {}", status.body);
            thread::sleep(Duration::from_millis(100));
        }
    }
}
