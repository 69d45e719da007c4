//! The log tells what happened and gives nothing away.

use std::io::Write;
use std::sync::{Arc, Mutex};

use keap_sandbox::Decision;
use tracing_subscriber::fmt::MakeWriter;

use crate::visit::{get, post, visit};
use crate::world::{CSRF, HOUR, SECRET, World};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn no_secret_is_logged() {
    // For the whole process: one for this thread alone can miss what another test has met first.
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log.clone());
    tracing::subscriber::set_global_default(subscriber.finish()).unwrap();

    let world = World::new().await;
    let flow = world.consent("acme", Decision::Allow).await;
    world.send(get("/callback?code=foreign-code&state=foreign-state").cookie(&flow.cookie)).await;
    world.send(get(&format!("/callback?{}", flow.query))).await;
    world.send(visit(http::Method::POST, "/connect").field("csrf_token", "a-wrong-token")).await;
    world.send(flow.callback()).await;
    world.send(flow.callback()).await;
    let refresh = serde_json::from_slice::<serde_json::Value>(&world.wire.heard()[0]).unwrap();
    let tokens = ["access_token", "refresh_token"].map(|name| refresh[name].as_str().unwrap().to_owned());
    world.wire.then(
        400,
        &format!(r#"{{"error":"invalid_grant","error_description":"no {} {SECRET}"}}"#, tokens[1]),
    );
    world.advance(HOUR * 22);
    world.reaches("suspect").await;
    world.send(get("")).await;
    world.send(post("/disconnect")).await;

    let log = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    for words in [
        "an administrator went to Keap to connect",
        "an answer from Keap was refused",
        "a form was refused",
        "connected to Keap",
        "an administrator disconnected from Keap",
    ] {
        assert!(log.contains(words), "“{words}” is not in the log:\n{log}");
    }
    let of_query = url::form_urlencoded::parse(flow.query.as_bytes()).map(|(_, value)| value.into_owned());
    let key = flow.cookie.split_once('=').unwrap().1.to_owned();
    let other = ["foreign-code", "foreign-state", "a-wrong-token", SECRET, CSRF].map(str::to_owned);
    let ours = |line: &&str| line.contains("keapsake");
    for secret in of_query.filter(|value| value.len() > 12).chain(tokens).chain([key]).chain(other) {
        let shown = log.lines().filter(ours).find(|line| line.contains(&secret));
        assert_eq!(shown, None, "it shows {secret}");
    }
}
