//! The whole way with a browser, over the network, at the local Keap: sign in, choose, allow, come back.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use bytes::Bytes;
use http::{Request, Response};
use keap_sandbox::{Fault, FaultEffect, Sandbox};
use keapsake::oauth::Pkce;
use keapsake::store::MemoryStore;
use keapsake::store::seal::SealingKey;
use keapsake::transport::{HttpTransport, Transport as _};
use keapsake::{Application, ClientSecret, Endpoints, Keap};
use keapsake_panel::Panel;

use crate::world::{MOUNT, OneAdmin, SESSION};

/// Keeps cookies by site, sends forms and follows redirects, as far as is needed. It never sends the session along
/// to a page that another site led to, as with a `SameSite=Strict` cookie.
struct Browser {
    http: HttpTransport,
    cookies: BTreeMap<(String, String), String>,
    shop: String,
}

struct Page {
    url: url::Url,
    status: u16,
    body: String,
}

impl Browser {
    fn new(shop: &str) -> Self {
        Self { http: HttpTransport::for_api().unwrap(), cookies: BTreeMap::new(), shop: shop.to_owned() }
    }

    async fn open(&mut self, url: &str) -> Page {
        self.go("GET", url.parse().unwrap(), "", true).await
    }

    /// Fills in the form of the page and sends it.
    async fn submit(&mut self, page: &Page, fields: &[(&str, &str)]) -> Page {
        let form = page.body.split("<form").nth(1).unwrap().split("</form>").next().unwrap();
        let action = form.split("action=\"").nth(1).unwrap().split('"').next().unwrap();
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        for input in form.split("<input type=\"hidden\" name=\"").skip(1) {
            let (name, rest) = input.split_once("\" value=\"").unwrap();
            body.append_pair(name, rest.split('"').next().unwrap());
        }
        body.extend_pairs(fields);
        self.go("POST", page.url.join(action).unwrap(), &body.finish(), true).await
    }

    async fn go(&mut self, method: &str, url: url::Url, body: &str, from_shop: bool) -> Page {
        let (mut method, mut url, mut body, mut strict) =
            (method.to_owned(), url, body.to_owned(), from_shop);
        loop {
            let answer = self.send(&method, &url, &body, strict).await;
            let Some(location) = answer.headers().get("location") else {
                let text = String::from_utf8(answer.body().to_vec()).unwrap();
                let page = Page { url, status: answer.status().as_u16(), body: text };
                return match page.body.split_once("http-equiv=\"refresh\" content=\"0; url=") {
                    // A step that the page itself makes, so from its own site.
                    Some((_, rest)) => {
                        let to = page.url.join(rest.split('"').next().unwrap()).unwrap();
                        Box::pin(self.go("GET", to, "", true)).await
                    }
                    None => page,
                };
            };
            let to = url.join(location.to_str().unwrap()).unwrap();
            strict = strict && to.origin() == url.origin();
            (method, url, body) = ("GET".into(), to, String::new());
        }
    }

    async fn send(&mut self, method: &str, url: &url::Url, body: &str, strict: bool) -> Response<Bytes> {
        let site = url.origin().ascii_serialization();
        let of_site = self.cookies.iter().filter(|((of, _), _)| *of == site);
        let cookies: Vec<String> = of_site.map(|((_, name), value)| format!("{name}={value}")).collect();
        let mut request = Request::builder().method(method).uri(url.as_str());
        request = request.header("content-type", "application/x-www-form-urlencoded");
        request = request.header("cookie", cookies.join("; "));
        if strict && url.as_str().starts_with(&self.shop) {
            request = request.header("x-session", SESSION);
        }
        let answer = self.http.send(request.body(Bytes::from(body.to_owned())).unwrap()).await.unwrap();
        for cookie in answer.headers().get_all("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            if cookie.contains("Max-Age=0") {
                self.cookies.remove(&(site.clone(), name.to_owned()));
            } else {
                self.cookies.insert((site.clone(), name.to_owned()), value.to_owned());
            }
        }
        answer
    }
}

/// The shop with its panel on a free port, and its address.
async fn shop(sandbox: &Sandbox) -> (String, Keap) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let endpoints = Endpoints::under(sandbox.url()).unwrap();
    let secret = ClientSecret::new("sandbox-secret");
    let redirect = format!("{address}{MOUNT}/callback");
    let application =
        Application::at(endpoints, "sandbox-client", secret, &redirect).unwrap().with_pkce(Pkce::S256);
    let store = Arc::new(MemoryStore::default());
    let keap = Keap::oauth(application, store, SealingKey::from_bytes([7; 32])).start().await.unwrap();
    let panel = Panel::new(keap.clone(), None, Arc::new(OneAdmin::default()), MOUNT).secure_cookies(false);
    let app = Router::new().nest(MOUNT, panel.router());
    tokio::spawn(axum::serve(listener, app).into_future());
    (address, keap)
}

async fn at_consent(browser: &mut Browser, address: &str) -> Page {
    let panel = browser.open(&format!("{address}{MOUNT}")).await;
    assert_eq!(panel.status, 200, "{}", panel.body);
    let sign_in = browser.submit(&panel, &[]).await;
    assert!(sign_in.body.contains("Sign in to Keap"), "{}", sign_in.body);
    let accounts = browser.submit(&sign_in, &[("email", "owner@example.com"), ("password", "sandbox")]).await;
    browser.submit(&accounts, &[("account", "acme")]).await
}

#[tokio::test]
async fn an_administrator_connects() {
    let sandbox = Sandbox::builder().start().await.unwrap();
    let (address, keap) = shop(&sandbox).await;
    let mut browser = Browser::new(&address);
    let consent = at_consent(&mut browser, &address).await;
    let panel = browser.submit(&consent, &[("decision", "allow")]).await;
    assert_eq!(panel.url.as_str(), format!("{address}{MOUNT}"), "{}", panel.body);
    assert_eq!(panel.status, 200);
    assert!(panel.body.contains("data-phase=\"connected\""), "{}", panel.body);
    assert!(panel.body.contains("Acme Toys (acme)"), "{}", panel.body);
    assert!(!browser.cookies.keys().any(|(_, name)| name == "keapsake-flow"), "the cookie is gone");
    assert!(keap.account().user_info().await.is_ok());
    let exchanges = sandbox.requests().iter().filter(|request| request.path == "/token").count();
    assert_eq!(exchanges, 1);
    keap.stop().await;
    sandbox.shutdown().await;
}

#[tokio::test]
async fn an_administrator_denies() {
    let sandbox = Sandbox::builder().start().await.unwrap();
    let (address, _keap) = shop(&sandbox).await;
    let mut browser = Browser::new(&address);
    let consent = at_consent(&mut browser, &address).await;
    let panel = browser.submit(&consent, &[("decision", "deny")]).await;
    assert!(panel.body.contains("data-phase=\"not-connected\""), "{}", panel.body);
    assert!(panel.body.contains("Keap gave no access. Either Deny was pressed"), "{}", panel.body);
    sandbox.shutdown().await;
}

#[tokio::test]
async fn keap_fails_at_the_worst_moment() {
    let sandbox = Sandbox::builder().start().await.unwrap();
    let (address, _keap) = shop(&sandbox).await;
    let mut browser = Browser::new(&address);
    let consent = at_consent(&mut browser, &address).await;
    sandbox.add_fault(Fault::new(FaultEffect::Drop).operation("exchange").after_applying().times(1));
    let panel = browser.submit(&consent, &[("decision", "allow")]).await;
    assert!(panel.body.contains("data-phase=\"not-connected\""), "{}", panel.body);
    assert!(panel.body.contains("connecting again is safe"), "{}", panel.body);
    let consent = at_consent_again(&mut browser, &panel).await;
    let panel = browser.submit(&consent, &[("decision", "allow")]).await;
    assert!(panel.body.contains("data-phase=\"connected\""), "{}", panel.body);
    sandbox.shutdown().await;
}

/// The browser is signed in at Keap already.
async fn at_consent_again(browser: &mut Browser, panel: &Page) -> Page {
    let page = browser.submit(panel, &[]).await;
    let accounts = if page.body.contains("Sign in to Keap") {
        browser.submit(&page, &[("email", "owner@example.com"), ("password", "sandbox")]).await
    } else {
        page
    };
    browser.submit(&accounts, &[("account", "acme")]).await
}
