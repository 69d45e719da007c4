//! The whole story: from an empty data directory to a connection that was lost, made again, and ended.

use crate::application::Application;
use crate::browser::Browser;
use crate::driver::walk;
use crate::sandbox::Control;
use crate::steps::{
    PANEL, PASSWORD, await_phase, become_administrator, connect_and_sign_in, decide, log_in, log_out, sign_up,
};

const VERA: &str = "vera@example.com";
const KIM: &str = "kim@example.com";
const LATE: &str = "late@example.com";
const RITA: &str = "rita@example.com";

/// An access token lives for a day and is renewed after 21 hours.
const HOURS_22: u64 = 22 * 3600;

/// Everybody and everything in it.
struct Story {
    application: Application,
    keap: Control,
    admin: Browser,
    visitor: Browser,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_whole_story_in_a_browser() {
    walk("The whole story", async |driver| {
        let mut application = Application::start(&[]);
        let keap = Control::new(&application.sandbox_url());
        let story = Story { application, keap, admin: driver.open().await, visitor: driver.open().await };
        story.becomes_administrator().await;
        story.connects().await;
        story.pushes().await;
        story.pushes_by_keyboard().await;
        story.renews().await;
        story.loses_and_reconnects().await;
        story.fails_and_is_retried().await;
        story.outlives_an_outage().await;
        story.disconnects().await;
        story.visitor.quit().await;
        story.admin.quit().await;
        story.application.stop();
    })
    .await;
}

impl Story {
    /// The first administrator.
    async fn becomes_administrator(&self) {
        let Self { application, admin, .. } = self;
        admin.go(&application.url).await;
        admin.look("public").await;
        admin.go(&application.administrator_link).await;
        admin.look("first-administrator").await;
        admin.fill("password", "short").await;
        admin.click("main button").await;
        admin.look_at_error("first-administrator-errors", 422).await;
        become_administrator(admin, application, "Ada Administrator").await;
        admin.look("admin").await;
        let session = admin.cookie("buttonpush-session").await.unwrap();
        assert_eq!(session.http_only, Some(true));
        admin.go(&application.administrator_link).await;
        admin.look_at_error("first-administrator-403-used", 403).await;
    }

    /// Keap says no, and then yes.
    async fn connects(&self) {
        let Self { application, admin, .. } = self;
        admin.go(&application.page("/admin")).await;
        admin.click("a.card-link").await;
        assert!(admin.has("#state[data-phase='not-connected']").await);
        assert!(!admin.has("#last-authorization").await);
        admin.look("panel-not-connected").await;
        admin.click("form[action$='/connect'] button").await;
        admin.find("#password").await;
        admin.look("sandbox-sign-in").await;
        admin.fill("email", "owner@example.com").await;
        admin.fill("password", "not this").await;
        admin.click("main button").await;
        admin.look_at_error("sandbox-sign-in-wrong", 401).await;
        admin.fill("password", "sandbox").await;
        admin.click("main button").await;
        admin.look("sandbox-choose-account").await;
        admin.click("button[value='acme']").await;
        admin.look("sandbox-consent").await;
        admin.click("button[value='deny']").await;
        admin.find("#last-authorization").await;
        assert!(admin.has("#state[data-phase='not-connected']").await);
        admin.look("panel-denied").await;
        connect_and_sign_in(admin).await;
        decide(admin, "acme", "allow").await;
        assert!(admin.has("#state[data-phase='connected']").await);
        assert_eq!(admin.text("#account").await, "Acme Toys (acme)");
        assert!(!admin.has("#last-authorization").await);
        admin.look("panel-connected").await;
    }

    /// Somebody signs up and presses three times.
    async fn pushes(&self) {
        let Self { application, keap, visitor, .. } = self;
        visitor.go(&application.url).await;
        visitor.click("main a[href='/sign-up']").await;
        visitor.look("sign-up").await;
        visitor.fill("email", "vera@").await;
        visitor.click("main button").await;
        assert!(visitor.has("#name[aria-invalid]").await && visitor.has("#email[aria-invalid]").await);
        visitor.look_at_error("sign-up-errors", 422).await;
        sign_up(visitor, application, "Vera Visitor", VERA).await;
        visitor.look("log-in-welcome").await;
        visitor.fill("email", VERA).await;
        visitor.fill("password", "something else").await;
        visitor.click("main button").await;
        visitor.look_at_error("log-in-errors", 422).await;
        log_in(visitor, VERA).await;
        visitor.look("button-0").await;
        for count in 1..=3 {
            visitor.click("button.dome").await;
            assert_eq!(visitor.text(".dome-count").await, count.to_string());
        }
        visitor.look("button-3").await;
        assert_eq!(visitor.text("#count").await, "You have pushed it 3 times.");
        assert_eq!(keap.tags_of(VERA).await, ["buttonpushed"]);
        let contacts = keap.contacts_of(VERA).await;
        assert_eq!(contacts.len(), 1, "{contacts:?}");
        assert_eq!(
            (&contacts[0]["given_name"], &contacts[0]["family_name"]),
            (&"Vera".into(), &"Visitor".into())
        );

        // An administrator's pages are not for her, and without logging out she stays herself.
        visitor.go(&application.page(PANEL)).await;
        visitor.look_at_error("panel-403", 403).await;
        visitor.go(&application.page("/button")).await;
        log_out(visitor).await;
    }

    /// Somebody else does all of it with the keyboard alone.
    async fn pushes_by_keyboard(&self) {
        let Self { application, keap, visitor, .. } = self;
        sign_up(visitor, application, "Kim Keys", KIM).await;
        visitor.tab_to("#email").await;
        visitor.keys(KIM).await;
        visitor.tab_to("#password").await;
        visitor.keys(PASSWORD).await;
        visitor.enter().await;
        assert_eq!(visitor.text(".who").await, "Kim Keys");
        assert_eq!(visitor.text("#count").await, "You have not pushed it yet.");
        visitor.tab_to("a.brand").await;
        visitor.tab_to("button.dome").await;
        visitor.enter().await;
        assert_eq!(visitor.text("#count").await, "You have pushed it once.");
        assert_eq!(keap.tags_of(KIM).await, ["buttonpushed"]);
    }

    /// A day passes for Keap: the connection renews itself.
    async fn renews(&self) {
        let Self { application, keap, admin, .. } = self;
        admin.go(&application.page(PANEL)).await;
        assert!(!admin.has("tr[data-kind=refresh]").await);
        keap.advance(HOURS_22).await;
        admin.reload_until("tr[data-kind=refresh][data-outcome=done]").await;
        await_phase(admin, "connected").await;
        admin.look("panel-renewed").await;
        admin.go(&keap.home()).await;
        admin.look("sandbox-home").await;
    }

    /// Somebody takes the access away in Keap: what has to be sent waits, until an administrator reconnects.
    async fn loses_and_reconnects(&self) {
        let Self { application, keap, admin, visitor, .. } = self;
        admin.click("#grants button[name='grant']").await;
        log_out(visitor).await;
        sign_up(visitor, application, "Late Comer", LATE).await;
        admin.go(&application.page(PANEL)).await;
        await_phase(admin, "suspect").await;
        admin.look("panel-suspect").await;
        keap.advance(60).await;
        await_phase(admin, "needs-reconnect").await;
        assert_eq!(keap.count_of(LATE).await, 0);
        assert_eq!(admin.text("#waiting").await, "1");
        admin.look("panel-needs-reconnect").await;
        connect_and_sign_in(admin).await;
        decide(admin, "globex", "allow").await;
        assert!(admin.has("#last-authorization").await, "another account is not taken by accident");
        assert!(admin.has("#state[data-phase='needs-reconnect']").await);
        admin.look("panel-other-account").await;
        connect_and_sign_in(admin).await;
        decide(admin, "acme", "allow").await;
        await_phase(admin, "connected").await;
        assert_eq!(keap.contacts_of(LATE).await.len(), 1);
        admin.look("panel-reconnected").await;
    }

    /// Keap does not take somebody, until an administrator tries again.
    async fn fails_and_is_retried(&self) {
        let Self { application, keap, admin, visitor } = self;
        keap.refuse_next("createContact").await;
        sign_up(visitor, application, "Rita Refused", RITA).await;
        admin.go(&application.page(PANEL)).await;
        admin.reload_until("#failed-items button").await;
        assert_eq!(admin.text("#failed").await, "1");
        admin.look("panel-delivery-failed").await;
        admin.click("#failed-items button").await;
        assert_eq!(keap.contacts_of(RITA).await.len(), 1);
        admin.reload_until("#failed:not(.kp-bad *)").await;
        assert_eq!(admin.text("#failed").await, "0");
    }

    /// Keap is down for a while.
    async fn outlives_an_outage(&self) {
        let Self { application, keap, admin, .. } = self;
        admin.go(&keap.home()).await;
        admin.click("#faults button").await;
        admin.go(&application.page(PANEL)).await;
        keap.advance(HOURS_22).await;
        await_phase(admin, "unconfirmed").await;
        admin.look("panel-keap-down").await;
        admin.go(&keap.home()).await;
        admin.look("sandbox-home-down").await;
        admin.click("#faults button").await;
        keap.advance(3600).await;
        admin.go(&application.page(PANEL)).await;
        await_phase(admin, "connected").await;
    }

    /// The end.
    async fn disconnects(&self) {
        let Self { keap, admin, .. } = self;
        admin.click("a[href$='/disconnect']").await;
        admin.look("panel-disconnect-question").await;
        admin.click("main a.kp-quiet").await;
        assert!(admin.has("#state[data-phase='connected']").await);
        admin.click("a[href$='/disconnect']").await;
        admin.click("main form button").await;
        assert!(admin.has("#state[data-phase='disconnected']").await);
        admin.look("panel-disconnected").await;
        assert_eq!(keap.tags_of(VERA).await, ["buttonpushed"], "three presses are one tag");
    }
}
