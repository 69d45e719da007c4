//! On the real file system.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use uuid::Uuid;

use super::super::{Damage, Journal, JournalError, RealDisk, Recovered};
use super::world::*;
use crate::randomness::SystemRandomness;

fn start(dir: &Path, owner: u128) -> Result<(Journal, Recovered), JournalError> {
    let (owner, deployment) = (Uuid::from_u128(owner), Uuid::from_u128(1));
    Journal::open(Arc::new(RealDisk), dir, sealer(7, 1), owner, deployment, Arc::new(SystemRandomness))
}

fn files(dir: &Path) -> Vec<PathBuf> {
    fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect()
}

#[tokio::test]
async fn an_answer_is_found_by_the_next_process_and_the_old_file_goes() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("new/journal");
    let (journal, recovered) = start(&dir, 1).unwrap();
    assert_eq!(recovered, Recovered::default());
    for record in [intent(1), answer(1), intent(2)] {
        journal.append(record).await.unwrap();
    }
    journal.has_room().await.unwrap();

    // While it lives, nobody else reads it.
    let (second, recovered) = start(&dir, 2).unwrap();
    assert_eq!(recovered, Recovered::default());
    drop(journal);
    let recovered = second.recover().await.unwrap();
    assert_eq!((answered(&recovered), open(&recovered)), (vec![1], vec![2]));
    assert_eq!(recovered.dead_owners, [Uuid::from_u128(1)]);
    assert_eq!(recovered.damage, []);
    second.append(committed(2)).await.unwrap();
    second.adopt().await.unwrap();
    assert_eq!(files(&dir), [second.health().file]);
    drop(second);

    let (_, recovered) = start(&dir, 3).unwrap();
    assert_eq!((answered(&recovered), highest(&recovered)), (vec![], Some(2)));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_are_all_kept_through_many_files() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("journal");
    let (journal, _) = start(&dir, 1).unwrap();
    let writing = (1..=60_u64).map(|number| {
        let journal = journal.clone();
        tokio::spawn(async move {
            journal.append(intent(number)).await?;
            journal.append(long_answer(number, 30 << 10)).await
        })
    });
    for written in writing.collect::<Vec<_>>() {
        written.await.unwrap().unwrap();
    }
    assert!(journal.health().last_append.is_some());
    assert_eq!(files(&dir), [journal.health().file]);
    drop(journal);
    let (_, recovered) = start(&dir, 2).unwrap();
    assert_eq!(answered(&recovered), (1..=60).collect::<Vec<_>>());
    assert_eq!(recovered.damage, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_that_start_at_once_get_a_file_each_and_every_answer_is_found_once() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("journal");
    let mut dying = Vec::new();
    for (number, owner) in (1..=4).zip(1..) {
        let (journal, _) = start(&dir, owner).unwrap();
        journal.append(answer(number)).await.unwrap();
        dying.push(journal);
    }
    drop(dying);
    let starting = (10..22).map(|owner| {
        let dir = dir.clone();
        tokio::task::spawn_blocking(move || start(&dir, owner).unwrap())
    });
    let mut found = Vec::new();
    let mut journals = Vec::new();
    for started in starting.collect::<Vec<_>>() {
        let (journal, recovered) = started.await.unwrap();
        found.extend(answered(&recovered));
        journals.push(journal);
    }
    found.sort_unstable();
    assert_eq!(found, [1, 2, 3, 4]);
    for journal in &journals {
        journal.adopt().await.unwrap();
        journal.append(intent(9)).await.unwrap();
    }
    assert_eq!(files(&dir).len(), journals.len());
}

#[tokio::test]
async fn a_copied_directory_is_recognised() {
    let folder = tempfile::tempdir().unwrap();
    let (original, copy) = (folder.path().join("original"), folder.path().join("copy"));
    let (journal, _) = start(&original, 1).unwrap();
    journal.append(committed(4)).await.unwrap();
    let file = journal.health().file;
    drop(journal);
    let (_, recovered) = start(&copy, 2).unwrap();
    assert_eq!(recovered, Recovered::default());
    let copied = copy.join(file.file_name().unwrap());
    fs::copy(&file, &copied).unwrap();
    let (_, recovered) = start(&copy, 3).unwrap();
    assert!(recovered.damage.contains(&Damage::Copied { file: copied }), "{:?}", recovered.damage);
    assert_eq!(highest(&recovered), Some(4));
    let (_, recovered) = start(&original, 4).unwrap();
    assert_eq!(recovered.damage, [], "renaming is not copying");
}

#[tokio::test]
async fn all_space_is_taken_in_advance() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, _) = start(&folder.path().join("journal"), 1).unwrap();
    let file = journal.health().file;
    let before = fs::metadata(&file).unwrap();
    journal.append(long_answer(1, 64 << 10)).await.unwrap();
    let after = fs::metadata(&file).unwrap();
    assert_eq!((before.len(), after.len()), (1 << 20, 1 << 20));
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        assert!(before.blocks() * 512 >= 1 << 20, "{} blocks", before.blocks());
    }
}

#[cfg(unix)]
mod permissions {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[tokio::test]
    async fn what_is_made_is_the_owners_only() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("made/journal");
        let (journal, _) = start(&dir, 1).unwrap();
        assert_eq!((mode(&dir), mode(dir.parent().unwrap())), (0o700, 0o700));
        assert_eq!(mode(&journal.health().file), 0o600);
        journal.renew().await.unwrap();
        assert_eq!(mode(&journal.health().file), 0o600);
    }

    #[test]
    fn a_directory_that_others_can_use_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("journal");
        fs::create_dir(&dir).unwrap();
        for open in [0o750, 0o710, 0o720, 0o705, 0o777] {
            set_mode(&dir, open);
            let error = start(&dir, 1).map(|_| ()).unwrap_err();
            assert!(matches!(error, JournalError::OpenToOthers { mode: "700", .. }), "{open:o}: {error}");
            assert!(error.to_string().contains("chmod 700"), "{error}");
            assert!(files(&dir).is_empty());
        }
        set_mode(&dir, 0o700);
        start(&dir, 1).unwrap();
    }

    #[tokio::test]
    async fn a_file_that_others_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("journal");
        let (journal, _) = start(&dir, 1).unwrap();
        journal.append(answer(1)).await.unwrap();
        let file = journal.health().file;
        drop(journal);
        set_mode(&file, 0o640);
        let error = start(&dir, 2).map(|_| ()).unwrap_err();
        assert!(matches!(error, JournalError::OpenToOthers { mode: "600", .. }), "{error}");
        set_mode(&file, 0o600);
        assert_eq!(answered(&start(&dir, 2).unwrap().1), [1]);
    }

    #[test]
    fn a_path_that_is_a_file_is_refused_in_words() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("journal");
        fs::write(&dir, "a file").unwrap();
        let error = start(&dir, 1).map(|_| ()).unwrap_err();
        assert!(error.to_string().contains("journal cannot be used"), "{error}");
    }
}
