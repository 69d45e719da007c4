//! No secret is on a page, in a header or in the JSON, whatever happens.

use std::collections::BTreeSet;

use keap_sandbox::Decision;
use serde_json::Value;

use crate::visit::{get, post};
use crate::world::{CSRF, HOUR, SECRET, World};

/// Looks at everything there is to see.
async fn look_around(world: &World) {
    for path in ["", "/status.json", "/adopt", "/disconnect", "/return", "/nothing"] {
        world.send(get(path)).await;
        world.send(get(path).by_stranger()).await;
    }
}

#[tokio::test]
async fn nothing_shows_a_secret() {
    let world = World::new().await;
    look_around(&world).await;

    // Keap repeats the code it was given.
    let flow = world.consent("acme", Decision::Allow).await;
    let mut queries = vec![flow.query.clone()];
    let code = value_of(&flow.query, "code");
    world
        .wire
        .then(400, &format!(r#"{{"error":"invalid_grant","error_description":"bad code {code} {SECRET}"}}"#));
    world.send(flow.callback()).await;
    look_around(&world).await;

    let flow = world.consent("acme", Decision::Allow).await;
    queries.push(flow.query.clone());
    world.send(flow.callback().cookie("__Host-keapsake-flow=wrong")).await;
    world.send(flow.callback()).await;
    world.send(flow.callback()).await;
    look_around(&world).await;

    // Keap repeats the refresh token.
    let refresh = pairs(&world).pop().unwrap()["refresh_token"].as_str().unwrap().to_owned();
    let said = format!(r#"{{"error":"invalid_grant","error_description":"no {refresh} {SECRET}"}}"#);
    world.wire.then(400, &said);
    world.advance(HOUR * 22);
    world.reaches("suspect").await;
    look_around(&world).await;
    world.advance(std::time::Duration::from_secs(30));
    world.reaches("connected").await;
    look_around(&world).await;

    let flow = world.consent("globex", Decision::Allow).await;
    queries.push(flow.query.clone());
    world.send(flow.callback()).await;
    look_around(&world).await;
    world.send(post("/disconnect")).await;
    look_around(&world).await;

    let secrets = secrets(&world, &queries);
    // 3 pairs of tokens (two connections and a renewal), 3 codes, states, browser keys and verifiers, the client's.
    assert_eq!(secrets.len(), 6 + 3 * 4 + 1, "{secrets:?}");
    assert_unseen(&world, &secrets);
}

fn value_of(query: &str, name: &str) -> String {
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs.find(|(key, _)| key == name).unwrap().1.into_owned()
}

fn pairs(world: &World) -> Vec<Value> {
    world.wire.heard().iter().map(|body| serde_json::from_slice(body).unwrap()).collect()
}

fn secrets(world: &World, queries: &[String]) -> BTreeSet<String> {
    let mut secrets = BTreeSet::from([SECRET.to_owned()]);
    for pair in pairs(world) {
        secrets.extend(["access_token", "refresh_token"].map(|name| pair[name].as_str().unwrap().to_owned()));
    }
    for query in queries {
        secrets.extend(["code", "state"].map(|name| value_of(query, name)));
    }
    for said in world.wire.said() {
        let verifier = url::form_urlencoded::parse(&said).find(|(name, _)| name == "code_verifier");
        secrets.extend(verifier.map(|(_, verifier)| verifier.into_owned()));
    }
    for answer in world.answers.lock().unwrap().iter().filter(|answer| answer.path == "/connect") {
        let key = answer.set_cookie().unwrap().split(['=', ';']).nth(1).unwrap();
        secrets.insert(key.to_owned());
    }
    secrets
}

fn assert_unseen(world: &World, secrets: &BTreeSet<String>) {
    let answers = world.answers.lock().unwrap();
    assert!(answers.len() > 60, "there was something to search: {}", answers.len());
    for answer in answers.iter() {
        let what = format!("{} {} {}", answer.method, answer.path.split('?').next().unwrap(), answer.status);
        let is_connect = answer.path == "/connect";
        let shown = answer.headers.iter().filter(|(name, _)| {
            // The way to Keap carries the state, and the cookie the browser's key: that is what they are for.
            !(is_connect && ["location", "set-cookie"].contains(&name.as_str()))
        });
        let shown = shown.map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()));
        for place in shown.chain([answer.body.clone()]) {
            for secret in secrets {
                assert!(!place.contains(secret.as_str()), "{what} shows a secret: {place}");
            }
        }
        let may_hold_token = answer.path.is_empty() || answer.path == "/disconnect";
        assert!(may_hold_token || !answer.body.contains(CSRF), "{what}");
    }
}
