//! What Keap truly holds, by the sandbox's own records; and what may happen to it.

use std::sync::Arc;

use anyhow::ensure;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Request};
use keapsake::transport::{HttpTransport, Transport as _};
use serde_json::{Value, json};
use url::Url;

/// The sandbox's controls.
pub(super) struct Keap {
    transport: Arc<HttpTransport>,
    sandbox: Url,
}

impl Keap {
    pub(super) fn at(sandbox: Url) -> anyhow::Result<Self> {
        Ok(Self { transport: Arc::new(HttpTransport::for_api()?), sandbox })
    }

    pub(super) async fn contacts(&self) -> anyhow::Result<Vec<Value>> {
        self.list("contacts").await
    }

    /// Address and name of every contact.
    pub(super) async fn people(&self) -> anyhow::Result<Vec<String>> {
        let text = |value: &Value| value.as_str().unwrap_or("(none)").to_owned();
        let contacts = self.contacts().await?;
        let lines = contacts.iter().map(|contact| {
            ["email", "given_name", "family_name"].map(|field| text(&contact[field])).join(" ")
        });
        Ok(lines.collect())
    }

    /// Who has which tag.
    pub(super) async fn applied(&self) -> anyhow::Result<Vec<Value>> {
        self.list("applied").await
    }

    pub(super) async fn tags(&self) -> anyhow::Result<Vec<Value>> {
        self.list("tags").await
    }

    pub(super) async fn summary(&self) -> anyhow::Result<String> {
        let (contacts, tags, applied) = (self.contacts().await?, self.tags().await?, self.applied().await?);
        if contacts.is_empty() && tags.is_empty() {
            return Ok("nothing of ours".into());
        }
        let names: Vec<&str> =
            contacts.iter().map(|it| it["given_name"].as_str().unwrap_or("somebody")).collect();
        let tags: Vec<&str> = tags.iter().filter_map(|tag| tag["name"].as_str()).collect();
        let tags = if tags.is_empty() { "none".into() } else { tags.join(", ") };
        Ok(format!("the contacts {}; the tags: {tags}, applied {} times", names.join(", "), applied.len()))
    }

    /// The newest generation of a grant that lives.
    pub(super) async fn generation(&self) -> anyhow::Result<u64> {
        let grants = self.call(Method::GET, "grants", &Value::Null).await?;
        let generations =
            grants["grants"].as_array().into_iter().flatten().filter_map(|it| it["generation"].as_u64());
        Ok(generations.max().unwrap_or_default())
    }

    pub(super) async fn add_contact(&self, contact: &Value) -> anyhow::Result<()> {
        self.call(Method::POST, "accounts/acme/contacts", contact).await.map(drop)
    }

    pub(super) async fn go_down(&self) -> anyhow::Result<()> {
        self.call(Method::POST, "faults", &json!({ "kind": "drop", "path": "/crm" })).await.map(drop)
    }

    pub(super) async fn come_back(&self) -> anyhow::Result<()> {
        self.call(Method::DELETE, "faults", &Value::Null).await.map(drop)
    }

    pub(super) async fn revoke(&self) -> anyhow::Result<()> {
        self.call(Method::POST, "grants/revoke", &json!({})).await.map(drop)
    }

    pub(super) async fn let_pass(&self, seconds: u32) -> anyhow::Result<()> {
        self.call(Method::POST, "clock", &json!({ "advance_seconds": seconds })).await.map(drop)
    }

    async fn list(&self, what: &str) -> anyhow::Result<Vec<Value>> {
        let mut answer = self.call(Method::GET, &format!("accounts/acme/{what}"), &Value::Null).await?;
        Ok(answer[what].as_array_mut().map(std::mem::take).unwrap_or_default())
    }

    async fn call(&self, method: Method, path: &str, body: &Value) -> anyhow::Result<Value> {
        let body = if body.is_null() { Bytes::new() } else { serde_json::to_vec(body)?.into() };
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = self.sandbox.join(&format!("/_sandbox/{path}"))?.as_str().parse()?;
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let answer = self.transport.send(request).await?;
        ensure!(answer.status().is_success(), "the sandbox answered {} to {path}", answer.status());
        Ok(serde_json::from_slice(answer.body()).unwrap_or_default())
    }
}
