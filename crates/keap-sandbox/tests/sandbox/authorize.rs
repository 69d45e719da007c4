//! `/app/oauth`: sign-in, account, consent.

use keap_sandbox::{PkceMode, Sandbox};

use crate::browser::{Browser, hidden_fields};
use crate::keap::{Answer, CALLBACK, Keap, authorize_url, pair};

const SIGN_IN: &[(&str, &str)] = &[("email", "owner@example.com"), ("password", "sandbox")];

/// Walks to the consent page of an account.
async fn to_consent(browser: &mut Browser<'_>, url: &str, account: &str) -> Answer {
    let sign_in = browser.open(url).await.expect(200);
    assert!(sign_in.text.contains("Sign in to Keap"), "{}", sign_in.text);
    let choose = browser.submit(&sign_in, SIGN_IN).await.expect(200);
    assert!(choose.text.contains("Acme Toys") && choose.text.contains("Globex"));
    browser.submit(&choose, &[("account", account)]).await.expect(200)
}

#[tokio::test]
async fn a_person_allows_access_by_forms_alone() {
    let keap = Keap::start().await;
    let mut browser = Browser::new(&keap);
    let consent = to_consent(&mut browser, &authorize_url("", &[]), "globex").await;
    for shown in ["sandbox-client", "Globex", "globex.infusionsoft.com", "full", "Allow", "Deny"] {
        assert!(consent.text.contains(shown), "{shown}");
    }
    let back = browser.submit(&consent, &[("decision", "allow")]).await.expect(303);
    let location = back.header("location").to_owned();
    let expected = format!("{CALLBACK}?code=");
    assert!(
        location.starts_with(&expected)
            && location.ends_with("&scope=full%7Cglobex.infusionsoft.com&state=st")
    );
    let code = back.redirected("code").unwrap();
    assert_eq!(code.len(), 24);
    let tokens = keap.exchange(&code).await.expect(200);
    assert_eq!(tokens.json()["scope"], "full|globex.infusionsoft.com");
    let who = keap.as_bearer(&pair(&tokens).access, "/crm/rest/v2/oauth/connect/userinfo").await.expect(200);
    assert_eq!(who.json()["tenant_id"], "globex");
}

#[tokio::test]
async fn denial_is_told_in_keaps_words() {
    let keap = Keap::start().await;
    let mut browser = Browser::new(&keap);
    let consent = to_consent(&mut browser, &authorize_url("", &[("state", "")]), "acme").await;
    let back = browser.submit(&consent, &[("decision", "deny")]).await.expect(303);
    assert_eq!(
        back.header("location"),
        format!(
            "{CALLBACK}?state=&error=access_denied&error_uri=https%3A%2F%2Fdeveloper.infusionsoft.com%2Fdocs%2Fread\
             %2FGetting_Started_With_OAuth2&error_description=User+denied+access+to+resource"
        )
    );
    assert!(keap.sandbox.grants().is_empty());
}

#[tokio::test]
async fn a_wrong_password_gets_another_try_and_shows_nothing_raw() {
    let keap = Keap::start().await;
    let mut browser = Browser::new(&keap);
    let page = browser.open(&authorize_url("", &[])).await;
    let again = browser
        .submit(&page, &[("email", "\"><script>alert(1)</script>"), ("password", "x")])
        .await
        .expect(401);
    assert!(again.text.contains("not right") && !again.text.contains("<script>"), "{}", again.text);
    browser.submit(&again, SIGN_IN).await.expect(200);
}

#[tokio::test]
async fn a_person_who_is_signed_in_is_not_asked_again() {
    let keap = Keap::start().await;
    let mut browser = Browser::new(&keap);
    to_consent(&mut browser, &authorize_url("", &[]), "acme").await;
    let page = browser.open(&authorize_url("", &[])).await.expect(200);
    assert!(page.text.contains("Choose an account"));
}

#[tokio::test]
async fn pages_cannot_be_skipped() {
    let keap = Keap::start().await;
    let mut browser = Browser::new(&keap);
    let sign_in = browser.open(&authorize_url("", &[])).await;
    let id = &hidden_fields(&sign_in.text)[0].1;
    let page = browser.open(&format!("/app/oauth/consent?authorization={id}")).await.expect(200);
    assert!(page.text.contains("Sign in to Keap"));
    let csrf = &hidden_fields(&sign_in.text)[1].1;
    let forced = [("authorization", &**id), ("csrf", csrf), ("decision", "allow"), ("account", "acme")];
    let answer = browser.post("/app/oauth/consent", &forced).await.expect(303);
    assert!(answer.header("location").starts_with("/app/oauth/account"));
    assert!(keap.sandbox.grants().is_empty());
}

#[tokio::test]
async fn forms_need_their_session_their_token_and_our_own_pages() {
    let keap = Keap::start().await;
    let mut browser = Browser::new(&keap);
    let consent = to_consent(&mut browser, &authorize_url("", &[]), "acme").await;
    let fields = hidden_fields(&consent.text);
    let (id, csrf) = (&*fields[0].1, &*fields[1].1);
    let allow = |csrf| [("authorization", id), ("csrf", csrf), ("decision", "allow")];
    browser.post("/app/oauth/consent", &allow("")).await.expect(403);
    browser.post("/app/oauth/consent", &allow("guess")).await.expect(403);
    let stranger = Browser::new(&keap).post("/app/oauth/consent", &allow(csrf)).await;
    assert_eq!(stranger.status, 400);
    for (name, value) in
        [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example"), ("origin", "null")]
    {
        let request = keap.http.post(keap.url("/app/oauth/consent")).header(name, value);
        let answer = keap.send(request.body(crate::keap::form(&allow(csrf)))).await;
        assert_eq!(answer.status, 403, "{name}: {value}");
    }
    browser.post("/app/oauth/consent", &allow(csrf)).await.expect(303);
    browser.post("/app/oauth/consent", &allow(csrf)).await.expect(400);
}

#[tokio::test]
async fn the_cookie_changes_at_sign_in_and_is_out_of_reach() {
    let keap = Keap::start().await;
    let first = keap.get(&authorize_url("", &[])).await.expect(303);
    let cookie = first.header("set-cookie").to_owned();
    for part in ["HttpOnly", "SameSite=Lax", "Path=/app/oauth"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let mut browser = Browser::new(&keap);
    to_consent(&mut browser, &authorize_url("", &[]), "acme").await;
    let stale =
        keap.http.get(keap.url(first.header("location"))).header("cookie", cookie.split(';').next().unwrap());
    assert_eq!(keap.send(stale).await.status, 200, "another browser's session goes on");
}

#[tokio::test]
async fn nothing_is_sent_to_an_unregistered_redirect_uri() {
    const REGISTERED: &str = "https://app.example.com/keap/callback";
    let keap = Keap::with(Sandbox::builder().redirect_uri(REGISTERED)).await;
    let good = authorize_url("", &[("redirect_uri", REGISTERED)]);
    keap.get(&good).await.expect(303);
    let variants = [
        "",
        "https://app.example.com/keap/callback/",
        "https://app.example.com/keap/callback?",
        "https://app.example.com/keap/callback?x=1",
        "https://app.example.com/keap/callback#",
        "https://app.example.com/keap/callback#x",
        "https://app.example.com/keap/Callback",
        "https://app.example.com/keap/callbac",
        "https://app.example.com/keap/callback2",
        "https://app.example.com/keap",
        "https://app.example.com/",
        "https://app.example.com",
        "https://APP.example.com/keap/callback",
        "HTTPS://app.example.com/keap/callback",
        "http://app.example.com/keap/callback",
        "https://app.example.com:443/keap/callback",
        "https://app.example.com:8443/keap/callback",
        "https://app.example.com./keap/callback",
        "https://app.example.com.evil.example/keap/callback",
        "https://evil.example/app.example.com/keap/callback",
        "https://app.example.com@evil.example/keap/callback",
        "https://user@app.example.com/keap/callback",
        "https://user:pass@app.example.com/keap/callback",
        "https://@app.example.com/keap/callback",
        "https://app.example.com\\@evil.example/keap/callback",
        "https://app.example.com/keap/%63allback",
        "https://app.example.com/keap%2Fcallback",
        "https://app.example.com/keap/../keap/callback",
        "https://app.example.com/./keap/callback",
        "https://app.example.com//keap/callback",
        "https:/app.example.com/keap/callback",
        "//app.example.com/keap/callback",
        "/keap/callback",
        " https://app.example.com/keap/callback",
        "https://app.example.com/keap/callback ",
        "https://app.example.com/keap/callback\r\nx: y",
        "javascript:alert(1)",
        "data:text/html,x",
        "http://127.0.0.1.evil.example/callback",
        "http://localhost@evil.example/callback",
    ];
    assert_eq!(variants.len(), 40);
    for variant in variants {
        let answer = keap.get(&authorize_url("", &[("redirect_uri", variant)])).await;
        assert_eq!(answer.status, 400, "{variant:?}");
        assert_eq!(answer.header("location"), "", "{variant:?}");
    }
    let unknown = authorize_url("", &[("client_id", "nobody"), ("redirect_uri", REGISTERED)]);
    assert_eq!(keap.get(&unknown).await.expect(400).header("location"), "");
    let twice = format!("{good}&redirect_uri=https%3A%2F%2Fevil.example");
    assert_eq!(keap.get(&twice).await.expect(400).header("location"), "");
}

#[tokio::test]
async fn mistakes_of_the_application_are_told_to_it() {
    let keap = Keap::start().await;
    for (others, error) in [
        ([("response_type", "token"), ("scope", "full")], "unsupported_response_type"),
        ([("response_type", "code"), ("scope", "contacts")], "invalid_scope"),
        ([("code_challenge", "short"), ("code_challenge_method", "S256")], "invalid_request"),
    ] {
        let answer = keap.get(&authorize_url("", &others)).await.expect(303);
        assert_eq!(answer.redirected("error").as_deref(), Some(error));
        assert_eq!(answer.redirected("state").as_deref(), Some("st"));
    }
    keap.sandbox.change_settings(|settings| settings.pkce = PkceMode::Strict);
    let answer = keap.get(&authorize_url("", &[])).await.expect(303);
    assert_eq!(answer.redirected("error").as_deref(), Some("invalid_request"));
}

#[tokio::test]
async fn a_challenge_is_met_over_the_wire() {
    let keap = Keap::start().await;
    keap.sandbox.change_settings(|settings| settings.pkce = PkceMode::Strict);
    let challenge = [
        ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
        ("code_challenge_method", "S256"),
    ];
    let mut browser = Browser::new(&keap);
    let consent = to_consent(&mut browser, &authorize_url("", &challenge), "acme").await;
    let code = browser.submit(&consent, &[("decision", "allow")]).await.redirected("code").unwrap();
    let exchange = |verifier: &'static str| {
        let pairs = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", verifier),
        ];
        keap.token_request(&pairs).basic_auth("sandbox-client", Some("sandbox-secret"))
    };
    keap.send(exchange("")).await.expect(401);
    keap.send(exchange("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXX")).await.expect(401);
    keap.send(exchange("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")).await.expect(200);
}

#[tokio::test]
async fn as_lax_as_keap_an_unknown_client_gets_a_page_and_a_refusal() {
    let keap = Keap::with(Sandbox::builder().like_keap(true)).await;
    let mut browser = Browser::new(&keap);
    let url = authorize_url("", &[("client_id", "nobody"), ("redirect_uri", "http://anywhere.example/x")]);
    let consent = to_consent(&mut browser, &url, "acme").await;
    assert!(consent.text.contains("Invalid Client"));
    let back = browser.submit(&consent, &[("decision", "allow")]).await.expect(303);
    assert!(back.header("location").starts_with("http://anywhere.example/x?state=st&error=access_denied"));
}

#[tokio::test]
async fn every_page_is_guarded_and_the_consent_form_may_lead_to_its_callback() {
    let keap = Keap::start().await;
    let mut browser = Browser::new(&keap);
    let sign_in = browser.open(&authorize_url("", &[])).await;
    let consent = to_consent(&mut Browser::new(&keap), &authorize_url("", &[]), "acme").await;
    let problem = keap.get("/app/oauth/authorize").await.expect(400);
    let nothing = keap.get("/nowhere").await.expect(404);
    for page in [&sign_in, &consent, &problem, &nothing] {
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; style-src 'self';"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'") && policy.contains("base-uri 'none'"));
        assert_eq!(page.header("cache-control"), "no-store");
        assert_eq!(page.header("x-content-type-options"), "nosniff");
        assert!(!page.text.contains("<script") && !page.text.contains("style="));
    }
    assert!(sign_in.header("content-security-policy").contains("form-action 'self';"));
    assert!(consent.header("content-security-policy").contains("form-action 'self' http://127.0.0.1:9;"));
}
