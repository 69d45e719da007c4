//! The story, step by step.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use futures_util::future::BoxFuture;
use serde_json::json;
use url::Url;

use super::browser::Browser;
use super::keap::Keap;
use crate::start::Running;

/// A step: what is true after it, and how it gets there.
type Step = (&'static str, for<'a> fn(&'a mut Story) -> BoxFuture<'a, anyhow::Result<()>>);

/// The whole story.
pub(super) const STEPS: [Step; 15] = [
    ("the public page says what this is", |story| Box::pin(story.public_page())),
    ("the one-time link makes an administrator", |story| Box::pin(story.first_administrator())),
    ("the panel says: not connected", |story| Box::pin(story.not_connected())),
    ("Deny at Keap is explained, and connects nothing", |story| Box::pin(story.denied())),
    ("Allow at Keap connects to Acme Toys", |story| Box::pin(story.connected())),
    ("a sign-up becomes a contact", |story| Box::pin(story.sign_up())),
    ("three presses become one tag", |story| Box::pin(story.presses())),
    ("with Keap down, a sign-up is answered and waits", |story| Box::pin(story.keap_down())),
    ("with Keap back, what waited is delivered", |story| Box::pin(story.keap_back())),
    ("a sign-up with a customer's address changes nothing of theirs", |story| {
        Box::pin(story.hostile_sign_up())
    }),
    ("a day passes, and the connection renews itself", |story| Box::pin(story.a_day_passes())),
    ("access revoked in Keap is noticed; a sign-up waits", |story| Box::pin(story.revoked())),
    ("reconnecting delivers what waited", |story| Box::pin(story.reconnected())),
    ("disconnecting asks first, and is what it says", |story| Box::pin(story.disconnected())),
    ("Keap holds what happened: nothing lost, nothing doubled", |story| Box::pin(story.final_truth())),
];

const PASSWORD: &str = "a button to push";
const IN_TIME: Duration = Duration::from_secs(20);

/// Everybody in the story.
pub(super) struct Story {
    pub(super) keap: Keap,
    home: Url,
    administrator_link: String,
    admin: Browser,
}

impl Story {
    pub(super) fn begin(running: &Running) -> anyhow::Result<Self> {
        let home = Url::parse(running.origin.as_str())?;
        let sandbox = running.sandbox.as_ref().context(
            "the tour needs the built-in sandbox; this build has none, use one without --no-default-features",
        )?;
        let link = running.administrator_link.as_ref().context("there is an administrator already")?;
        Ok(Self {
            keap: Keap::at(Url::parse(&sandbox.url)?)?,
            administrator_link: link.to_string(),
            admin: Browser::new(home.clone())?,
            home,
        })
    }

    fn visitor(&self) -> anyhow::Result<Browser> {
        Browser::new(self.home.clone())
    }

    async fn public_page(&mut self) -> anyhow::Result<()> {
        let mut visitor = self.visitor()?;
        visitor.open("/").await?;
        ensure!(
            visitor.status == 200 && visitor.page.contains("Keap"),
            "the public page does not speak of Keap"
        );
        Ok(())
    }

    async fn first_administrator(&mut self) -> anyhow::Result<()> {
        let link = self.administrator_link.clone();
        self.admin.open(&link).await?;
        let fields = [("name", "Ada Admin"), ("email", "ada@example.com"), ("password", PASSWORD)];
        self.admin.submit("name=\"password\"", &fields).await?;
        ensure!(self.admin.at.path() == "/admin", "the administrator is at {}", self.admin.at.path());
        let mut second = self.visitor()?;
        second.open(&link).await?;
        ensure!(second.status == 403, "the link works twice");
        Ok(())
    }

    async fn not_connected(&mut self) -> anyhow::Result<()> {
        self.admin.open("/admin/keap").await?;
        self.panel_is("not-connected")
    }

    async fn denied(&mut self) -> anyhow::Result<()> {
        self.walk_to_keap().await?;
        self.admin.submit("name=\"decision\"", &[("decision", "deny")]).await?;
        self.panel_is("not-connected")?;
        let explanation =
            self.admin.page.contains("id=\"last-authorization\"") && self.admin.page.contains("client id");
        ensure!(explanation, "the panel does not explain what Deny means");
        Ok(())
    }

    async fn connected(&mut self) -> anyhow::Result<()> {
        self.connect().await?;
        let account = self.admin.text("account");
        ensure!(account == "Acme Toys (acme)", "the panel says it is connected to “{account}”");
        Ok(())
    }

    async fn sign_up(&mut self) -> anyhow::Result<()> {
        self.signs_up("Anna Example", "anna@example.com").await?;
        self.delivered("2").await?;
        let contacts = self.keap.contacts().await?;
        let anna = contacts.iter().find(|contact| contact["email"] == "anna@example.com");
        let anna = anna.context("Keap has no contact with Anna's address")?;
        ensure!(anna["given_name"] == "Anna" && anna["family_name"] == "Example", "her name is {anna}");
        Ok(())
    }

    async fn presses(&mut self) -> anyhow::Result<()> {
        let mut anna = self.visitor()?;
        anna.open("/log-in").await?;
        anna.submit("name=\"password\"", &[("email", "anna@example.com"), ("password", PASSWORD)]).await?;
        for _ in 0..3 {
            anna.submit("action=\"/button\"", &[]).await?;
        }
        ensure!(anna.page.contains("<strong>3</strong> times"), "the count is not 3");
        self.delivered("3").await?;
        let (tags, applied) = (self.keap.tags().await?, self.keap.applied().await?);
        ensure!(tags.len() == 1 && tags[0]["name"] == "buttonpushed", "Keap's tags are {tags:?}");
        ensure!(applied.len() == 1, "the tag was applied {} times", applied.len());
        Ok(())
    }

    async fn keap_down(&mut self) -> anyhow::Result<()> {
        self.keap.go_down().await?;
        self.signs_up("Bob Patient", "bob@example.com").await?;
        self.panel_says("waiting", "1").await?;
        ensure!(self.keap.contacts().await?.len() == 2, "Keap is not down");
        Ok(())
    }

    async fn keap_back(&mut self) -> anyhow::Result<()> {
        self.keap.come_back().await?;
        self.keap.let_pass(120).await?;
        self.panel_says("waiting", "0").await?;
        ensure!(self.keap.contacts().await?.len() == 3, "Bob is not in Keap");
        Ok(())
    }

    async fn hostile_sign_up(&mut self) -> anyhow::Result<()> {
        let victim = json!({
            "given_name": "Vera", "family_name": "Customer",
            "email_addresses": [{ "email": "vera@example.com", "field": "EMAIL1" }],
        });
        self.keap.add_contact(&victim).await?;
        let before = self.keap.contacts().await?;
        self.signs_up("Mallory Overwrite", "VERA@example.com").await?;
        self.delivered("5").await?;
        ensure!(self.keap.contacts().await? == before, "something of a customer's contact has changed");
        Ok(())
    }

    async fn a_day_passes(&mut self) -> anyhow::Result<()> {
        self.keap.let_pass(22 * 3600).await?;
        self.panel_shows("data-kind=\"refresh\" data-outcome=\"done\"").await?;
        self.panel_shows("data-phase=\"connected\"").await?;
        let generation = self.keap.generation().await?;
        ensure!(generation == 2, "Keap's grant is at generation {generation}");
        Ok(())
    }

    async fn revoked(&mut self) -> anyhow::Result<()> {
        self.keap.revoke().await?;
        self.signs_up("Cleo Waiting", "cleo@example.com").await?;
        self.panel_shows("data-phase=\"suspect\"").await?;
        self.keap.let_pass(31).await?;
        self.panel_shows("data-phase=\"needs-reconnect\"").await?;
        self.panel_says("waiting", "1").await
    }

    async fn reconnected(&mut self) -> anyhow::Result<()> {
        self.connect().await?;
        self.panel_says("waiting", "0").await?;
        self.delivered("6").await
    }

    async fn disconnected(&mut self) -> anyhow::Result<()> {
        self.admin.open("/admin/keap/disconnect").await?;
        self.admin.submit("/admin/keap/disconnect", &[]).await?;
        self.panel_is("disconnected")
    }

    /// Everything that Keap holds, against everything that happened.
    async fn final_truth(&mut self) -> anyhow::Result<()> {
        let mut people = self.keap.people().await?;
        people.sort();
        let expected = [
            "ada@example.com Ada Admin",
            "anna@example.com Anna Example",
            "bob@example.com Bob Patient",
            "cleo@example.com Cleo Waiting",
            "vera@example.com Vera Customer",
        ];
        ensure!(people == expected, "Keap should hold the contacts {expected:?}; it holds {people:?}");
        let tags = self.keap.tags().await?;
        let is_ours = tags.len() == 1 && tags[0]["name"] == "buttonpushed";
        ensure!(is_ours, "Keap should hold the tag buttonpushed once; its tags are {tags:?}");
        let applied = self.keap.applied().await?;
        let is_annas = applied.len() == 1
            && applied[0]["email"] == "anna@example.com"
            && applied[0]["tag_name"] == "buttonpushed";
        ensure!(is_annas, "only Anna should have the tag, once; it was applied so: {applied:?}");
        self.panel_says("failed", "0").await
    }

    /// From the panel through Keap's pages, up to the question whether to allow.
    async fn walk_to_keap(&mut self) -> anyhow::Result<()> {
        self.admin.open("/admin/keap").await?;
        self.admin.submit("/admin/keap/connect", &[]).await?;
        if self.admin.page.contains("name=\"password\"") {
            let sign_in = [("email", "owner@example.com"), ("password", "sandbox")];
            self.admin.submit("name=\"password\"", &sign_in).await?;
        }
        self.admin.submit("name=\"account\"", &[("account", "acme")]).await
    }

    async fn connect(&mut self) -> anyhow::Result<()> {
        self.walk_to_keap().await?;
        self.admin.submit("name=\"decision\"", &[("decision", "allow")]).await?;
        self.panel_is("connected")
    }

    async fn signs_up(&self, name: &str, email: &str) -> anyhow::Result<()> {
        let mut visitor = self.visitor()?;
        visitor.open("/sign-up").await?;
        let fields = [("name", name), ("email", email), ("password", PASSWORD)];
        visitor.submit("name=\"password\"", &fields).await?;
        ensure!(visitor.at.path() == "/log-in", "after signing up {name} is at {}", visitor.at.path());
        Ok(())
    }

    fn panel_is(&self, phase: &str) -> anyhow::Result<()> {
        let at_panel = self.admin.at.path() == "/admin/keap";
        ensure!(at_panel, "the administrator is at {}, not at the panel", self.admin.at.path());
        let is_it = self.admin.page.contains(&format!("data-phase=\"{phase}\""));
        ensure!(is_it, "the panel should say {phase}; it says “{}”", self.admin.text("state"));
        Ok(())
    }

    async fn delivered(&mut self, count: &str) -> anyhow::Result<()> {
        self.panel_says("delivered", count).await
    }

    async fn panel_says(&mut self, id: &str, value: &str) -> anyhow::Result<()> {
        self.panel_shows(&format!("<dd id=\"{id}\">{value}</dd>")).await
    }

    /// Looks at the panel again and again until it shows this.
    async fn panel_shows(&mut self, words: &str) -> anyhow::Result<()> {
        let looking = async {
            loop {
                self.admin.open("/admin/keap").await?;
                if self.admin.page.contains(words) {
                    return anyhow::Ok(());
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let found = tokio::time::timeout(IN_TIME, looking).await;
        found.with_context(|| {
            format!("the panel does not come to show {words}; it says “{}”", self.admin.text("state"))
        })?
    }
}
