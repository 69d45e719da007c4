//! The control interface of a sandbox: what is true in Keap, and what time it is there.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// How long Keap may take to be told something.
const LONGEST_DELIVERY: Duration = Duration::from_secs(20);

/// A running sandbox, by its address.
pub(crate) struct Control {
    url: String,
    client: reqwest::Client,
}

impl Control {
    pub(crate) fn new(url: &str) -> Self {
        Self { url: url.to_owned(), client: reqwest::Client::new() }
    }

    /// The sandbox's own page.
    pub(crate) fn home(&self) -> String {
        format!("{}/", self.url)
    }

    /// Lets time pass there.
    pub(crate) async fn advance(&self, seconds: u64) {
        self.tell("clock", json!({ "advance_seconds": seconds })).await;
    }

    /// Finds the next request for this operation wrong.
    pub(crate) async fn refuse_next(&self, operation: &str) {
        let fault = json!({"kind": "status", "status": 400, "operation": operation, "times": 1});
        self.tell("faults", fault).await;
    }

    /// Answers requests for this operation with a fault, until [`Self::clear_faults`].
    pub(crate) async fn spoil(&self, operation: &str, mut fault: Value) {
        fault["operation"] = operation.into();
        self.tell("faults", fault).await;
    }

    /// Answers everything as it should again.
    pub(crate) async fn clear_faults(&self) {
        let request = self.client.delete(format!("{}/_sandbox/faults", self.url));
        request.send().await.unwrap().error_for_status().unwrap();
    }

    async fn tell(&self, what: &str, body: Value) {
        let request = self.client.post(format!("{}/_sandbox/{what}", self.url)).body(body.to_string());
        request.send().await.unwrap().error_for_status().unwrap();
    }

    /// The contacts of Acme with this address, as soon as there is one.
    pub(crate) async fn contacts_of(&self, email: &str) -> Vec<Value> {
        self.until_some("contacts", |contact| contact["email"] == email).await
    }

    /// Which tags somebody wears at Acme, as soon as there is one.
    pub(crate) async fn tags_of(&self, email: &str) -> Vec<String> {
        let applied = self.until_some("applied", |applied| applied["email"] == email).await;
        applied.iter().map(|applied| applied["tag_name"].as_str().unwrap().to_owned()).collect()
    }

    /// How many contacts with this address Acme has right now.
    pub(crate) async fn count_of(&self, email: &str) -> usize {
        self.list("contacts").await.iter().filter(|contact| contact["email"] == email).count()
    }

    async fn until_some(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Vec<Value> {
        let deadline = Instant::now() + LONGEST_DELIVERY;
        loop {
            let all = self.list(what).await;
            let found: Vec<Value> = all.iter().filter(|one| wanted(one)).cloned().collect();
            if !found.is_empty() {
                return found;
            }
            assert!(Instant::now() < deadline, "what was waited for is not among the {what}: {all:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn list(&self, what: &str) -> Vec<Value> {
        let url = format!("{}/_sandbox/accounts/acme/{what}", self.url);
        let answer = self.client.get(url).send().await.unwrap().error_for_status().unwrap();
        let value: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        value[what].as_array().unwrap().clone()
    }
}
