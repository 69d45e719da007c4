//! Somebody at a browser: cookies for each host, forms, redirects; no scripts.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, COOKIE, HeaderValue, LOCATION, ORIGIN, SET_COOKIE};
use http::{HeaderName, Method, Request, Response};
use keapsake::transport::{HttpTransport, Transport as _};
use url::Url;

use super::html;

const REDIRECTS_MAX: usize = 12;

/// A browser window with its own cookies.
#[derive(Clone)]
pub struct Browser {
    transport: Arc<HttpTransport>,
    cookies: BTreeMap<String, BTreeMap<String, String>>,
    /// Where it is.
    pub at: Url,
    /// What it shows.
    pub page: String,
    /// The status of what it shows.
    pub status: u16,
}

impl Browser {
    /// A new window; the first page that is opened is looked for from here.
    ///
    /// # Errors
    /// When the HTTP client cannot be built, which is a defect of the build.
    pub fn new(home: Url) -> anyhow::Result<Self> {
        let transport = Arc::new(HttpTransport::for_api()?);
        Ok(Self { transport, cookies: BTreeMap::new(), at: home, page: String::new(), status: 0 })
    }

    /// Opens a page and follows wherever it leads.
    ///
    /// # Errors
    /// When there is no answer, or no end of redirects. An error page is an answer.
    pub async fn open(&mut self, path: &str) -> anyhow::Result<()> {
        let url = self.at.join(path)?;
        self.go(Method::GET, url, None).await
    }

    /// Fills in the form that contains this text, sends it, and follows wherever that leads.
    ///
    /// # Errors
    /// When the page has no such form, or as for [`Browser::open`].
    pub async fn submit(&mut self, marker: &str, typed: &[(&str, &str)]) -> anyhow::Result<()> {
        let form = html::form_with(&self.page, marker).with_context(|| {
            format!("{} has no form with {marker} (status {})", self.at.path(), self.status)
        })?;
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&form.hidden)
            .extend_pairs(typed)
            .finish();
        let url = self.at.join(&form.action)?;
        self.go(Method::POST, url, Some(body)).await
    }

    /// What the page says in the element with this id.
    pub fn text(&self, id: &str) -> String {
        html::text_of(&self.page, id).unwrap_or_default()
    }

    async fn go(&mut self, method: Method, url: Url, body: Option<String>) -> anyhow::Result<()> {
        let (mut method, mut url, mut body) = (method, url, body);
        for _ in 0..REDIRECTS_MAX {
            let answer = self.send(&method, &url, body.take()).await?;
            self.status = answer.status().as_u16();
            self.page = String::from_utf8_lossy(answer.body()).into_owned();
            let to = location(&answer).or_else(|| html::refresh(&self.page));
            self.at = url;
            let Some(to) = to else { return Ok(()) };
            url = self.at.join(&to)?;
            method = Method::GET;
        }
        anyhow::bail!("{} leads round in circles", self.at.path())
    }

    async fn send(
        &mut self,
        method: &Method,
        url: &Url,
        body: Option<String>,
    ) -> anyhow::Result<Response<Bytes>> {
        let mut request = Request::new(Bytes::from(body.unwrap_or_default()));
        *request.method_mut() = method.clone();
        *request.uri_mut() = url.as_str().parse()?;
        let headers = request.headers_mut();
        let jar = self.cookies.get(url.authority());
        let cookies: Vec<String> =
            jar.into_iter().flatten().map(|(name, value)| format!("{name}={value}")).collect();
        if !cookies.is_empty() {
            headers.insert(COOKIE, cookies.join("; ").parse()?);
        }
        if *method == Method::POST {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
            headers.insert(ORIGIN, url.origin().ascii_serialization().parse()?);
            headers
                .insert(HeaderName::from_static("sec-fetch-site"), HeaderValue::from_static("same-origin"));
        }
        let answer = self.transport.send(request).await?;
        self.keep_cookies(url, &answer)?;
        Ok(answer)
    }

    fn keep_cookies(&mut self, url: &Url, answer: &Response<Bytes>) -> anyhow::Result<()> {
        let jar = self.cookies.entry(url.authority().to_owned()).or_default();
        for line in answer.headers().get_all(SET_COOKIE) {
            let line = line.to_str()?;
            let (pair, attributes) = line.split_once(';').unwrap_or((line, ""));
            let (name, value) = pair.split_once('=').context("a cookie without a name")?;
            ensure!(attributes.contains("HttpOnly"), "the cookie {name} can be read by scripts");
            if attributes.contains("Max-Age=0") {
                jar.remove(name);
            } else {
                jar.insert(name.to_owned(), value.to_owned());
            }
        }
        Ok(())
    }
}

fn location(answer: &Response<Bytes>) -> Option<String> {
    if !answer.status().is_redirection() {
        return None;
    }
    answer.headers().get(LOCATION)?.to_str().ok().map(str::to_owned)
}
