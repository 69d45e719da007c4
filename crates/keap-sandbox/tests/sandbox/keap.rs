//! A sandbox and a client for it.

use keap_sandbox::{ClockMode, Decision, Sandbox, SandboxBuilder};
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::Value;

pub(crate) const CLIENT: (&str, &str) = ("sandbox-client", "sandbox-secret");
pub(crate) const CALLBACK: &str = "http://127.0.0.1:9/callback";

/// A fresh sandbox, with everything a test needs to talk to it.
pub(crate) struct Keap {
    pub(crate) sandbox: Sandbox,
    pub(crate) http: reqwest::Client,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// The value of a parameter in the query of `Location`.
    pub(crate) fn redirected(&self, name: &str) -> Option<String> {
        query_value(self.header("location"), name)
    }

    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }
}

/// Access and refresh token.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

impl Keap {
    /// On a clock that stands still, and without quotas.
    pub(crate) async fn start() -> Self {
        Self::with(Sandbox::builder().clock(ClockMode::Manual)).await
    }

    pub(crate) async fn with(builder: SandboxBuilder) -> Self {
        let sandbox = builder.start().await.unwrap();
        sandbox.change_settings(|settings| {
            settings.limits.key.minute = None;
            settings.limits.key.second = None;
            settings.limits.client.second = None;
            settings.limits.client.minute = None;
        });
        Self { sandbox, http: http_client() }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.sandbox.url())
    }

    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        try_send(request).await.unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(self.http.get(self.url(path))).await
    }

    pub(crate) async fn post_json(&self, path: &str, body: Value) -> Answer {
        self.send(self.http.post(self.url(path)).body(body.to_string())).await
    }

    /// An API call with the service account key.
    pub(crate) async fn api(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let request = self.http.request(method, self.url(&format!("/crm/rest/v2{path}")));
        let request = request.header("x-keap-api-key", self.sandbox.api_key());
        let request = request.header("content-type", "application/json");
        self.send(match body {
            Some(body) => request.body(body.to_string()),
            None => request,
        })
        .await
    }

    pub(crate) async fn api_get(&self, path: &str) -> Answer {
        self.api(Method::GET, path, None).await
    }

    pub(crate) async fn api_post(&self, path: &str, body: Value) -> Answer {
        self.api(Method::POST, path, Some(body)).await
    }

    /// An API call with a bearer token.
    pub(crate) async fn as_bearer(&self, token: &str, path: &str) -> Answer {
        self.send(self.http.get(self.url(path)).bearer_auth(token)).await
    }

    pub(crate) fn token_request(&self, pairs: &[(&str, &str)]) -> reqwest::RequestBuilder {
        self.http
            .post(self.url("/token"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form(pairs))
    }

    /// A token request by the default client.
    pub(crate) async fn token(&self, pairs: &[(&str, &str)]) -> Answer {
        self.send(self.token_request(pairs).basic_auth(CLIENT.0, Some(CLIENT.1))).await
    }

    pub(crate) async fn exchange(&self, code: &str) -> Answer {
        self.token(&[("grant_type", "authorization_code"), ("code", code), ("redirect_uri", CALLBACK)]).await
    }

    pub(crate) async fn refresh(&self, token: &str) -> Answer {
        self.token(&[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }

    /// A code for an account, without pages.
    pub(crate) async fn code(&self, account: &str) -> String {
        let url = authorize_url(self.sandbox.url(), &[]);
        let location = self.sandbox.consent(&url, account, Decision::Allow).await.unwrap();
        query_value(&location, "code").unwrap()
    }

    /// A token pair for an account.
    pub(crate) async fn connect(&self, account: &str) -> Pair {
        let code = self.code(account).await;
        pair(&self.exchange(&code).await.expect(200))
    }
}

pub(crate) fn http_client() -> reqwest::Client {
    // The second test in the process finds it installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap()
}

pub(crate) async fn try_send(request: reqwest::RequestBuilder) -> Result<Answer, reqwest::Error> {
    let response = request.send().await?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Ok(Answer { status, headers, text: response.text().await? })
}

pub(crate) fn pair(answer: &Answer) -> Pair {
    let json = answer.json();
    let text = |name: &str| json[name].as_str().unwrap().to_owned();
    Pair { access: text("access_token"), refresh: text("refresh_token") }
}

/// The authorize URL of the default client, with further or other parameters.
pub(crate) fn authorize_url(base: &str, others: &[(&str, &str)]) -> String {
    let defaults =
        [("client_id", CLIENT.0), ("redirect_uri", CALLBACK), ("response_type", "code"), ("state", "st")];
    let kept = defaults.iter().filter(|(name, _)| others.iter().all(|(other, _)| other != name));
    let pairs: Vec<_> = kept.chain(others).copied().collect();
    format!("{base}/app/oauth/authorize?{}", form(&pairs))
}

pub(crate) fn form(pairs: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

pub(crate) fn query_value(url: &str, name: &str) -> Option<String> {
    let query = url.split_once('?')?.1;
    url::form_urlencoded::parse(query.as_bytes())
        .find(|(known, _)| known == name)
        .map(|(_, value)| value.into())
}
