//! What is left of the pages: names that are attacks, errors, and whether these tests would see that something is wrong.

use crate::application::Application;
use crate::browser::Browser;
use crate::driver::walk;
use crate::sandbox::Control;
use crate::steps::{
    PANEL, await_phase, become_administrator, connect_and_sign_in, decide, log_in, log_out, sign_up,
};

const SCRIPT: &str = "<script>window.harmed=1</script> Script";
const IMAGE: &str = "\"><img src=x onerror=window.harmed=1> Image";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_that_are_attacks_and_pages_of_errors() {
    walk("The pages", async |driver| {
        let mut application = Application::start(&[]);
        let keap = Control::new(&application.sandbox_url());
        let browser = driver.open().await;
        the_checks_see_what_is_wrong(&browser, &application).await;

        // Names of people who mean harm stay names, on every page that shows them.
        for (email, name) in [("script@example.com", SCRIPT), ("image@example.com", IMAGE)] {
            browser.go(&application.page("/sign-up")).await;
            browser.fill("name", name).await;
            browser.click("main button").await;
            assert_eq!(browser.value("name").await, name);
            browser.look_at_error("sign-up-attack", 422).await;
            assert_harmless(&browser).await;
            sign_up(&browser, &application, name, email).await;
            log_in(&browser, email).await;
            assert_eq!(browser.text(".who").await, name);
            browser.look("button-attack").await;
            assert_harmless(&browser).await;
            browser.click("button.dome").await;
            log_out(&browser).await;
        }
        become_administrator(&browser, &application, IMAGE).await;
        assert_eq!(browser.text(".who").await, IMAGE);
        browser.look("admin-attack").await;
        assert_harmless(&browser).await;
        browser.go(&application.page(PANEL)).await;
        browser.look("panel-deliveries-wait").await;
        assert_harmless(&browser).await;
        connect_and_sign_in(&browser).await;
        decide(&browser, "acme", "allow").await;
        await_phase(&browser, "connected").await;
        keap.tags_of("image@example.com").await;
        keap.tags_of("script@example.com").await;
        browser.go(&keap.home()).await;
        let contacts = browser.text("#account-acme").await;
        assert!(contacts.contains(SCRIPT) && contacts.contains(IMAGE), "{contacts}");
        browser.look("sandbox-attack").await;
        assert_harmless(&browser).await;

        // An answer that nobody asked for, and the stepping stone after one that somebody did.
        browser.go(&application.page("/admin/keap/callback?code=stolen&state=guessed")).await;
        browser.look_at_error("panel-400-not-asked-for", 400).await;
        browser.go(&application.page("/admin/keap/callback")).await;
        browser.look_at_error("panel-400-malformed", 400).await;
        browser.go(&application.page("/admin/keap/nothing")).await;
        browser.look_at_error("panel-404", 404).await;
        browser.go(&application.page(PANEL)).await;
        browser.hold(&application.page("/admin/keap/return")).await;
        browser.look("panel-return").await;
        browser.go(&application.page("/admin/keap/return")).await;
        browser.find("#state").await;

        // What does not exist, and what is not allowed.
        browser.go(&application.page("/nothing/here")).await;
        browser.look_at_error("error-404", 404).await;
        browser.go(&application.page("/admin")).await;
        browser.run("document.querySelector('[name=csrf_token]').value = 'forged'", vec![]).await;
        browser.click("form[action='/log-out'] button").await;
        browser.look_at_error("error-403-forged-form", 403).await;
        browser.go(&application.page("/admin/first")).await;
        browser.look_at_error("error-403-no-link", 403).await;

        // Without a session, an administrator's page asks for one and then leads back.
        browser.go(&application.page("/admin")).await;
        log_out(&browser).await;
        browser.go(&application.page(PANEL)).await;
        assert_eq!(browser.path().await, "/log-in");
        browser.look("log-in").await;

        browser.quit().await;
        application.stop();
    })
    .await;
}

/// Nothing of a name was run or became an element.
async fn assert_harmless(browser: &Browser) {
    assert_eq!(browser.run("return window.harmed ?? null", vec![]).await, serde_json::Value::Null);
    assert!(!browser.has("img, script").await);
}

/// The controls: an error, a refused script, a failed request and a careless page are all noticed.
async fn the_checks_see_what_is_wrong(browser: &Browser, application: &Application) {
    browser.go(&application.url).await;
    assert_eq!(browser.complaints().await, [""; 0]);
    browser.run("setTimeout(() => { throw new Error('on purpose') })", vec![]).await;
    browser.await_complaint("on purpose").await;
    let inline = "const it = document.createElement('script'); it.textContent = 'window.harmed = 1'; \
                  document.body.append(it); return window.harmed ?? null";
    assert_eq!(browser.run(inline, vec![]).await, serde_json::Value::Null, "the policy forbids scripts");
    browser.await_complaint("Content Security Policy").await;
    browser.run("document.body.style.cssText = 'color: red'; new Image().src = '/nothing.png'", vec![]).await;
    browser.await_complaint("404").await;
    let careless = "document.body.innerHTML = '<h1>One</h1><h1>Two</h1><input><p style=\"\">'; \
                    document.body.style.width = '3000px'";
    browser.run(careless, vec![]).await;
    let findings = browser.findings(1280).await;
    for expected in ["2 headings", "scrolls sideways", "no name: <input>"] {
        assert!(findings.iter().any(|finding| finding.contains(expected)), "{expected}: {findings:?}");
    }
    browser.complaints().await;
}
