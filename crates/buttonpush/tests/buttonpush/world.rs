//! A fresh application for each test: its own data directory, free ports, and a clock that stands still.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use buttonpush::config::{Config, Sources};
use buttonpush::start::{Running, start_with_clock};
use buttonpush::trouble::Trouble;
use keapsake::clock::ManualClock;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, SqliteConnection};
use tempfile::TempDir;

use crate::browser::{Answer, Browser};

pub(crate) const PASSWORD: &str = "correct horse battery";

/// An application that runs, and what is around it.
pub(crate) struct World {
    pub(crate) running: Running,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) directory: TempDir,
}

/// Settings as a person would give them in the environment.
pub(crate) fn config(settings: &[(&str, &str)]) -> Result<Config, Trouble> {
    let environment = settings.iter().map(|(name, value)| (name.into(), value.into())).collect();
    Config::load(Sources { environment, file: None })
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(&[]).await
    }

    /// As it is behind a proxy with https.
    pub(crate) async fn https() -> Self {
        Self::with(&[("BUTTONPUSH_PUBLIC_URL", "https://push.example.com")]).await
    }

    pub(crate) async fn with(settings: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let start = "2026-11-01T12:00:00Z".parse().unwrap();
        let clock = Arc::new(ManualClock::at(start));
        let running = Self::start(&directory, settings, clock.clone()).await;
        Self { running, clock, directory }
    }

    /// The application on what is in `data` of this directory.
    pub(crate) async fn on(directory: TempDir, clock: Arc<ManualClock>) -> Self {
        let running = Self::start(&directory, &[], clock.clone()).await;
        Self { running, clock, directory }
    }

    async fn start(directory: &TempDir, settings: &[(&str, &str)], clock: Arc<ManualClock>) -> Running {
        let data = directory.path().join("data");
        let mut all = vec![("BUTTONPUSH_LISTEN", "127.0.0.1:0"), ("BUTTONPUSH_DATA", data.to_str().unwrap())];
        all.extend_from_slice(settings);
        start_with_clock(config(&all).unwrap(), clock).await.unwrap()
    }

    /// Stops the application and starts it again on what it left.
    pub(crate) async fn restart(self) -> Self {
        self.restart_after(|_| {}).await
    }

    /// The same, after something was done to its data directory meanwhile.
    pub(crate) async fn restart_after(self, meanwhile: impl FnOnce(&Path)) -> Self {
        let data = self.data();
        let Self { running, clock, directory } = self;
        running.stop().await.unwrap();
        meanwhile(&data);
        Self::on(directory, clock).await
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// No file holds this, wherever it is.
    pub(crate) fn assert_is_not_stored(&self, secret: &str) {
        let mut folders = vec![self.data()];
        let mut files = 0;
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let content = std::fs::read(&path).unwrap();
                let is_in_it = content.windows(secret.len()).any(|window| window == secret.as_bytes());
                assert!(!is_in_it, "{} holds a secret", path.display());
                files += 1;
            }
        }
        assert!(files >= 5, "there was something to search");
    }

    /// Reads what is stored, beside the application.
    pub(crate) async fn database(&self) -> SqliteConnection {
        let file = self.data().join("buttonpush.db");
        SqliteConnectOptions::new().filename(file).read_only(true).connect().await.unwrap()
    }

    pub(crate) async fn number(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&mut self.database().await).await.unwrap()
    }

    /// Somebody nobody knows.
    pub(crate) fn anonymous(&self) -> Browser {
        Browser::new(self.running.address, self.running.origin.as_str())
    }

    /// Somebody who has signed up and logged in.
    pub(crate) async fn person(&self, email: &str) -> Browser {
        let mut browser = self.anonymous();
        sign_up(&mut browser, "Anna Example", email, PASSWORD).await.assert_leads_to("/log-in?welcome");
        log_in(&mut browser, email, PASSWORD).await.assert_leads_to("/button");
        browser
    }

    /// The first administrator, logged in.
    pub(crate) async fn administrator(&self) -> Browser {
        let mut browser = self.anonymous();
        let form = self.open_administrator_link(&mut browser).await;
        let fields = [("name", "Ada Admin"), ("email", "ada@example.com"), ("password", PASSWORD)];
        browser.submit_from(&form, "/admin/first", &fields).await.assert_leads_to("/admin");
        browser
    }

    /// Follows the link on the console to the form behind it.
    pub(crate) async fn open_administrator_link(&self, browser: &mut Browser) -> Answer {
        let answer = browser.get(&self.administrator_path()).await;
        answer.assert_leads_to("/admin/first");
        browser.follow(&answer).await
    }

    pub(crate) fn administrator_path(&self) -> String {
        let link = self.running.administrator_link.as_ref().unwrap();
        format!("{}?{}", link.path(), link.query().unwrap())
    }
}

pub(crate) async fn sign_up(browser: &mut Browser, name: &str, email: &str, password: &str) -> Answer {
    browser.submit("/sign-up", &[("name", name), ("email", email), ("password", password)]).await
}

pub(crate) async fn log_in(browser: &mut Browser, email: &str, password: &str) -> Answer {
    browser.submit("/log-in", &[("email", email), ("password", password)]).await
}
