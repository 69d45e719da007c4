//! A disk that is full at the start, and one that becomes full.

use crate::program::{Program, with_little_space};
use crate::world::{PASSWORD, sign_up};

#[test]
fn a_full_disk_at_the_start_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let output = with_little_space(40)
        .env("BUTTONPUSH_LISTEN", "127.0.0.1:0")
        .env("BUTTONPUSH_DATA", folder.path().join("data"))
        .output()
        .unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("data directory") && said.contains("free some space"), "{said}");
}

#[tokio::test]
async fn a_disk_that_becomes_full_loses_nothing_that_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut program = Program::start_with_little_space(&data, 2400);
    let mut people = 0;
    let refused = loop {
        let email = format!("person-{people}@example.com");
        let answer = sign_up(&mut program.browser(), "Per Son", &email, PASSWORD).await;
        if answer.status != 303 {
            break answer;
        }
        people += 1;
        assert!(people < 400, "the disk never became full");
    };
    refused.assert_status(503).assert_says("full disk");
    program.browser().get("/").await.assert_status(200);
    assert!(people > 0);
    program.kill();

    let program = Program::start(&data);
    program.browser().get("/").await.assert_status(200);
    let database = sqlx::sqlite::SqliteConnectOptions::new().filename(data.join("buttonpush.db"));
    let pool = sqlx::SqlitePool::connect_with(database).await.unwrap();
    let users: i64 = sqlx::query_scalar("SELECT count(*) FROM users").fetch_one(&pool).await.unwrap();
    let effects: i64 =
        sqlx::query_scalar("SELECT count(*) FROM keapsake_outbox").fetch_one(&pool).await.unwrap();
    assert_eq!((users, effects), (people, people), "each with what is to be sent");
}
