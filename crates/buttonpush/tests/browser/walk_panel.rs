//! The states of a connection that the story does not come through, each brought about by what Keap does.

use std::path::Path;

use keap_sandbox::Sandbox;
use serde_json::{Value, json};

use crate::application::Application;
use crate::browser::Browser;
use crate::driver::{Driver, walk};
use crate::sandbox::Control;
use crate::steps::{PANEL, await_phase, become_administrator, connect_and_sign_in, decide};

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

/// After the time of a renewal, and before the end of the access token.
const UNTIL_RENEWAL: u64 = 22 * HOUR;

/// Longer than the connection waits after any of the troubles below.
const UNTIL_NEXT_TRY: u64 = HOUR / 2;

/// What Keap does when it is asked for a renewal, the phase that follows, and words in which the panel says so.
fn troubles() -> [(Value, &'static str, &'static str); 4] {
    let invalid_client = json!({"error": "invalid_client"}).to_string();
    [
        (json!({"kind": "throttle"}), "unreached", "Keap asked to wait"),
        (json!({"kind": "drop"}), "unconfirmed", "Keap may or may not have renewed the tokens"),
        (
            json!({"kind": "status", "status": 401, "body": invalid_client}),
            "misconfigured",
            "client id or secret",
        ),
        (json!({"kind": "delay", "delay_ms": 5_000, "times": 1}), "refreshing", "renewing right now"),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_trouble_is_told_and_ends() {
    walk("Each trouble", async |driver| {
        let (application, keap, browser) = connected(driver).await;
        for (fault, phase, words) in troubles() {
            keap.spoil("refresh", fault).await;
            keap.advance(UNTIL_RENEWAL).await;
            await_phase(&browser, phase).await;
            let text = browser.text("main").await;
            assert!(text.contains(words), "{text}");
            browser.look(&format!("panel-{phase}")).await;
            keap.clear_faults().await;
            keap.advance(UNTIL_NEXT_TRY).await;
            await_phase(&browser, "connected").await;
        }
        browser.look("panel-after-troubles").await;
        browser.quit().await;
        application.stop();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_45_days_without_a_renewal_it_is_over() {
    walk("45 days without a renewal", async |driver| {
        let (application, keap, browser) = connected(driver).await;
        keap.spoil("refresh", json!({"kind": "status", "status": 503})).await;
        for (days, warning) in [(32, "replaced long ago"), (9, "Only days are left")] {
            keap.advance(days * DAY).await;
            browser.go(&application.page(PANEL)).await;
            await_phase(&browser, "unconfirmed").await;
            let text = browser.text("main").await;
            assert!(text.contains(warning), "{text}");
            browser.look(&format!("panel-unconfirmed-{days}-days-more")).await;
        }
        keap.advance(5 * DAY).await;
        // That it is over is for Keap to say.
        keap.clear_faults().await;
        for phase in ["suspect", "needs-reconnect"] {
            keap.advance(UNTIL_NEXT_TRY).await;
            await_phase(&browser, phase).await;
        }
        let text = browser.text("main").await;
        assert!(text.contains("45 days"), "{text}");
        browser.look("panel-expired").await;

        // Another account is taken when the administrator says that it is meant.
        browser.find("[name=switch_account]").await.click().await.unwrap();
        connect_and_sign_in(&browser).await;
        decide(&browser, "globex", "allow").await;
        await_phase(&browser, "connected").await;
        assert!(browser.text("#account").await.contains("globex"));
        browser.look("panel-switched-account").await;
        browser.quit().await;
        application.stop();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restored_database_is_decided_about() {
    walk("A restored database", async |driver| {
        let (application, _, browser) = connected(driver).await;
        let mut application = application.restart_after(move_database_and_lose_journal);
        let keap = Control::new(&application.sandbox_url());
        browser.go(&application.page(PANEL)).await;
        await_phase(&browser, "restored").await;
        assert!(browser.text("main").await.contains("The database is a copy"));
        browser.look("panel-restored").await;

        browser.click("a[href$='/adopt']").await;
        assert!(browser.text("main").await.contains("No other deployment may use the same connection"));
        browser.look("panel-adopt").await;
        browser.click("form[action$='/adopt'] button").await;
        await_phase(&browser, "connected").await;
        keap.advance(UNTIL_RENEWAL).await;
        await_phase(&browser, "connected").await;

        // An outage of hours is one line of the history.
        keap.spoil("refresh", json!({"kind": "throttle", "retry_after": 60})).await;
        keap.advance(UNTIL_RENEWAL).await;
        for _ in 0..20 {
            await_phase(&browser, "unreached").await;
            keap.advance(2 * HOUR / 20).await;
        }
        keap.clear_faults().await;
        browser.look("panel-outage").await;
        keap.advance(UNTIL_NEXT_TRY).await;
        await_phase(&browser, "connected").await;
        browser.click("form[action$='/refresh'] button").await;
        await_phase(&browser, "connected").await;
        browser.look("panel-after-outage").await;
        browser.quit().await;
        application.stop();
    })
    .await;
}

/// As when a machine is replaced and somebody copies the database to the new one, and nothing else.
fn move_database_and_lose_journal(data: &Path) {
    let (database, moved) = (data.join("buttonpush.db"), data.join("moved.db"));
    std::fs::copy(&database, &moved).unwrap();
    std::fs::rename(moved, database).unwrap();
    std::fs::remove_dir_all(data.join("journal")).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_needs_no_connecting() {
    walk("A key", async |driver| {
        let sandbox = Sandbox::builder().start().await.unwrap();
        let api = format!("{}/crm", sandbox.url());
        let application = Application::start(&[("KEAP_API_KEY", sandbox.api_key()), ("KEAP_API_URL", &api)]);
        let browser = driver.open().await;
        become_administrator(&browser, &application, "Ada Administrator").await;
        browser.go(&application.page(PANEL)).await;
        await_phase(&browser, "api-key").await;
        assert!(!browser.has("form[action$='/connect']").await);
        browser.look("panel-api-key").await;
        browser.quit().await;
        application.stop();
        sandbox.shutdown().await;
    })
    .await;
}

/// An application that is connected, its Keap, and its administrator's browser at the panel.
async fn connected(driver: &Driver) -> (Application, Control, Browser) {
    let mut application = Application::start(&[]);
    let keap = Control::new(&application.sandbox_url());
    let browser = driver.open().await;
    become_administrator(&browser, &application, "Ada Administrator").await;
    browser.go(&application.page(PANEL)).await;
    connect_and_sign_in(&browser).await;
    decide(&browser, "acme", "allow").await;
    await_phase(&browser, "connected").await;
    (application, keap, browser)
}
