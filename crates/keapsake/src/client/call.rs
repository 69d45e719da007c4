//! Any operation of Keap's API.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{HeaderName, Method, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;
use zeroize::Zeroizing;

use super::Keap;
use crate::connection::keeper::known::Live;
use crate::connection::record::Position;
use crate::error::Error;

/// One call, to be filled and sent. Made by [`Keap::call`].
#[must_use = "a call does nothing until it is sent"]
pub struct Call<'a> {
    keap: &'a Keap,
    method: Method,
    target: Result<Url, Error>,
    body: Option<Result<Vec<u8>, Error>>,
}

/// What Keap answered, with a status of 200 to 299.
#[derive(Debug)]
pub struct Answer {
    status: StatusCode,
    body: Bytes,
}

impl<'a> Call<'a> {
    pub(super) fn new(keap: &'a Keap, method: Method, path: &str) -> Self {
        Self { keap, method, target: target(keap.api(), path), body: None }
    }

    /// Adds a query parameter; repeated names are sent repeatedly.
    pub fn query(mut self, name: &str, value: &str) -> Self {
        if let Ok(target) = &mut self.target {
            target.query_pairs_mut().append_pair(name, value);
        }
        self
    }

    /// Sends this as the JSON body.
    pub fn json(mut self, body: &impl Serialize) -> Self {
        self.body = Some(
            serde_json::to_vec(body)
                .map_err(|error| Error::request(format!("the request cannot be written as JSON: {error}"))),
        );
        self
    }

    /// Sends the call, with a usable access token. If Keap refuses that token, the call is repeated once with a
    /// newer one: a refused token means that the call was not looked at.
    ///
    /// # Errors
    /// [`Error`]; ask it what to do.
    pub async fn send(self) -> Result<Answer, Error> {
        let Self { keap, method, target, body } = self;
        let request = Request { method, target: target?, body: body.transpose()?.map(Bytes::from) };
        let (answer, credential) = request.send_with(keap, None).await?;
        if answer.status() == StatusCode::UNAUTHORIZED && keap.can_renew() {
            let (answer, credential) = request.send_with(keap, credential.position()).await?;
            return judge(answer, &credential);
        }
        judge(answer, &credential)
    }

    /// Sends the call and reads the answer as JSON.
    ///
    /// # Errors
    /// [`Error`]; also when the answer is not what it should be, although the call may have been carried out.
    pub async fn send_json<T: DeserializeOwned>(self, what: &str) -> Result<T, Error> {
        self.send().await?.json(what)
    }
}

impl Answer {
    /// Keap's HTTP status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The answer as it came.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// The answer read as JSON; `what` names it in the error.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read as that.
    pub fn json<T: DeserializeOwned>(&self, what: &str) -> Result<T, Error> {
        serde_json::from_slice(&self.body).map_err(|_| Error::unreadable(what))
    }
}

struct Request {
    method: Method,
    target: Url,
    body: Option<Bytes>,
}

impl Request {
    async fn send_with(
        &self,
        keap: &Keap,
        refused: Option<Position>,
    ) -> Result<(http::Response<Bytes>, Credential), Error> {
        let credential = keap.credential(refused).await?;
        let mut request = http::Request::new(self.body.clone().unwrap_or_default());
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self
            .target
            .as_str()
            .parse()
            .map_err(|_| Error::request("the address of the call is too long or malformed"))?;
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if self.body.is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let (name, value) = credential.header();
        headers.insert(name, value);
        Ok((keap.transport().send(request).await?, credential))
    }
}

/// What a call shows to Keap.
pub(super) enum Credential {
    Bearer(Arc<Live>),
    ApiKey { value: HeaderValue, key: Zeroizing<String> },
}

impl Credential {
    pub(super) fn bearer(live: Arc<Live>) -> Self {
        Self::Bearer(live)
    }

    pub(super) fn api_key(key: &str) -> Result<Self, Error> {
        Ok(Self::ApiKey { value: secret_value(key)?, key: Zeroizing::new(key.to_owned()) })
    }

    fn header(&self) -> (HeaderName, HeaderValue) {
        match self {
            Self::Bearer(live) => (AUTHORIZATION, live.header.clone()),
            Self::ApiKey { value, .. } => (HeaderName::from_static("x-keap-api-key"), value.clone()),
        }
    }

    /// To be recognised when it comes back in an error.
    fn secret(&self) -> &str {
        match self {
            Self::Bearer(live) => live.token.expose(),
            Self::ApiKey { key, .. } => key,
        }
    }

    fn position(&self) -> Option<Position> {
        match self {
            Self::Bearer(live) => Some(live.position),
            Self::ApiKey { .. } => None,
        }
    }
}

fn secret_value(text: &str) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::from_str(text)
        .map_err(|_| Error::request("the key or token has characters that cannot be sent"))?;
    value.set_sensitive(true);
    Ok(value)
}

fn judge(answer: http::Response<Bytes>, credential: &Credential) -> Result<Answer, Error> {
    if !answer.status().is_success() {
        return Err(Error::answer(&answer, &[credential.secret()]));
    }
    let status = answer.status();
    Ok(Answer { status, body: answer.into_body() })
}

/// The path under the configured API address; it cannot lead out of it.
fn target(api: &Url, path: &str) -> Result<Url, Error> {
    let bad =
        || Error::request(format!("`{path}` is not a path of Keap's API; it looks like /rest/v2/contacts"));
    let segments = path.strip_prefix('/').ok_or_else(bad)?.split('/');
    let mut url = api.clone();
    {
        let mut into = url.path_segments_mut().map_err(|()| bad())?;
        for segment in segments {
            if segment.is_empty()
                || segment.bytes().all(|b| b == b'.')
                || segment.contains(['%', '\\', '?', '#'])
            {
                return Err(bad());
            }
            into.push(segment);
        }
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_under_the_api() {
        let api = Url::parse("https://api.infusionsoft.com/crm").unwrap();
        let good = target(&api, "/rest/v2/tags/9/contacts:applyTags").unwrap();
        assert_eq!(good.as_str(), "https://api.infusionsoft.com/crm/rest/v2/tags/9/contacts:applyTags");
        for bad in [
            "",
            "rest",
            "/",
            "//evil",
            "/rest/../x",
            "/rest/./x",
            "/%2e%2e/x",
            "/a\\b",
            "/a?b",
            "/a#b",
            "/a//b",
        ] {
            assert!(target(&api, bad).is_err(), "{bad}");
        }
    }
}
