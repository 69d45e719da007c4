//! Settings about what is kept, and where.

use std::path::{Path, PathBuf};

use tracing_subscriber::EnvFilter;

use super::settings::{Given, Settings};
use crate::trouble::Trouble;

const DATA: &str = "data";
const DATABASE_FILE: &str = "buttonpush.db";
const KEY_FILE: &str = "keapsake.key";
const JOURNAL: &str = "journal";
const LOG: &str = "info";

/// The parsed settings about storage and the log.
#[derive(Debug)]
pub(super) struct Storage {
    pub(super) data: PathBuf,
    pub(super) database_file: PathBuf,
    pub(super) key_file: PathBuf,
    pub(super) journal: PathBuf,
    pub(super) log: String,
}

impl Storage {
    pub(super) fn parse(settings: &mut Settings) -> Result<Self, Trouble> {
        let given = settings.buttonpush_data.take();
        let data = absolute("BUTTONPUSH_DATA", given.as_ref().map_or(DATA, Given::text))?;
        let database_file = match settings.database_url.take() {
            Some(given) => database_file(&given, &data)?,
            None => data.join(DATABASE_FILE),
        };
        let key_file = match settings.keapsake_key_file.take() {
            Some(given) => absolute("KEAPSAKE_KEY_FILE", given.text())?,
            None => data.join(KEY_FILE),
        };
        let log = match settings.buttonpush_log.take() {
            Some(given) => log(&given)?,
            None => LOG.to_owned(),
        };
        let journal = data.join(JOURNAL);
        Ok(Self { data, database_file, key_file, journal, log })
    }
}

fn absolute(name: &str, path: &str) -> Result<PathBuf, Trouble> {
    std::path::absolute(path).map_err(|error| {
        Trouble::new(
            name,
            format!("is not a path that can be used: {error}."),
            "the current directory was removed",
            "give a full path",
        )
    })
}

/// The file has to be in the data directory: its lock is what keeps a second instance away.
fn database_file(given: &Given, data: &Path) -> Result<PathBuf, Trouble> {
    const NAME: &str = "DATABASE_URL";
    let write = "write sqlite: and a file in the data directory, or remove the setting";
    if given.text().starts_with("postgres:") || given.text().starts_with("postgresql:") {
        return Err(Trouble::new(
            NAME,
            "names a PostgreSQL database, which ButtonPush cannot use yet.",
            "the documentation of a later version was followed",
            "use one instance with SQLite for now: remove the setting",
        ));
    }
    let Some(path) = given.text().strip_prefix("sqlite:") else {
        return Err(Trouble::new(
            NAME,
            "does not begin with sqlite:.",
            "it was made for another program, or is a path alone",
            write,
        ));
    };
    let path = path.strip_prefix("//").unwrap_or(path);
    if path.is_empty() || path.starts_with(':') || path.contains('?') {
        return Err(Trouble::new(
            NAME,
            "does not name a file.",
            "a database in memory, or options behind a question mark, which ButtonPush does not take",
            write,
        ));
    }
    let file = absolute(NAME, path)?;
    if file.parent() != Some(data) {
        return Err(Trouble::new(
            NAME,
            "names a file outside the data directory.",
            "the path is relative to the current directory, or the database is meant to be elsewhere",
            "let BUTTONPUSH_DATA be the directory of the database: its lock keeps a second instance away",
        ));
    }
    Ok(file)
}

fn log(given: &Given) -> Result<String, Trouble> {
    let text = given.text().to_owned();
    if EnvFilter::try_new(&text).is_ok() {
        return Ok(text);
    }
    Err(Trouble::new(
        "BUTTONPUSH_LOG",
        "is not a description of what to log.",
        "the level is misspelt",
        "write a level, or parts with levels: info, or warn,buttonpush=debug",
    ))
}
