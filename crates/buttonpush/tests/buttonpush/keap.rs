//! What reaches Keap, seen from the sandbox's own records.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};

use crate::browser::{Answer, Browser};
use crate::world::{PASSWORD, World, sign_up};

/// The sandbox's controls.
pub(crate) struct Control(Browser);

impl Control {
    pub(crate) fn at(url: &str) -> Self {
        let address: SocketAddr = url.strip_prefix("http://").unwrap().parse().unwrap();
        Self(Browser::new(address, url))
    }

    pub(crate) async fn get(&mut self, path: &str) -> Value {
        let answer = self.0.get(path).await;
        answer.assert_status(200);
        serde_json::from_str(&answer.body).unwrap()
    }

    pub(crate) async fn post(&mut self, path: &str, body: &Value) -> Value {
        let headers = [("Content-Type", "application/json")];
        let answer = self.0.send("POST", path, &headers, &body.to_string()).await;
        assert!((200..300).contains(&answer.status), "{path}: {}", answer.body);
        serde_json::from_str(&answer.body).unwrap_or_default()
    }

    pub(crate) async fn delete(&mut self, path: &str) {
        let answer = self.0.send("DELETE", path, &[], "").await;
        assert!((200..300).contains(&answer.status), "{path}: {}", answer.body);
    }

    /// How often the token endpoint was asked since the sandbox was started.
    pub(crate) async fn token_requests(&mut self) -> usize {
        let requests = self.get("/_sandbox/requests").await;
        let requests = requests["requests"].as_array().unwrap();
        requests.iter().filter(|request| request["path"] == "/token").count()
    }

    /// Which pair Keap gave out last.
    pub(crate) async fn generation(&mut self) -> u64 {
        let grants = self.get("/_sandbox/grants").await;
        let newest = grants["grants"].as_array().unwrap().last().unwrap().clone();
        newest["generation"].as_u64().unwrap()
    }

    pub(crate) async fn advance(&mut self, seconds: u32) {
        self.post("/_sandbox/clock", &json!({ "advance_seconds": seconds })).await;
    }

    pub(crate) async fn contacts(&mut self) -> Vec<Value> {
        self.get("/_sandbox/accounts/acme/contacts").await["contacts"].as_array().unwrap().clone()
    }

    pub(crate) async fn applied(&mut self) -> usize {
        self.get("/_sandbox/accounts/acme/applied").await["applied"].as_array().unwrap().len()
    }

    pub(crate) async fn tags(&mut self) -> usize {
        self.get("/_sandbox/accounts/acme/tags").await["tags"].as_array().unwrap().len()
    }
}

/// Presses Connect, and lets somebody at Keap decide.
pub(crate) async fn connect(admin: &mut Browser, keap: &mut Control, decision: &str) -> Answer {
    let page = admin.get("/admin/keap").await;
    let to_keap = admin.submit_from(&page, "/admin/keap/connect", &[]).await;
    to_keap.assert_status(303);
    let consent = json!({ "authorize_url": to_keap.location(), "account": "acme", "decision": decision });
    let back = keap.post("/_sandbox/consent", &consent).await;
    let back = url::Url::parse(back["location"].as_str().unwrap()).unwrap();
    admin.get(&format!("{}?{}", back.path(), back.query().unwrap())).await
}

/// Waits until the panel's page says this.
pub(crate) async fn panel_says(admin: &mut Browser, words: &str) {
    let waiting = async {
        while !admin.get("/admin/keap").await.body.contains(words) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(20), waiting).await;
    assert!(in_time.is_ok(), "the panel does not say {words}: {}", admin.get("/admin/keap").await.body);
}

pub(crate) fn phase(name: &str) -> String {
    format!("data-phase=\"{name}\"")
}

pub(crate) fn keap_of(world: &World) -> Control {
    Control::at(&world.running.sandbox.as_ref().unwrap().url)
}

#[tokio::test]
async fn the_whole_story() {
    let world = World::new().await;
    let mut keap = keap_of(&world);
    let mut admin = world.administrator().await;
    panel_says(&mut admin, &phase("not-connected")).await;

    connect(&mut admin, &mut keap, "deny").await.assert_leads_to("/admin/keap/return");
    panel_says(&mut admin, "client id").await;
    connect(&mut admin, &mut keap, "allow").await.assert_leads_to("/admin/keap/return");
    panel_says(&mut admin, "Acme Toys (acme)").await;

    let mut anna = world.person("anna@example.com").await;
    for _ in 0..3 {
        anna.submit("/button", &[]).await;
    }
    panel_says(&mut admin, "<dd id=\"delivered\">3</dd>").await;
    let contacts = keap.contacts().await;
    assert_eq!(contacts.len(), 2, "the administrator and Anna");
    assert_eq!(keap.applied().await, 1);
    let linked: String =
        sqlx::query_scalar("SELECT keap_contact_id FROM users WHERE email = 'anna@example.com'")
            .fetch_one(&mut world.database().await)
            .await
            .unwrap();
    assert!(contacts.iter().any(|contact| contact["id"] == linked && contact["given_name"] == "Anna"));

    keap.advance(22 * 3600).await;
    panel_says(&mut admin, "data-kind=\"refresh\" data-outcome=\"done\"").await;
    keap.post("/_sandbox/grants/revoke", &json!({})).await;
    sign_up(&mut world.anonymous(), "Bob", "bob@example.com", PASSWORD).await;
    panel_says(&mut admin, &phase("suspect")).await;
    keap.advance(31).await;
    panel_says(&mut admin, &phase("needs-reconnect")).await;
    panel_says(&mut admin, "<dd id=\"waiting\">1</dd>").await;
    connect(&mut admin, &mut keap, "allow").await;
    panel_says(&mut admin, "<dd id=\"waiting\">0</dd>").await;
    assert_eq!(keap.contacts().await.len(), 3);

    admin.submit("/admin/keap/disconnect", &[]).await.assert_leads_to("/admin/keap");
    panel_says(&mut admin, &phase("disconnected")).await;
}

#[tokio::test]
async fn a_dead_keap_is_not_felt_by_visitors() {
    let world = World::new().await;
    let mut keap = keap_of(&world);
    let mut admin = world.administrator().await;
    connect(&mut admin, &mut keap, "allow").await;
    panel_says(&mut admin, "<dd id=\"waiting\">0</dd>").await;
    keap.post("/_sandbox/faults", &json!({ "kind": "drop", "path": "/crm" })).await;
    let mut anna = world.person("anna@example.com").await;
    anna.submit("/button", &[]).await.assert_leads_to("/button");
    panel_says(&mut admin, "Deliveries rest").await;
    panel_says(&mut admin, "<dd id=\"waiting\">2</dd>").await;
}

#[tokio::test]
async fn a_restart_stays_connected() {
    let world = World::new().await;
    let mut keap = keap_of(&world);
    let mut admin = world.administrator().await;
    connect(&mut admin, &mut keap, "allow").await;
    let cookies = admin.cookies.clone();
    let world = world.restart().await;
    let mut admin = world.anonymous();
    admin.cookies = cookies;
    panel_says(&mut admin, &phase("connected")).await;
    panel_says(&mut admin, "Acme Toys (acme)").await;
}

#[tokio::test]
async fn a_callback_without_its_session_connects_nobody() {
    let world = World::new().await;
    let mut keap = keap_of(&world);
    let mut admin = world.administrator().await;
    let page = admin.get("/admin/keap").await;
    let to_keap = admin.submit_from(&page, "/admin/keap/connect", &[]).await;
    let consent = json!({ "authorize_url": to_keap.location(), "account": "acme", "decision": "allow" });
    let back = keap.post("/_sandbox/consent", &consent).await;
    let back = url::Url::parse(back["location"].as_str().unwrap()).unwrap();
    let path = format!("{}?{}", back.path(), back.query().unwrap());

    world.anonymous().get(&path).await.assert_status(400).assert_says("not started in this browser");
    let flow = admin.cookies.iter().find(|(name, _)| name.contains("keapsake-flow")).unwrap();
    let mut victim = world.anonymous();
    victim.cookies.insert(flow.0.clone(), flow.1.clone());
    // The flow's cookie alone is enough only while the administrator is logged in.
    let page = admin.get("/admin").await;
    admin.submit_from(&page, "/log-out", &[]).await;
    victim.get(&path).await.assert_status(403).assert_says("session has ended");
    assert_eq!(keap.token_requests().await, 0);
}
