use std::fs;
use std::path::PathBuf;

use jiff::Timestamp;

use super::*;
use crate::randomness::SystemRandomness;
use crate::store::MemoryStore;
use crate::store::seal::Sealer;

struct Folder {
    folder: tempfile::TempDir,
    path: PathBuf,
}

impl Folder {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        Self { folder, path }
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn text(&self) -> String {
        fs::read_to_string(&self.path).unwrap()
    }

    async fn opens(&self, store: &MemoryStore) -> bool {
        let key = read(&self.path).unwrap().unwrap();
        Sealer::unlock(store, key, &SystemRandomness, Timestamp::UNIX_EPOCH).await.is_ok()
    }
}

#[test]
fn a_key_is_made_once_and_read_again() {
    let at = Folder::new();
    assert!(read(&at.path).unwrap().is_none());
    let key = create(&at.path, &SystemRandomness).unwrap();
    assert_eq!(read(&at.path).unwrap().unwrap().newest().expose(), key.newest().expose());
    assert!(matches!(create(&at.path, &SystemRandomness), Err(KeyFileError::Io { .. })));
    assert_eq!(at.names(), ["key"], "nothing is left beside it");
}

#[test]
fn of_many_that_make_the_file_first_one_does() {
    let at = Folder::new();
    let made: Vec<_> = std::thread::scope(|scope| {
        let makers: Vec<_> = (0..16).map(|_| scope.spawn(|| create(&at.path, &SystemRandomness))).collect();
        makers.into_iter().filter_map(|maker| maker.join().unwrap().ok()).collect()
    });
    let [made] = made.as_slice() else { panic!("{} were made", made.len()) };
    assert_eq!(read(&at.path).unwrap().unwrap().newest().expose(), made.newest().expose());
    assert_eq!(at.names(), ["key"]);
}

#[tokio::test]
async fn of_many_that_start_first_all_have_the_same_key() {
    let (at, store) = (Folder::new(), MemoryStore::default());
    let starts = (0..8).map(|_| async {
        let key = for_store(&at.path, &store, &SystemRandomness).await.unwrap();
        Sealer::unlock(&store, key, &SystemRandomness, Timestamp::UNIX_EPOCH).await.unwrap();
    });
    futures_util::future::join_all(starts).await;
    assert!(at.opens(&store).await);
}

#[cfg(unix)]
#[test]
fn a_new_file_is_its_owners_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let at = Folder::new();
    create(&at.path, &SystemRandomness).unwrap();
    assert_eq!(fs::metadata(&at.path).unwrap().permissions().mode() & 0o777, 0o600);
    let open = Folder::new();
    fs::set_permissions(open.folder.path(), fs::Permissions::from_mode(0o770)).unwrap();
    assert!(matches!(create(&open.path, &SystemRandomness), Err(KeyFileError::DirectoryOpenToOthers { .. })));
    assert!(open.names().is_empty());
}

mod replacing {
    use super::*;
    use crate::store::seal::mortal::{Crash, Mortal};
    use crate::store::seal::rotation::tests::Vault;

    /// A store with tokens in it, and its key file.
    async fn in_use() -> (Folder, Vault) {
        let (at, vault) = (Folder::new(), Vault::with(3).await);
        durable::create(&at.path, format::lines(&vault.key).as_bytes(), &SystemRandomness).unwrap();
        (at, vault)
    }

    #[tokio::test]
    async fn the_new_key_opens_everything_and_the_old_one_nothing() {
        let (at, mut vault) = in_use().await;
        let running = vault.unlock().await;
        let before = at.text();
        replace(&at.path, &*vault.store, &SystemRandomness).await.unwrap();
        assert_eq!(at.text().lines().count(), 1);
        assert_ne!(at.text(), before);
        assert_eq!(at.names(), ["key", "key.lock"]);

        let old = vault.key.clone();
        let refused = Sealer::unlock(&*vault.store, old, &SystemRandomness, Timestamp::UNIX_EPOCH).await;
        assert!(matches!(refused, Err(UnlockError::WrongKey(_))));
        vault.key = read(&at.path).unwrap().unwrap();
        vault.assert_all_opens().await;

        // A process that runs goes on, but adds no data key that only the old key opens.
        running.refresh(&*vault.store).await.unwrap();
        let identity = vault.store.identity().await.unwrap();
        let now = Timestamp::UNIX_EPOCH;
        let rotated =
            crate::store::seal::rotation::rotate_data_key(&*vault.store, &running, &SystemRandomness, now);
        assert!(matches!(rotated.await, Err(UnlockError::WrongKey(_))));
        assert_eq!(vault.store.identity().await.unwrap(), identity);
    }

    #[tokio::test]
    async fn cut_off_anywhere_the_file_opens_the_store_and_the_change_can_be_finished() {
        for last in 0.. {
            let mut is_clean = true;
            for crash in [Crash::Before(last), Crash::After(last)] {
                let (at, mut vault) = in_use().await;
                let mortal = Mortal::new(&vault.store, crash);
                let is_cut_off = replace(&at.path, &mortal, &SystemRandomness).await.is_err();
                is_clean &= !is_cut_off;
                assert!(at.opens(&vault.store).await, "{crash:?}");
                let first = at.text().lines().next().unwrap().to_owned();
                let is_begun = at.text().lines().count() == 2;

                // A data key that is made in between is wrapped by whichever key wrapped the others.
                vault.key = read(&at.path).unwrap().unwrap();
                let sealer = vault.unlock().await;
                let now = Timestamp::UNIX_EPOCH;
                let store = &*vault.store;
                crate::store::seal::rotation::rotate_data_key(store, &sealer, &SystemRandomness, now)
                    .await
                    .unwrap();

                replace(&at.path, store, &SystemRandomness).await.unwrap();
                assert_eq!(at.text().lines().count(), 1);
                if is_begun {
                    assert_eq!(at.text().trim_end(), first, "the change that was begun is finished");
                }
                vault.key = read(&at.path).unwrap().unwrap();
                vault.assert_all_opens().await;
            }
            if is_clean {
                assert!(last >= 3, "{last} calls");
                break;
            }
        }
    }

    #[tokio::test]
    async fn a_file_that_is_not_the_stores_stays_as_it_is() {
        let (at, vault) = in_use().await;
        let identity = vault.store.identity().await.unwrap();
        fs::remove_file(&at.path).unwrap();
        let missing = replace(&at.path, &*vault.store, &SystemRandomness).await;
        assert!(matches!(missing, Err(KeyFileError::Missing { .. })));

        create(&at.path, &SystemRandomness).unwrap();
        let foreign = at.text();
        for text in [foreign.clone(), foreign.repeat(2), foreign[..20].to_owned(), String::new()] {
            fs::write(&at.path, &text).unwrap();
            let error = replace(&at.path, &*vault.store, &SystemRandomness).await.unwrap_err();
            assert!(matches!(error, KeyFileError::Unlock(_) | KeyFileError::NotAKey { .. }), "{error}");
            assert_eq!(at.text(), text);
        }
        fs::write(&at.path, &foreign).unwrap();
        let unused = replace(&at.path, &MemoryStore::default(), &SystemRandomness).await;
        assert!(matches!(unused, Err(KeyFileError::NotInUse { .. })));
        assert_eq!(at.text(), foreign);
        assert_eq!(vault.store.identity().await.unwrap(), identity);
    }

    #[tokio::test]
    async fn two_at_once_do_not_meet() {
        let (at, vault) = in_use().await;
        let before = at.text();
        let lock = durable::lock_file(&at.path).unwrap();
        lock.lock().unwrap();
        let busy = replace(&at.path, &*vault.store, &SystemRandomness).await;
        assert!(matches!(busy, Err(KeyFileError::Busy { .. })));
        assert_eq!(at.text(), before);
        drop(lock);
        replace(&at.path, &*vault.store, &SystemRandomness).await.unwrap();
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn behind_a_link_the_file_is_replaced_and_the_link_stays() {
        let (at, vault) = in_use().await;
        let link = at.folder.path().join("link");
        std::os::unix::fs::symlink(&at.path, &link).unwrap();
        replace(&link, &*vault.store, &SystemRandomness).await.unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert!(at.opens(&vault.store).await);
    }
}
