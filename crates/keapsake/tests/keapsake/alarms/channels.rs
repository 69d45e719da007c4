//! What reaches whom: the webhook, the program, the heartbeat, the figures.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use keapsake::alarm::signature::{HEADER, LONGEST_AGE, SignatureError};
use keapsake::alarm::{
    Alarm, Alarms, Channel, Command, Condition, Facts, Heartbeat, Log, Metrics, UnsafeAddress, Webhook,
    WebhookError, verify,
};
use keapsake::clock::ManualClock;
use keapsake::connection::ConnectionId;
use keapsake::secret::WebhookSecret;
use keapsake::store::MemoryStore;
use keapsake::transport::TransportError;
use serde_json::Value;
use url::Url;

use crate::world::{Script, until};

const SECRET: &str = "a secret of the webhook";

fn clock() -> ManualClock {
    ManualClock::at("2026-11-24T10:30:00Z".parse().unwrap())
}

fn alarm() -> Alarm {
    let now: Timestamp = "2026-11-24T10:30:00Z".parse().unwrap();
    let condition = Condition::ClockSkew;
    Alarm {
        id: ":deployment/clock_skew/2026-11-24T10:30:00Z/raised".into(),
        connection: None,
        condition,
        state: keapsake::alarm::State::Raised,
        severity: condition.severity(),
        title: condition.title(),
        words: "This machine's clock is 90 seconds behind Keap's.".into(),
        advice: condition.advice(),
        since: now,
        at: now,
    }
}

fn hook(script: &Script, clock: &ManualClock) -> Webhook {
    let url = Url::parse("https://hooks.example.com/keapsake").unwrap();
    let secret = WebhookSecret::new(SECRET);
    Webhook::new(&url, secret, Arc::new(script.clone()), Arc::new(clock.clone())).unwrap()
}

/// Receivers rely on these names.
#[test]
fn the_json_is_as_documented() {
    let json: Value = serde_json::from_str(&alarm().to_json()).unwrap();
    let expected = serde_json::json!({
        "id": ":deployment/clock_skew/2026-11-24T10:30:00Z/raised",
        "connection": null,
        "condition": "clock_skew",
        "state": "raised",
        "severity": "warning",
        "title": "This machine's clock is wrong",
        "words": "This machine's clock is 90 seconds behind Keap's.",
        "advice": "Switch on time synchronisation (NTP) on this machine.",
        "since": "2026-11-24T10:30:00Z",
        "at": "2026-11-24T10:30:00Z",
    });
    assert_eq!(json, expected);
}

#[tokio::test]
async fn the_webhook_posts_what_its_receiver_can_verify() {
    let (script, clock) = (Script::default().then(503, "").then(204, ""), clock());
    let webhook = hook(&script, &clock);
    let error = webhook.tell(&alarm()).await.unwrap_err();
    assert_eq!(error.to_string(), "the receiver answered 503");
    clock.advance(Duration::from_hours(1));
    webhook.tell(&alarm()).await.unwrap();

    let asked = script.asked();
    assert_eq!(asked.len(), 2);
    let secret = WebhookSecret::new(SECRET);
    let check = |request: &http::Request<bytes::Bytes>, now: &str| {
        let header = request.headers()[HEADER].to_str().unwrap();
        verify(&secret, header, request.body(), now.parse().unwrap(), LONGEST_AGE)
    };
    assert_eq!(check(&asked[0], "2026-11-24T10:31:00Z"), Ok(()));
    assert_eq!(check(&asked[0], "2026-11-24T11:31:00Z"), Err(SignatureError::TooOld));
    assert_eq!(check(&asked[1], "2026-11-24T11:31:00Z"), Ok(()), "a retry is signed anew");
    for request in asked {
        assert_eq!(request.method(), "POST");
        assert_eq!(request.uri(), "https://hooks.example.com/keapsake");
        assert_eq!(request.headers()["content-type"], "application/json");
        assert_eq!(request.body(), alarm().to_json().as_bytes());
        assert!(!format!("{request:?}").contains(SECRET));
    }
}

#[test]
fn an_unsafe_webhook_is_not_made() {
    let make = |url: &str, secret: &str| {
        let (script, clock) = (Script::default(), clock());
        let url = Url::parse(url).unwrap();
        Webhook::new(&url, WebhookSecret::new(secret), Arc::new(script), Arc::new(clock)).map(|_| ())
    };
    assert_eq!(make("http://127.0.0.1:9/x", SECRET), Ok(()));
    assert_eq!(make("http://hooks.example.com/x", SECRET), Err(WebhookError::Address(UnsafeAddress)));
    assert_eq!(make("https://hooks.example.com/x", "fifteen bytes.."), Err(WebhookError::Secret));
}

#[test]
fn a_webhook_does_not_show_its_address_or_secret() {
    let shown = format!("{:?}", hook(&Script::default(), &clock()));
    assert!(
        shown.contains("webhook") && !shown.contains("hooks.example") && !shown.contains(SECRET),
        "{shown}"
    );
}

#[cfg(unix)]
fn shell(script: &str, clock: &ManualClock) -> Command {
    Command::new("/bin/sh", ["-c", script], Arc::new(clock.clone()))
}

#[cfg(unix)]
#[tokio::test]
async fn the_program_gets_the_alarm_and_nothing_of_our_environment() {
    let folder = tempfile::tempdir().unwrap();
    let (input, environment) = (folder.path().join("input"), folder.path().join("environment"));
    let script = format!(
        "while read -r line || [ -n \"$line\" ]; do printf '%s' \"$line\"; done > {}; export -p > {}",
        input.display(),
        environment.display()
    );
    shell(&script, &clock()).with_env("MAIL_TO", "ops").tell(&alarm()).await.unwrap();
    assert_eq!(std::fs::read_to_string(input).unwrap(), alarm().to_json());
    let environment = std::fs::read_to_string(environment).unwrap();
    assert!(environment.contains("MAIL_TO"), "{environment}");
    assert!(!environment.contains("CARGO"), "the test's own environment has it: {environment}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_program_that_fails_or_is_missing_did_not_tell() {
    let error = shell("exit 3", &clock()).tell(&alarm()).await.unwrap_err();
    assert!(error.to_string().contains("exit status: 3"), "{error}");
    let missing = Command::new("/no/such/program", [""; 0], Arc::new(clock()));
    let error = missing.tell(&alarm()).await.unwrap_err();
    assert!(error.to_string().contains("`/no/such/program` cannot be started"), "{error}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_program_that_hangs_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let pid = folder.path().join("pid");
    let clock = clock();
    let command = shell(&format!("echo $$ > {}; exec /bin/sleep 600", pid.display()), &clock);
    let telling = tokio::spawn(async move { command.tell(&alarm()).await });
    let read = || std::fs::read_to_string(&pid).unwrap_or_default();
    until(|| async { read().ends_with('\n') }).await;
    clock.advance(Duration::from_secs(29));
    tokio::task::yield_now().await;
    assert!(!telling.is_finished());
    clock.advance(Duration::from_secs(1));
    let error = telling.await.unwrap().unwrap_err();
    assert!(error.to_string().contains("took longer than 30 seconds and was killed"), "{error}");
    let process = std::path::Path::new("/proc").join(read().trim());
    assert!(!process.exists(), "the program is gone");
}

#[tokio::test]
async fn the_heart_beats_while_all_is_well() {
    let clock = clock();
    let script = Script::default().then(200, "").then(500, "").then_fails(TransportError::not_sent("down"));
    let is_well = Arc::new(AtomicBool::new(true));
    let url = Url::parse("https://beats.example.com/secret-path").unwrap();
    let asked = is_well.clone();
    let heartbeat = Heartbeat::start(&url, Arc::new(script.clone()), Arc::new(clock.clone()), move || {
        asked.load(Ordering::SeqCst)
    })
    .unwrap();
    let beats = |count: usize| {
        let script = &script;
        until(move || async move { script.asked().len() == count })
    };
    beats(1).await;
    clock.advance(Duration::from_secs(299));
    tokio::task::yield_now().await;
    assert_eq!(script.asked().len(), 1, "not before five minutes are over");
    clock.advance(Duration::from_secs(1));
    beats(2).await;
    clock.advance(Duration::from_mins(5));
    beats(3).await;

    is_well.store(false, Ordering::SeqCst);
    for _ in 0..3 {
        clock.advance(Duration::from_mins(5));
        tokio::task::yield_now().await;
    }
    is_well.store(true, Ordering::SeqCst);
    clock.advance(Duration::from_mins(5));
    beats(4).await;
    assert_eq!(script.asked()[3].uri(), "https://beats.example.com/secret-path");
    heartbeat.stop().await;
    clock.advance(Duration::from_mins(5));
    assert_eq!(script.asked().len(), 4);
}

#[test]
fn a_heartbeat_over_plain_http_is_not_started() {
    let url = Url::parse("http://beats.example.com/x").unwrap();
    let started = Heartbeat::start(&url, Arc::new(Script::default()), Arc::new(clock()), || true);
    assert_eq!(started.map(|_| ()), Err(UnsafeAddress));
}

#[tokio::test]
async fn what_is_told_over_the_wire_is_what_was_looked_at() {
    let clock = clock();
    let script = Script::default().then(200, "").then(200, "");
    let channels: Vec<Arc<dyn Channel>> =
        vec![Arc::new(Log), Arc::new(Metrics), Arc::new(hook(&script, &clock).named("pager"))];
    let alarms = Alarms::start(Arc::new(MemoryStore::default()), Arc::new(clock.clone()), channels).unwrap();
    let facts = Facts { skew: Some(SignedDuration::from_secs(-90)), ..Facts::default() };
    alarms.look(&ConnectionId::main(), &facts).await;
    until(|| async { script.asked().len() == 1 }).await;
    assert_eq!(script.asked()[0].body(), alarm().to_json().as_bytes());
}
