//! Writes the panel's page in every phase into a folder, to be looked at:
//! `cargo run -p keapsake-panel --example gallery -- target/gallery`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "what cannot go on shows why")]
#![allow(dead_code, reason = "the tests use all of what is shared with them")]

#[path = "../tests/panel/page.rs"]
mod page;
#[path = "../tests/panel/visit.rs"]
mod visit;
#[path = "../tests/panel/wire.rs"]
mod wire;
#[path = "../tests/panel/world.rs"]
mod world;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use keap_sandbox::{Decision, Fault, FaultEffect};
use keapsake::{ApiKey, Endpoints, Keap};
use keapsake_panel::Panel;
use visit::{Answer, get, post};
use world::{DAY, HOUR, MOUNT, SECRET, World, contact, tag, until};

const REFUSED: &str = r#"{"error":"invalid_grant","error_description":"Invalid refresh token"}"#;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), std::io::Error> {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "target/gallery".into()));
    std::fs::create_dir_all(&folder)?;
    for (name, answer) in pages().await {
        std::fs::write(folder.join(format!("{name}.html")), on_its_own(&answer.body))?;
    }
    let style = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/panel.css");
    std::fs::copy(style, folder.join("style.css")).map(|_| ())
}

/// The page as a file: with its stylesheet beside it, and without going on by itself.
fn on_its_own(body: &str) -> String {
    let (before, rest) = body.split_once(&format!("{MOUNT}/style-")).unwrap();
    let (_, after) = rest.split_once('"').unwrap();
    format!("{before}style.css\"{after}").replace("http-equiv=\"refresh\"", "data-refresh")
}

async fn pages() -> Vec<(&'static str, Answer)> {
    let mut pages = Vec::new();
    let world = World::new().await;
    pages.push(("not-connected", world.send(get("")).await));
    let denied = world.consent("acme", Decision::Deny).await;
    world.send(denied.callback()).await;
    pages.push(("denied", world.send(get("")).await));
    pages.push(("forbidden", world.send(get("").by_stranger()).await));
    pages.push(("not-asked-for", world.send(get("/callback?code=a&state=b")).await));
    pages.push(("returned", world.send(get("/return")).await));
    pages.push(("api-key", api_key().await));

    let world = lived_in().await;
    pages.push(("connected", world.send(get("")).await));
    pages.push(("disconnect", world.send(get("/disconnect")).await));
    let other = world.consent("globex", Decision::Allow).await;
    world.send(other.callback()).await;
    pages.push(("other-account", world.send(get("")).await));
    world.send(post("/disconnect")).await;
    world.advance(HOUR);
    pages.push(("disconnected", world.send(get("")).await));

    pages.extend(in_trouble().await);
    pages.extend(restored().await);
    pages.push(("outage", outage().await));
    pages.push(("damaged-journal", damaged_journal().await));
    pages.push(("rejected", rejected_with_deliveries().await));
    pages.push(("old-refresh-token", unreached_for(31).await));
    pages.push(("very-old-refresh-token", unreached_for(44).await));
    pages
}

async fn in_trouble() -> Vec<(&'static str, Answer)> {
    let mut pages = Vec::new();
    let world = lived_in().await;
    world.wire.hold();
    world.advance(HOUR * 6);
    world.reaches("refreshing").await;
    pages.push(("refreshing", world.send(get("")).await));
    let world = lived_in().await;
    world.wire.cut();
    world.advance(HOUR * 6);
    world.reaches("unreached").await;
    pages.push(("unreached", world.send(get("")).await));
    let world = lived_in().await;
    world.sandbox.add_fault(Fault::new(FaultEffect::Throttle { retry_after: Some(120) }).path("/token"));
    world.advance(HOUR * 6);
    world.reaches("unreached").await;
    pages.push(("asked-to-wait", world.send(get("")).await));
    let world = lived_in().await;
    world.sandbox.add_fault(Fault::new(FaultEffect::Drop).path("/token"));
    world.advance(HOUR * 6);
    world.reaches("unconfirmed").await;
    pages.push(("unconfirmed", world.send(get("")).await));
    let world = lived_in().await;
    world.wire.then(400, REFUSED);
    world.advance(HOUR * 6);
    world.reaches("suspect").await;
    pages.push(("suspect", world.send(get("")).await));
    let mut world = lived_in().await;
    world.stop().await;
    world.start("not-the-secret").await;
    world.advance(HOUR * 6);
    world.reaches("misconfigured").await;
    pages.push(("misconfigured", world.send(get("")).await));
    let mut world = lived_in().await;
    world.stop().await;
    world.advance(DAY * 46);
    world.start(SECRET).await;
    world.reaches("suspect").await;
    world.comes_to_rest().await;
    world.advance(Duration::from_secs(31));
    world.reaches("needs-reconnect").await;
    pages.push(("expired", world.send(get("")).await));
    pages
}

/// A copy, an older state, and the question before somebody goes on.
async fn restored() -> Vec<(&'static str, Answer)> {
    let mut world = lived_in().await;
    let copy = world.back_up().await;
    world.stop().await;
    std::fs::remove_dir_all(world.journal()).unwrap();
    world.restore(copy).await;
    world.start(SECRET).await;
    let mut pages =
        vec![("copied", world.send(get("")).await), ("adopt-copy", world.send(get("/adopt")).await)];
    let mut world = lived_in().await;
    let backup = world.back_up().await;
    world.send(post("/disconnect")).await;
    world.stop().await;
    world.restore(backup).await;
    world.start(SECRET).await;
    pages.push(("restored", world.send(get("")).await));
    pages.push(("adopt-older", world.send(get("/adopt")).await));
    pages
}

/// An hour without Keap, and what was before.
async fn outage() -> Answer {
    let world = lived_in().await;
    world.wire.cut();
    world.advance(HOUR * 5);
    for _ in 0..57 {
        world.comes_to_rest().await;
        world.advance(Duration::from_secs(61));
    }
    world.comes_to_rest().await;
    world.send(get("")).await
}

/// A copy of it was put back beside it.
async fn damaged_journal() -> Answer {
    let mut world = lived_in().await;
    world.stop().await;
    let file = std::fs::read_dir(world.journal()).unwrap().next().unwrap().unwrap().path();
    std::fs::copy(&file, world.journal().join("from-a-backup.journal")).unwrap();
    world.start(SECRET).await;
    world.send(get("")).await
}

async fn api_key() -> Answer {
    let mut world = World::new().await;
    let key = ApiKey::new(world.sandbox.api_key());
    world.keap = Keap::api_key(key, Endpoints::under(world.sandbox.url()).unwrap()).start().await.unwrap();
    world.mount(Panel::new(world.keap.clone(), None, Arc::clone(&world.gate) as _, MOUNT));
    world.send(get("")).await
}

/// Connected for some days, with three deliveries.
async fn lived_in() -> World {
    let mut world = World::connected().await;
    world.deliver();
    for person in ["user-1", "user-2", "user-3"] {
        world.enqueue(&contact(person, &format!("{person}@example.com"))).await;
    }
    until(|| async { world.outbox.summary().await.unwrap().done == 3 }).await;
    for generation in 2..6 {
        world.comes_to_rest().await;
        world.sandbox.clock().set(world.keap.status().times.unwrap().refresh_at);
        until(|| async { world.keap.status().position.unwrap().generation == generation }).await;
    }
    world.advance(Duration::from_mins(972));
    world
}

/// Revoked at Keap, while people go on signing up.
async fn rejected_with_deliveries() -> Answer {
    let world = lived_in().await;
    let refused = r#"{"code":400,"message":"the e-mail address is not valid","status":"Bad Request"}"#;
    let headers = std::collections::BTreeMap::new();
    let effect = FaultEffect::Status { status: 400, body: refused.to_owned(), headers };
    world.sandbox.add_fault(Fault::new(effect).operation("createContact").times(1));
    world.enqueue(&contact("user-4", "not.valid@example.com")).await;
    until(|| async { world.outbox.summary().await.unwrap().failed == 1 }).await;
    world.sandbox.revoke_grants().await.unwrap();
    for number in 5..30 {
        let person = format!("user-{number}");
        world.enqueue(&contact(&person, &format!("{person}@example.com"))).await;
        world.enqueue(&tag(&person, "buttonpushed")).await;
    }
    world.reaches("suspect").await;
    world.advance(Duration::from_secs(31));
    world.reaches("needs-reconnect").await;
    until(|| async { world.outbox.summary().await.unwrap().pause.is_some() }).await;
    world.send(get("")).await
}

/// Keap has not answered for so many days.
async fn unreached_for(days: u32) -> Answer {
    let world = lived_in().await;
    world.wire.cut();
    world.advance(HOUR * 6);
    world.reaches("unreached").await;
    for _ in 0..2 {
        world.comes_to_rest().await;
        world.sandbox.clock().set(world.keap.status().times.unwrap().refresh_at);
    }
    world.comes_to_rest().await;
    let issued = world.keap.status().times.unwrap().refresh_issued_at;
    world.sandbox.clock().set(keapsake::clock::later(issued, DAY * days + HOUR));
    world.comes_to_rest().await;
    world.send(get("")).await
}
