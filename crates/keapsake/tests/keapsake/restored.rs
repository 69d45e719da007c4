//! A database that is not where or what it was: restored from a backup, copied, or missing its last commits.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use keap_sandbox::{ClockMode, Decision, Sandbox};
use keapsake::connection::record::{Position, RestoredReason};
use keapsake::connection::status::Phase;
use keapsake::store::seal::SealingKey;
use keapsake::store::{SqliteStore, Store};
use keapsake::{Clock, Keap};
use tempfile::TempDir;

use crate::world::{KEY, OnSandboxTime, application, until};

/// An application with its data in a folder: a database and a journal.
struct Application {
    sandbox: Sandbox,
    clock: Arc<dyn Clock>,
    folder: TempDir,
}

impl Application {
    async fn new() -> Self {
        let sandbox = Sandbox::builder().clock(ClockMode::Manual).start().await.unwrap();
        let clock: Arc<dyn Clock> = Arc::new(OnSandboxTime(sandbox.clock()));
        Self { sandbox, clock, folder: tempfile::tempdir().unwrap() }
    }

    fn data(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts with the data in this folder.
    async fn start_in(&self, data: &Path) -> Keap {
        std::fs::create_dir_all(data).unwrap();
        let store: Arc<dyn Store> = Arc::new(SqliteStore::connect(&data.join("app.db")).await.unwrap());
        Keap::oauth(application(&self.sandbox), store, SealingKey::from_bytes(KEY))
            .clock(self.clock.clone())
            .journal(data.join("journal"))
            .start()
            .await
            .unwrap()
    }

    async fn connect(&self, keap: &Keap) {
        let started = keap.start_authorization("session", false).await.unwrap();
        let back = self.sandbox.consent(started.url.as_str(), "acme", Decision::Allow).await.unwrap();
        let query = back.split_once('?').unwrap().1;
        let _ =
            keap.receive_callback(query, Some(&started.browser_key)).await.unwrap().complete().await.unwrap();
    }

    /// A day passes, and the token is refreshed.
    async fn a_day_passes(&self, keap: &Keap) {
        let before = keap.status().position.unwrap();
        self.sandbox.clock().advance(Duration::from_hours(22));
        until(|| async { keap.status().position.unwrap() > before }).await;
    }

    fn token_requests(&self) -> usize {
        self.sandbox.requests().iter().filter(|request| request.path == "/token").count()
    }
}

/// The database as a backup tool copies it while nothing runs.
fn back_up(data: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for name in ["app.db", "app.db-wal", "app.db-shm"] {
        let (from, to) = (data.join(name), to.join(name));
        if from.exists() {
            std::fs::copy(from, to).unwrap();
        }
    }
}

/// As another file, or into the file that is there.
fn restore(backup: &Path, data: &Path, is_another_file: bool) {
    for name in ["app.db", "app.db-wal", "app.db-shm"] {
        let (from, to) = (backup.join(name), data.join(name));
        if is_another_file || !from.exists() {
            let _ = std::fs::rename(&to, data.join(format!("{name}.old")));
        }
        if from.exists() {
            std::fs::copy(from, to).unwrap();
        }
    }
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let (from, to) = {
            let entry = entry.unwrap();
            (entry.path(), to.join(entry.file_name()))
        };
        if from.is_dir() {
            copy_folder(&from, &to);
        } else {
            std::fs::copy(from, to).unwrap();
        }
    }
    std::fs::set_permissions(to, std::fs::metadata(from).unwrap().permissions()).unwrap();
}

/// Connected for a day, and stopped.
async fn after_a_day() -> Application {
    let application = Application::new().await;
    let keap = application.start_in(&application.data("data")).await;
    application.connect(&keap).await;
    application.a_day_passes(&keap).await;
    keap.stop().await;
    application
}

/// Connects, backs up, and lives two more days; the data is in `data` and the backup in `backup`.
async fn with_a_backup_of_the_day_before_yesterday() -> Application {
    let application = Application::new().await;
    let data = application.data("data");
    let keap = application.start_in(&data).await;
    application.connect(&keap).await;
    keap.stop().await;
    drop(keap);
    back_up(&data, &application.data("backup"));
    let keap = application.start_in(&data).await;
    application.a_day_passes(&keap).await;
    application.a_day_passes(&keap).await;
    keap.stop().await;
    application
}

#[tokio::test]
async fn a_backup_beside_its_journal_is_healed() {
    for is_another_file in [false, true] {
        let application = with_a_backup_of_the_day_before_yesterday().await;
        let data = application.data("data");
        restore(&application.data("backup"), &data, is_another_file);
        let asked = application.token_requests();
        let keap = application.start_in(&data).await;
        assert_eq!(keap.status().position.unwrap().generation, 3, "from the journal");
        assert_eq!(application.token_requests(), asked);
        keap.account().user_info().await.unwrap();
        application.a_day_passes(&keap).await;
        assert_eq!(keap.status().phase, Phase::Connected);
    }
}

#[tokio::test]
async fn a_backup_without_a_journal_is_not_refreshed_until_somebody_decides() {
    let application = with_a_backup_of_the_day_before_yesterday().await;
    let data = application.data("data");
    restore(&application.data("backup"), &data, true);
    std::fs::rename(data.join("journal"), data.join("journal.gone")).unwrap();
    let asked = application.token_requests();
    let keap = application.start_in(&data).await;
    let copied = |phase| matches!(phase, Phase::Restored { reason: RestoredReason::Copied, .. });
    assert!(copied(keap.status().phase), "{:?}", keap.status().phase);
    application.sandbox.clock().advance(Duration::from_hours(30));
    assert!(keap.account().user_info().await.unwrap_err().needs_reconnect());
    assert_eq!(application.token_requests(), asked);

    application.connect(&keap).await;
    assert_eq!(keap.status().phase, Phase::Connected, "connecting anew ends it");
    keap.account().user_info().await.unwrap();
}

#[tokio::test]
async fn a_copy_of_the_whole_folder_is_recognised_and_the_original_lives_on() {
    let application = after_a_day().await;
    let data = application.data("data");
    copy_folder(&data, &application.data("copy"));

    let copy = application.start_in(&application.data("copy")).await;
    assert!(matches!(copy.status().phase, Phase::Restored { reason: RestoredReason::Copied, .. }));
    copy.account().user_info().await.expect("the access token still works");
    let original = application.start_in(&data).await;
    assert_eq!(original.status().phase, Phase::Connected);
    let asked = application.token_requests();
    application.a_day_passes(&original).await;
    assert_eq!(application.token_requests(), asked + 1, "only the original refreshed");
}

#[tokio::test]
async fn an_adopted_copy_goes_on() {
    let application = after_a_day().await;
    let data = application.data("data");
    let moved = application.data("moved");
    copy_folder(&data, &moved);
    let keap = application.start_in(&moved).await;
    assert!(matches!(keap.status().phase, Phase::Restored { .. }));
    keap.adopt().await.unwrap();
    until(|| async { keap.status().position == Some(Position { lineage: 2, generation: 2 }) }).await;
    keap.stop().await;
    drop(keap);
    let keap = application.start_in(&moved).await;
    assert_eq!(keap.status().phase, Phase::Connected, "it is at home now");
}

#[tokio::test]
async fn a_database_that_was_moved_with_its_journal_is_at_home_at_once() {
    let application = after_a_day().await;
    let data = application.data("data");
    back_up(&data, &application.data("elsewhere"));
    restore(&application.data("elsewhere"), &data, true);
    let keap = application.start_in(&data).await;
    assert_eq!(keap.status().phase, Phase::Connected, "the journal beside it knows that it is the newest");
    application.a_day_passes(&keap).await;
}
