//! The command line.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::Parser;
use url::Url;

/// A minimal application that holds a connection to a sandbox.
#[derive(Debug, Parser)]
pub(crate) struct Options {
    /// Where the sandbox is, as `http://127.0.0.1:8100`.
    #[arg(long)]
    pub(crate) sandbox: Url,
    /// Where the connection is kept: `sqlite:FILE` or `postgres://...`.
    #[arg(long)]
    pub(crate) store: Place,
    /// The folder of the journal.
    #[arg(long)]
    pub(crate) journal: PathBuf,
    /// The key file; made if there is none.
    #[arg(long)]
    pub(crate) key: PathBuf,
    /// How far its clock is ahead of the machine's.
    #[arg(long, value_name = "SECONDS", default_value_t = 0, allow_hyphen_values = true)]
    pub(crate) clock_offset: i64,
    /// How many tasks make a call each when it is told to `go`.
    #[arg(long, default_value_t = 1)]
    pub(crate) tasks: u32,
    /// Makes a call by itself this often.
    #[arg(long, value_name = "MILLISECONDS", value_parser = milliseconds)]
    pub(crate) call_every: Option<Duration>,
}

/// Where a store is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    Sqlite(PathBuf),
    Postgres(String),
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("sqlite", file)) => Ok(Self::Sqlite(file.into())),
            Some(("postgres" | "postgresql", _)) => Ok(Self::Postgres(text.into())),
            _ => Err("a store is `sqlite:FILE` or `postgres://...`".into()),
        }
    }
}

fn milliseconds(text: &str) -> Result<Duration, std::num::ParseIntError> {
    text.parse().map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_is_named_by_its_kind() {
        assert_eq!("sqlite:/tmp/a.db".parse(), Ok(Place::Sqlite("/tmp/a.db".into())));
        let url = "postgres://postgres@127.0.0.1/test";
        assert_eq!(url.parse(), Ok(Place::Postgres(url.into())));
        assert!("/tmp/a.db".parse::<Place>().is_err());
    }
}
