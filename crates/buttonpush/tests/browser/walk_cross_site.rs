//! Keap is another site, as it really is: the browser's rules for cookies of other sites apply to the way back.
//!
//! The sandbox is at `localhost`, ButtonPush at `127.0.0.1`; for a browser these have nothing to do with each other.

use keap_sandbox::{PkceMode, Sandbox};
use thirtyfour::SameSite;

use crate::application::Application;
use crate::driver::walk;
use crate::sandbox::Control;
use crate::steps::{PANEL, become_administrator, connect_and_sign_in, decide, sign_up};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_way_back_from_another_site() {
    walk("The way back from another site", async |driver| {
        let sandbox = Sandbox::builder().start().await.unwrap();
        sandbox.change_settings(|settings| settings.pkce = PkceMode::Optional);
        let port = sandbox.address().port();
        let application = Application::start(&[
            ("KEAP_CLIENT_ID", "sandbox-client"),
            ("KEAP_CLIENT_SECRET", "sandbox-secret"),
            ("KEAP_AUTHORIZE_URL", &format!("http://localhost:{port}/app/oauth/authorize")),
            ("KEAP_TOKEN_URL", &format!("http://127.0.0.1:{port}/token")),
            ("KEAP_API_URL", &format!("http://127.0.0.1:{port}/crm")),
        ]);
        let browser = driver.open().await;
        become_administrator(&browser, &application, "Ada Administrator").await;
        let session = browser.cookie("buttonpush-session").await.unwrap();
        assert_eq!(session.same_site, Some(SameSite::Strict));

        // To Keap.
        browser.go(&application.page(PANEL)).await;
        connect_and_sign_in(&browser).await;
        assert_eq!(browser.url().await.host_str(), Some("localhost"));
        browser.look("cross-site-choose-account").await;

        // The control: what comes from there comes without the session.
        let panel = serde_json::json!(application.page(PANEL));
        let go = async || drop(browser.run("location.href = arguments[0]", vec![panel]).await);
        browser.leave(go).await;
        browser.find("main form[action='/log-in']").await;
        assert_eq!(browser.path().await, "/log-in");
        browser.look("cross-site-log-in").await;

        // The flow's own cookie is there for ten minutes, and comes along when Keap leads back.
        browser.go(&application.page(PANEL)).await;
        connect_and_sign_in(&browser).await;
        browser.go(&application.page(PANEL)).await;
        let flow = browser.cookie("keapsake-flow").await.unwrap();
        assert_eq!((flow.same_site, flow.http_only), (Some(SameSite::Lax), Some(true)));
        connect_and_sign_in(&browser).await;

        // Somebody else with the same answer has another browser; that neither works nor disturbs.
        let visitor = driver.open().await;
        visitor
            .go(&application.page(&format!("{PANEL}/callback?code=any&state={}", last_state(&sandbox))))
            .await;
        assert_eq!(visitor.text("h1").await, "This was not started in this browser");
        visitor.look_at_error("panel-400-other-browser", 400).await;
        decide(&browser, "acme", "allow").await;
        assert!(browser.has("#state[data-phase='connected']").await);
        assert_eq!(browser.text("#account").await, "Acme Toys (acme)");
        assert!(browser.cookie("keapsake-flow").await.is_none(), "it has done its work");
        browser.look("cross-site-connected").await;

        // And deliveries go out to it.
        sign_up(&visitor, &application, "Vera Visitor", "vera@example.com").await;
        assert_eq!(Control::new(sandbox.url()).contacts_of("vera@example.com").await.len(), 1);
        assert_eq!(visitor.complaints().await, [""; 0]);

        visitor.quit().await;
        browser.quit().await;
        application.stop();
        sandbox.shutdown().await;
    })
    .await;
}

/// The state of the latest flow that has come to the sandbox.
fn last_state(sandbox: &Sandbox) -> String {
    let requests = sandbox.requests();
    let queries = requests.iter().rev().flat_map(|request| request.query.split('&'));
    queries.filter_map(|pair| pair.strip_prefix("state=")).map(str::to_owned).next().unwrap()
}
