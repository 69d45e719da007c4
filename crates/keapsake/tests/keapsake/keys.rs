//! A start with anything but the right key file stops, and changes nothing.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use keapsake::Keap;
use keapsake::connection::ConnectionId;
use keapsake::randomness::SystemRandomness;
use keapsake::store::seal::Sealer;
use keapsake::store::seal::rotation::{OLD_KEY_LIFE, retire_old_keys, rotate_data_key};
use keapsake::store::{Store, key_file};

use crate::world::{Database, World, application};

/// The line for [`crate::world::KEY`].
const RIGHT: &str = "keapsake-key-1 BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc\n";
const FOREIGN: &str = "keapsake-key-1 CAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg\n";

/// A connected world that was stopped, and its key file.
struct Stopped {
    world: World,
    database: Database,
    path: PathBuf,
}

impl Stopped {
    async fn new() -> Self {
        let database = Database::new().await;
        let world = World::with(Arc::new(database.store().await)).await;
        world.connect("acme").await;
        world.keap.stop().await;
        let folder = database.folder.path().join("keys");
        fs::create_dir(&folder).unwrap();
        let stopped = Self { world, database, path: folder.join("keapsake.key") };
        stopped.database.pool.close().await;
        stopped
    }

    fn bytes(&self) -> Vec<u8> {
        fs::read(self.database.folder.path().join("app.db")).unwrap()
    }

    /// Starts as an application does; the words of the refusal.
    async fn start(&self) -> Result<(), String> {
        let database = Database::open(self.database.folder.path().join("app.db")).await;
        let store: Arc<dyn Store> =
            Arc::new(keapsake::store::SqliteStore::open(database.clone()).await.unwrap());
        let started = async {
            let key = key_file::for_store(&self.path, &*store, &SystemRandomness).await;
            let key = key.map_err(|error| error.to_string())?;
            let keap = Keap::oauth(application(&self.world.sandbox), store.clone(), key);
            let keap = keap.clock(self.world.clock.clone()).start().await;
            keap.map_err(|error| error.to_string())?.stop().await;
            Ok(())
        };
        let started = started.await;
        database.close().await;
        started
    }

    /// A fresh folder of keys with this file in it.
    fn put(&self, text: impl AsRef<[u8]>, mode: u32) {
        let folder = self.path.parent().unwrap();
        fs::remove_dir_all(folder).unwrap();
        fs::create_dir(folder).unwrap();
        set_mode(folder, 0o700);
        fs::write(&self.path, text).unwrap();
        set_mode(&self.path, mode);
    }
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[tokio::test]
async fn no_bad_key_file_starts_or_changes_anything() {
    let not_a_key = "is not a Keapsake key file";
    let wrong = "the key file is not the one";
    let key = RIGHT.trim_end().strip_prefix("keapsake-key-1 ").unwrap();
    let contents: Vec<(&str, Vec<u8>, &str)> = vec![
        ("empty", "".into(), not_a_key),
        ("a blank line", "\n".into(), not_a_key),
        ("cut in the name", RIGHT[..8].into(), not_a_key),
        ("cut after the name", RIGHT[..15].into(), not_a_key),
        ("cut in the key", RIGHT[..40].into(), not_a_key),
        ("cut before the last character", RIGHT[..RIGHT.len() - 2].into(), not_a_key),
        ("one character too many", format!("{}A\n", RIGHT.trim_end()).into(), not_a_key),
        ("the key alone", key.into(), not_a_key),
        ("the key in hex", format!("keapsake-key-1 {}\n", "07".repeat(32)).into(), not_a_key),
        ("another format", RIGHT.replace("key-1", "key-2").into(), not_a_key),
        ("other Base64", RIGHT.replace("BwcHBwcH", "+wcH/wcH").into(), not_a_key),
        ("zeros", vec![0; 60], not_a_key),
        ("not text", vec![0xff; 60], not_a_key),
        ("a byte order mark", format!("\u{feff}{RIGHT}").into(), not_a_key),
        ("large", vec![b'a'; 1_000_000], not_a_key),
        ("three lines", RIGHT.repeat(3).into(), not_a_key),
        ("a second line that is cut", format!("{RIGHT}{}", &FOREIGN[..30]).into(), not_a_key),
        ("a first line that is cut", format!("{}\n{RIGHT}", &FOREIGN[..30]).into(), not_a_key),
        ("another key", FOREIGN.into(), wrong),
        ("two other keys", FOREIGN.repeat(2).into(), wrong),
        ("one bit changed", RIGHT.replacen("BwcH", "BwcG", 1).into(), wrong),
    ];
    let stopped = Stopped::new().await;
    let before = stopped.bytes();
    let refused = async |case: &str, words: &str| {
        let refusal = stopped.start().await.expect_err(case);
        assert!(refusal.contains(words), "{case}: {refusal}");
        assert_eq!(stopped.bytes(), before, "{case}");
    };
    for (case, text, words) in contents {
        stopped.put(&text, 0o600);
        refused(case, words).await;
        assert_eq!(fs::read(&stopped.path).unwrap(), text, "{case}: the file stays");
    }
    for mode in [0o640, 0o604, 0o660, 0o620, 0o610] {
        stopped.put(RIGHT, mode);
        refused(&format!("{mode:o}"), "can be read by others").await;
    }
    for mode in [0o770, 0o702, 0o777] {
        stopped.put(RIGHT, 0o600);
        set_mode(stopped.path.parent().unwrap(), mode);
        refused(&format!("in a directory with {mode:o}"), "others on this machine can exchange").await;
    }
    let replaced_by = |make: &dyn Fn(&Path)| {
        stopped.put(RIGHT, 0o600);
        fs::remove_file(&stopped.path).unwrap();
        make(&stopped.path);
    };
    replaced_by(&|_| {});
    refused("missing", "is missing").await;
    assert!(!stopped.path.exists(), "no other key is made");
    replaced_by(&|path| symlink("nowhere", path).unwrap());
    refused("a link to nowhere", "is missing").await;
    replaced_by(&|path| symlink("keapsake.key", path).unwrap());
    refused("a link to itself", "cannot be used").await;
    replaced_by(&|path| fs::create_dir(path).unwrap());
    refused("a directory", not_a_key).await;

    for right in [RIGHT.to_owned(), format!("{RIGHT}{FOREIGN}"), format!("{FOREIGN}{RIGHT}")] {
        stopped.put(right, 0o600);
        stopped.start().await.expect("the right key opens it still");
    }
}

#[tokio::test]
async fn a_connection_lives_on_while_both_keys_are_changed_from_outside() {
    let database = Database::new().await;
    let store: Arc<dyn Store> = Arc::new(database.store().await);
    let path = database.folder.path().join("keapsake.key");
    fs::write(&path, RIGHT).unwrap();
    set_mode(&path, 0o600);
    let world = World::with(store.clone()).await;
    world.connect("acme").await;
    let file = || key_file::read(&path).unwrap().unwrap();

    let tool = Sealer::unlock(&*store, file(), &SystemRandomness, world.clock.now()).await.unwrap();
    let rotated = rotate_data_key(&*store, &tool, &SystemRandomness, world.clock.now()).await.unwrap();
    assert_eq!((rotated.number, rotated.resealed), (2, 1));
    world.advance(Duration::from_hours(22));
    world.reaches_generation(2).await;
    assert_eq!(sealing_key(&*store).await, 2, "the running program has met the new key");

    key_file::replace(&path, &*store, &SystemRandomness).await.unwrap();
    world.advance(Duration::from_hours(22));
    world.reaches_generation(3).await;
    world.keap.stop().await;

    let keap = Keap::oauth(world.application(), store.clone(), file()).clock(world.clock.clone());
    let keap = keap.start().await.unwrap();
    assert_eq!(keap.status().position.unwrap().generation, 3);
    world.advance(OLD_KEY_LIFE);
    let tool = Sealer::unlock(&*store, file(), &SystemRandomness, world.clock.now()).await.unwrap();
    let retired = retire_old_keys(&*store, &tool, &[], &SystemRandomness, world.clock.now()).await.unwrap();
    assert_eq!(retired.removed, [1]);
    keap.stop().await;
}

/// The number of the data key that seals the connection's tokens.
async fn sealing_key(store: &dyn Store) -> u32 {
    let stored = store.load(&ConnectionId::main()).await.unwrap().unwrap();
    stored.tokens.unwrap().refresh.key_number().unwrap()
}

#[test]
fn the_inventory_names_the_cryptography_in_use() {
    const CRYPTOGRAPHY: [&str; 20] = [
        "aes",
        "argon2",
        "bcrypt",
        "blake",
        "chacha20",
        "crypto",
        "ed25519",
        "getrandom",
        "hmac",
        "md5",
        "openssl",
        "rand",
        "ring",
        "rsa",
        "rustls",
        "scrypt",
        "sha",
        "subtle",
        "tokio-rustls",
        "x25519",
    ];
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut used = BTreeSet::new();
    for package in fs::read_dir(root.join("crates")).unwrap() {
        let package = package.unwrap().path();
        let manifest = fs::read_to_string(package.join("Cargo.toml")).unwrap();
        let dependencies = manifest.split("[dependencies]").nth(1).unwrap().split("\n[").next().unwrap();
        let names = dependencies.lines().filter_map(|line| line.split(['.', ' ', '=']).next());
        for name in names.filter(|name| CRYPTOGRAPHY.iter().any(|known| name.starts_with(known))) {
            used.insert((name.to_owned(), package.file_name().unwrap().to_str().unwrap().to_owned()));
        }
    }
    let page = fs::read_to_string(root.join("docs/reference/keys.md")).unwrap();
    let mut named = BTreeSet::new();
    for row in page.split("## Algorithms").nth(1).unwrap().lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<_> = row.split('|').collect();
        for (name, package) in
            cells[1].split(',').flat_map(|name| cells[2].split(',').map(move |package| (name, package)))
        {
            named.insert((name.trim().trim_matches('`').to_owned(), package.trim().to_owned()));
        }
    }
    assert_eq!(named, used);
}

#[tokio::test]
async fn a_running_program_changes_its_data_key() {
    let mut world = World::connected().await;
    let rotated = world.keap.keys().rotate().await.unwrap();
    assert_eq!((rotated.number, rotated.resealed), (2, 1));
    assert!(world.keap.account().user_info().await.is_ok());
    world.advance(Duration::from_hours(22));
    world.reaches_generation(2).await;
    assert!(
        world.keap.keys().retire(&[]).await.unwrap().removed.is_empty(),
        "the old one is too young to go"
    );
    world.restart().await;
    assert!(world.keap.account().user_info().await.is_ok());
}
