//! What Keap says is somebody else's text: names and errors that are attacks stay text in the panel.

use keap_sandbox::Sandbox;
use serde_json::json;
use tempfile::TempDir;

use crate::application::Application;
use crate::browser::Browser;
use crate::driver::walk;
use crate::steps::{PANEL, await_phase, become_administrator, connect_and_sign_in, decide};

const ACCOUNT: &str = "\"><img src=x onerror=window.harmed=1>";
const ERROR: &str = "<script>window.harmed=1</script>";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_keap_says_stays_text() {
    walk("What Keap says", async |driver| {
        let seed = TempDir::new().unwrap();
        let file = seed.path().join("seed.json");
        std::fs::write(&file, json!({"accounts": [{"key": "acme", "name": ACCOUNT}]}).to_string()).unwrap();
        let sandbox = Sandbox::builder().seed(&file).start().await.unwrap();
        let application = Application::start(&[
            ("KEAP_CLIENT_ID", "sandbox-client"),
            ("KEAP_CLIENT_SECRET", "sandbox-secret"),
            ("KEAP_AUTHORIZE_URL", &format!("{}/app/oauth/authorize", sandbox.url())),
            ("KEAP_TOKEN_URL", &format!("{}/token", sandbox.url())),
            ("KEAP_API_URL", &format!("{}/crm", sandbox.url())),
        ]);
        let browser = driver.open().await;
        become_administrator(&browser, &application, "Ada Administrator").await;

        // Refusals in words of somebody else's choice, as answers to what was asked for.
        for error in ["access_denied", ERROR] {
            browser.go(&application.page(PANEL)).await;
            connect_and_sign_in(&browser).await;
            browser.go(&refusal(&application, &state_of(&sandbox), error)).await;
            browser.find("#last-authorization").await;
            assert_harmless(&browser).await;
        }
        browser.look("panel-denied-attack").await;

        browser.go(&application.page(PANEL)).await;
        connect_and_sign_in(&browser).await;
        assert_harmless(&browser).await;
        decide(&browser, "acme", "allow").await;
        await_phase(&browser, "connected").await;
        let account = browser.text("#account").await;
        assert!(account.contains(ACCOUNT), "{account}");
        assert_harmless(&browser).await;
        browser.look("panel-account-attack").await;
        browser.click("a[href$='/disconnect']").await;
        assert!(browser.text("h1").await.contains(ACCOUNT));
        assert_harmless(&browser).await;

        browser.quit().await;
        application.stop();
        sandbox.shutdown().await;
    })
    .await;
}

fn refusal(application: &Application, state: &str, error: &str) -> String {
    let pairs = [("error", error), ("error_description", ERROR), ("state", state)];
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    application.page(&format!("{PANEL}/callback?{query}"))
}

/// The state of the latest flow that has come to the sandbox.
fn state_of(sandbox: &Sandbox) -> String {
    let requests = sandbox.requests();
    let queries = requests.iter().rev().flat_map(|request| request.query.split('&'));
    queries.filter_map(|pair| pair.strip_prefix("state=")).map(str::to_owned).next().unwrap()
}

async fn assert_harmless(browser: &Browser) {
    assert_eq!(browser.run("return window.harmed ?? null", vec![]).await, serde_json::Value::Null);
    assert!(!browser.has("img, script").await);
    assert_eq!(browser.complaints().await, [""; 0]);
}
