//! Starts that must not happen, and how they are told.

use std::os::unix::fs::PermissionsExt as _;

use buttonpush::start::start;

use crate::world::{World, config};

async fn refusal(settings: &[(&str, &str)]) -> String {
    match start(config(settings).unwrap()).await {
        Ok(_) => panic!("it started with {settings:?}"),
        Err(error) => format!("{error:#}"),
    }
}

#[tokio::test]
async fn a_port_in_use_is_told() {
    let world = World::new().await;
    let taken = world.running.address.to_string();
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let refusal =
        refusal(&[("BUTTONPUSH_LISTEN", &taken), ("BUTTONPUSH_DATA", data.to_str().unwrap())]).await;
    assert!(
        refusal.contains("BUTTONPUSH_LISTEN") && refusal.contains("another program listens"),
        "{refusal}"
    );
    assert!(!data.join("buttonpush.db").exists());
}

#[tokio::test]
async fn a_directory_in_use_is_told() {
    let world = World::new().await;
    let data = world.data();
    let refusal =
        refusal(&[("BUTTONPUSH_LISTEN", "127.0.0.1:0"), ("BUTTONPUSH_DATA", data.to_str().unwrap())]).await;
    assert!(refusal.contains("another instance"), "{refusal}");
    world.anonymous().get("/healthz").await.assert_status(200);
}

#[tokio::test]
async fn a_directory_that_cannot_be_is_told() {
    let refusal =
        refusal(&[("BUTTONPUSH_LISTEN", "127.0.0.1:0"), ("BUTTONPUSH_DATA", "/proc/buttonpush")]).await;
    assert!(refusal.contains("/proc/buttonpush") && refusal.contains("BUTTONPUSH_DATA"), "{refusal}");
}

#[tokio::test]
async fn files_that_others_may_read_are_told() {
    for file in ["buttonpush.db", "keapsake.key"] {
        let directory = tempfile::tempdir().unwrap();
        std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
        let path = directory.path().join(file);
        std::fs::write(&path, "").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let settings =
            [("BUTTONPUSH_LISTEN", "127.0.0.1:0"), ("BUTTONPUSH_DATA", directory.path().to_str().unwrap())];
        let refusal = refusal(&settings).await;
        assert!(refusal.contains(file) && refusal.contains("chmod 600"), "{refusal}");
    }
}

#[tokio::test]
async fn a_journal_that_others_may_read_is_told() {
    let world = World::new().await;
    let data = world.data();
    let World { running, directory, .. } = world;
    running.stop().await.unwrap();
    let journal = data.join("journal");
    let file = std::fs::read_dir(&journal).unwrap().next().unwrap().unwrap().path();
    for (path, mode, remedy) in [(&journal, 0o755, "700"), (&file, 0o640, "600")] {
        let before = std::fs::metadata(path).unwrap().permissions();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        let settings = [("BUTTONPUSH_LISTEN", "127.0.0.1:0"), ("BUTTONPUSH_DATA", data.to_str().unwrap())];
        let refusal = refusal(&settings).await;
        assert!(refusal.contains("journal") && refusal.contains(&format!("chmod {remedy}")), "{refusal}");
        std::fs::set_permissions(path, before).unwrap();
    }
    drop(directory);
}

#[tokio::test]
async fn everything_stored_is_for_its_owner_only() {
    let world = World::new().await;
    world.person("anna@example.com").await;
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&world.data()), 0o700);
    let files: Vec<_> = std::fs::read_dir(world.data()).unwrap().map(|file| file.unwrap().path()).collect();
    assert!(files.len() >= 5, "{files:?}");
    for file in files {
        let expected = if file.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode(&file), expected, "{}", file.display());
    }
    let journal: Vec<_> = std::fs::read_dir(world.data().join("journal")).unwrap().collect();
    assert_eq!(journal.len(), 1);
    for file in journal {
        assert_eq!(mode(&file.unwrap().path()), 0o600);
    }
}

#[tokio::test]
async fn an_orderly_stop_leaves_everything_in_the_database_file() {
    let world = World::new().await;
    world.person("anna@example.com").await;
    let data = world.data();
    let address = world.running.address;
    let World { running, .. } = world;
    running.stop().await.unwrap();
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
    let log = std::fs::metadata(data.join("buttonpush.db-wal"));
    assert!(log.is_err() || log.is_ok_and(|log| log.len() == 0), "a copy of the file is whole");
}

#[tokio::test]
async fn a_lost_or_foreign_key_file_is_told_and_changes_nothing() {
    let world = World::new().await;
    let data = world.data();
    let settings = [("BUTTONPUSH_LISTEN", "127.0.0.1:0"), ("BUTTONPUSH_DATA", data.to_str().unwrap())];
    let World { running, directory, .. } = world;
    running.stop().await.unwrap();
    let key = data.join("keapsake.key");
    let right = std::fs::read(&key).unwrap();
    let before = std::fs::read(data.join("buttonpush.db")).unwrap();

    std::fs::remove_file(&key).unwrap();
    let refusal_without = refusal(&settings).await;
    assert!(refusal_without.contains("is missing"), "{refusal_without}");
    assert!(!key.exists(), "no other key is made");

    let foreign = b"keapsake-key-1 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n";
    for (content, words) in [(&foreign[..], "not the one"), (&right[..20], "not a Keapsake key file")] {
        std::fs::write(&key, content).unwrap();
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
        let refusal = refusal(&settings).await;
        assert!(refusal.contains(words), "{refusal}");
    }
    assert_eq!(std::fs::read(data.join("buttonpush.db")).unwrap(), before);
    drop(directory);
}
