//! Steps that more than one walk takes.

use crate::application::Application;
use crate::browser::Browser;

pub(crate) const PASSWORD: &str = "four quiet green horses";
pub(crate) const PANEL: &str = "/admin/keap";

/// Opens the link from the console and makes the first administrator's account.
pub(crate) async fn become_administrator(browser: &Browser, application: &Application, name: &str) {
    browser.go(&application.administrator_link).await;
    assert_eq!(browser.url().await.query(), None, "the token stays out of the history");
    browser.fill("name", name).await;
    browser.fill("email", "ada@example.com").await;
    browser.fill("password", PASSWORD).await;
    browser.click("main button").await;
    assert_eq!(browser.path().await, "/admin");
}

/// Signs up, which leads to the log-in page.
pub(crate) async fn sign_up(browser: &Browser, application: &Application, name: &str, email: &str) {
    browser.go(&application.page("/sign-up")).await;
    browser.fill("name", name).await;
    browser.fill("email", email).await;
    browser.fill("password", PASSWORD).await;
    browser.click("main button").await;
    assert_eq!(browser.path().await, "/log-in");
}

/// Logs in at the page that is shown, which leads to the button.
pub(crate) async fn log_in(browser: &Browser, email: &str) {
    browser.fill("email", email).await;
    browser.fill("password", PASSWORD).await;
    browser.click("main button").await;
    assert_eq!(browser.path().await, "/button");
}

/// Logs out, which leads to the start page.
pub(crate) async fn log_out(browser: &Browser) {
    browser.click("form[action='/log-out'] button").await;
    assert_eq!(browser.path().await, "/");
}

/// Presses Connect (or Reconnect) at the panel and signs in at Keap, unless Keap still knows who it is.
pub(crate) async fn connect_and_sign_in(browser: &Browser) {
    browser.click("form[action$='/connect'] button").await;
    browser.find("main.card").await;
    if browser.has("#password").await {
        browser.fill("email", "owner@example.com").await;
        browser.fill("password", "sandbox").await;
        browser.click("main button").await;
    }
}

/// Chooses an account at Keap and allows or denies the access, which leads back to the panel.
pub(crate) async fn decide(browser: &Browser, account: &str, decision: &str) {
    browser.click(&format!("button[value='{account}']")).await;
    browser.click(&format!("button[value='{decision}']")).await;
    browser.find("#state").await;
    assert_eq!(browser.path().await, PANEL, "the address that is left is clean");
    assert_eq!(browser.url().await.query(), None);
}

/// Waits until the panel says that the connection is in this phase.
pub(crate) async fn await_phase(browser: &Browser, phase: &str) {
    browser.reload_until(&format!("#state[data-phase='{phase}']")).await;
}
