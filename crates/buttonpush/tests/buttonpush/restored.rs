//! Databases that were restored from a backup, and data directories that were copied.

use std::path::Path;
use std::process::Command;

use crate::browser::Browser;
use crate::keap::{Control, connect, keap_of, panel_says, phase};
use crate::world::World;

const DATABASE: &str = "buttonpush.db";
const BACKUP: &str = "yesterday.db";
const DAY_S: u32 = 22 * 3600;

/// A connected application, of whose database there is a backup, and the browser of its administrator.
async fn with_backup() -> (World, Browser) {
    let world = World::new().await;
    let mut admin = world.administrator().await;
    connect(&mut admin, &mut keap_of(&world), "allow").await;
    panel_says(&mut admin, &phase("connected")).await;
    panel_says(&mut admin, "<dd id=\"waiting\">0</dd>").await;
    let world = world.restart_after(|data| copy(&data.join(DATABASE), &data.join(BACKUP))).await;
    let admin = same_browser(&admin, &world);
    (world, admin)
}

/// Like [`with_backup`], and two renewals later.
async fn renewed_since_the_backup() -> (World, Browser) {
    let (world, mut admin) = with_backup().await;
    let mut keap = keap_of(&world);
    for generation in 2..=3 {
        keap.advance(DAY_S).await;
        panel_says(&mut admin, &pair(1, generation)).await;
    }
    (world, admin)
}

fn copy(from: &Path, to: &Path) {
    std::fs::copy(from, to).unwrap();
}

/// Into the file that is there, as a restoring program does it.
fn restore_into(data: &Path) {
    copy(&data.join(BACKUP), &data.join(DATABASE));
}

/// In the place of the file that is there, as a person does it.
fn restore_over(data: &Path) {
    std::fs::rename(data.join(BACKUP), data.join(DATABASE)).unwrap();
}

fn lose_journal(data: &Path) {
    std::fs::remove_dir_all(data.join("journal")).unwrap();
}

fn same_browser(before: &Browser, world: &World) -> Browser {
    let mut browser = world.anonymous();
    browser.cookies.clone_from(&before.cookies);
    browser
}

fn pair(lineage: u64, generation: u64) -> String {
    format!("<span id=\"generation\">{lineage}.{generation}</span>")
}

/// Days pass, and Keap is not asked for tokens.
async fn assert_waits_for_a_person(keap: &mut Control, admin: &mut Browser) {
    for _ in 0..3 {
        keap.advance(DAY_S).await;
        let page = admin.get("/admin/keap").await;
        admin.submit_from(&page, "/admin/keap/refresh", &[]).await.assert_leads_to("/admin/keap");
        panel_says(admin, &phase("restored")).await;
    }
    assert_eq!(keap.token_requests().await, 0);
}

/// Of the sandbox that started with the application.
async fn assert_renews(keap: &mut Control, admin: &mut Browser) {
    let before = keap.generation().await;
    keap.advance(DAY_S).await;
    let renewed = format!(".{}</span>", before + 1);
    panel_says(admin, &renewed).await;
    panel_says(admin, &phase("connected")).await;
    assert_eq!(keap.generation().await, before + 1);
}

#[tokio::test]
async fn yesterdays_database_is_healed_from_the_journal() {
    for restore in [restore_into, restore_over] {
        let (world, admin) = renewed_since_the_backup().await;
        let world = world.restart_after(restore).await;
        let (mut keap, mut admin) = (keap_of(&world), same_browser(&admin, &world));
        panel_says(&mut admin, &phase("connected")).await;
        panel_says(&mut admin, &pair(1, 3)).await;
        assert_eq!(keap.token_requests().await, 0, "nothing was sent for it");
        assert_renews(&mut keap, &mut admin).await;
        let world = world.restart().await;
        let mut admin = same_browser(&admin, &world);
        panel_says(&mut admin, &phase("connected")).await;
    }
}

#[tokio::test]
async fn yesterdays_database_without_its_journal_waits_for_a_person() {
    let (world, admin) = renewed_since_the_backup().await;
    let meanwhile = |data: &Path| {
        restore_over(data);
        lose_journal(data);
    };
    let world = world.restart_after(meanwhile).await;
    let (mut keap, mut admin) = (keap_of(&world), same_browser(&admin, &world));
    panel_says(&mut admin, "The database is a copy").await;
    assert_waits_for_a_person(&mut keap, &mut admin).await;
    admin.get("/readyz").await.assert_status(503).assert_says("\"restored\"");

    connect(&mut admin, &mut keap, "allow").await;
    panel_says(&mut admin, &phase("connected")).await;
    assert_renews(&mut keap, &mut admin).await;
    let world = world.restart().await;
    let mut admin = same_browser(&admin, &world);
    panel_says(&mut admin, &phase("connected")).await;
    admin.get("/readyz").await.assert_status(200);
}

#[tokio::test]
async fn a_database_that_was_only_moved_is_gone_on_with_when_somebody_says_so() {
    let (world, admin) = with_backup().await;
    let meanwhile = |data: &Path| {
        restore_over(data);
        lose_journal(data);
    };
    let world = world.restart_after(meanwhile).await;
    let (mut keap, mut admin) = (keap_of(&world), same_browser(&admin, &world));
    panel_says(&mut admin, &phase("restored")).await;
    let question = admin.get("/admin/keap/adopt").await;
    question.assert_status(200).assert_says("No other deployment may use the same connection");
    admin.submit_from(&question, "/admin/keap/adopt", &[]).await.assert_leads_to("/admin/keap");
    panel_says(&mut admin, &pair(2, 2)).await;
    panel_says(&mut admin, &phase("connected")).await;
    assert_eq!(keap.token_requests().await, 1, "its tokens were tried, and are good");
    assert_renews(&mut keap, &mut admin).await;
}

#[tokio::test]
async fn a_copied_data_directory_is_recognised() {
    let (world, admin) = with_backup().await;
    let clock = world.clock.clone();
    let elsewhere = tempfile::tempdir().unwrap();
    let to = elsewhere.path().join("data");
    let world = world
        .restart_after(|data| {
            assert!(Command::new("cp").arg("-a").args([data, &to]).status().unwrap().success());
        })
        .await;
    let copy = World::on(elsewhere, clock).await;

    // Each has a Keap of its own here; what counts is who asks.
    let (mut keap, mut admin_of_copy) = (keap_of(&copy), same_browser(&admin, &copy));
    panel_says(&mut admin_of_copy, "The database is a copy").await;
    panel_says(&mut admin_of_copy, ".journal is a copy: a backup was put back").await;
    assert_waits_for_a_person(&mut keap, &mut admin_of_copy).await;

    // The original goes on.
    let (mut keap, mut admin) = (keap_of(&world), same_browser(&admin, &world));
    panel_says(&mut admin, &phase("connected")).await;
    assert_renews(&mut keap, &mut admin).await;
}
