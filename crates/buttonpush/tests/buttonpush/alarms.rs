//! Trouble with the connection reaches whoever the settings name, and so does its end.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::{get, post};
use keapsake::alarm::signature::{HEADER, LONGEST_AGE, verify};
use keapsake::clock::{Clock as _, SystemClock};
use keapsake::secret::WebhookSecret;
use serde_json::{Value, json};

use crate::keap::{Control, connect, panel_says};
use crate::world::World;

const SECRET: &str = "a-secret-of-the-receiver";

/// What came to a receiver elsewhere.
#[derive(Clone, Default)]
struct Heard {
    alarms: Arc<Mutex<Vec<Value>>>,
    beats: Arc<Mutex<u32>>,
}

impl Heard {
    /// Starts the receiver; says where it is.
    async fn listen(&self) -> String {
        let routes = Router::new().route("/alarm", post(receive)).route("/beat", get(beat));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(axum::serve(listener, routes.with_state(self.clone())).into_future());
        format!("http://{address}")
    }

    fn alarms(&self) -> Vec<Value> {
        self.alarms.lock().unwrap().clone()
    }
}

async fn receive(State(heard): State<Heard>, headers: HeaderMap, body: Bytes) {
    let signature = headers.get(HEADER).unwrap().to_str().unwrap();
    verify(&WebhookSecret::new(SECRET), signature, &body, SystemClock.now(), LONGEST_AGE).unwrap();
    heard.alarms.lock().unwrap().push(serde_json::from_slice(&body).unwrap());
}

async fn beat(State(heard): State<Heard>) {
    *heard.beats.lock().unwrap() += 1;
}

/// A program that keeps what it is told.
fn program(folder: &Path) -> String {
    let script = folder.join("alarm.sh");
    std::fs::write(&script, "/bin/cat >> \"$1\"; echo >> \"$1\"\n").unwrap();
    format!("/bin/sh {} {}", script.display(), folder.join("told").display())
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(20), waiting).await.is_ok(), "{what} did not come");
}

#[tokio::test]
async fn trouble_and_its_end_are_told_once() {
    let heard = Heard::default();
    let receiver = heard.listen().await;
    let folder = tempfile::tempdir().unwrap();
    let world = World::with(&[
        ("KEAPSAKE_ALARM_WEBHOOK_URL", &format!("{receiver}/alarm")),
        ("KEAPSAKE_ALARM_WEBHOOK_SECRET", SECRET),
        ("KEAPSAKE_ALARM_COMMAND", &program(folder.path())),
        ("KEAPSAKE_HEARTBEAT_URL", &format!("{receiver}/beat")),
    ])
    .await;
    let mut keap = Control::at(&world.running.sandbox.as_ref().unwrap().url);
    let mut admin = world.administrator().await;
    connect(&mut admin, &mut keap, "allow").await;
    keap.advance(600).await;
    until("a beat", || *heard.beats.lock().unwrap() > 0).await;

    keap.post("/_sandbox/faults", &json!({ "kind": "throttle", "operation": "refresh" })).await;
    keap.advance(22 * 3600).await;
    until("the alarm", || heard.alarms().iter().any(|alarm| alarm["state"] == "raised")).await;
    panel_says(&mut admin, "data-alarm=\"refresh_failing\"").await;
    keap.delete("/_sandbox/faults").await;
    keap.advance(120).await;
    until("the end", || heard.alarms().iter().any(|alarm| alarm["state"] == "recovered")).await;

    let alarms = heard.alarms();
    let told: Vec<_> = alarms.iter().map(|alarm| (&alarm["condition"], &alarm["state"])).collect();
    let about = Value::from("refresh_failing");
    assert_eq!(told, [(&about, &"raised".into()), (&about, &"recovered".into())]);
    let file = folder.path().join("told");
    let lines = || std::fs::read_to_string(&file).unwrap_or_default();
    until("both for the program", || lines().lines().count() == 2).await;
    let of_program: Vec<Value> = lines().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(of_program, alarms, "all hear the same");
    world.running.stop().await.unwrap();
}
