//! A sandbox, a store and the machines that keepers run on.

use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use clap::ValueEnum;
use serde_json::{Value, json};

use crate::directory::Directory;
use crate::keeper::{Keeper, Setting};
use crate::postgres::{Database, Server};
use crate::sandbox::Sandbox;

/// Where connections are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum StoreKind {
    /// One file.
    Sqlite,
    /// A database on a server.
    Postgres,
}

impl StoreKind {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

/// What the sandbox does with a refresh token that is used a second time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Reuse {
    /// Refuses it.
    Reject,
    /// Refuses it, and ends the connection.
    RevokeFamily,
}

impl Reuse {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Reject => "reject",
            Self::RevokeFamily => "revoke-family",
        }
    }

    fn setting(self) -> Value {
        match self {
            Self::Reject => json!({"mode": "reject"}),
            Self::RevokeFamily => json!({"mode": "revoke_family"}),
        }
    }
}

/// Files and processes of their own, removed when this is dropped.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) sandbox: Sandbox,
    pub(crate) database: Option<Database>,
    /// How far the clocks are ahead of the machine's, in seconds.
    ahead: i64,
    // Last, because it is dropped last.
    pub(crate) directory: Directory,
}

impl World {
    /// With a store in a file, or on this server.
    pub(crate) fn new(name: &str, server: Option<Rc<Server>>, reuse: Reuse) -> anyhow::Result<Self> {
        let directory = Directory::new(name)?;
        let database = server.map(Database::create).transpose()?;
        let sandbox = Sandbox::start()?;
        sandbox.control.lift_limits()?;
        sandbox.control.set(&json!({"reuse": reuse.setting()}))?;
        Ok(Self { sandbox, database, ahead: 0, directory })
    }

    /// A keeper on the machine of this name: keepers of the same machine share a folder for their journals.
    pub(crate) fn keeper(&self, machine: &str) -> anyhow::Result<Keeper> {
        self.keeper_with(machine, 1, None)
    }

    pub(crate) fn keeper_with(
        &self,
        machine: &str,
        tasks: u32,
        call_every: Option<Duration>,
    ) -> anyhow::Result<Keeper> {
        let at = |name: &str| self.directory.path().join(name);
        Keeper::start(&Setting {
            sandbox: &self.sandbox.url(),
            store: &self.store(),
            journal: &at(&format!("journal-{machine}")),
            key: &at("keapsake.key"),
            log: &at(&format!("keeper-{machine}.log")),
            ahead: self.ahead,
            tasks,
            call_every,
        })
    }

    pub(crate) fn store_kind(&self) -> StoreKind {
        if self.database.is_some() { StoreKind::Postgres } else { StoreKind::Sqlite }
    }

    fn store(&self) -> String {
        let file = |path: &Path| format!("sqlite:{}", path.join("store.db").display());
        self.database.as_ref().map_or_else(|| file(self.directory.path()), Database::url)
    }

    /// Moves all clocks forward: that of the sandbox first, so that nobody asks it from its future.
    pub(crate) fn advance<'a>(
        &mut self,
        seconds: u32,
        keepers: impl IntoIterator<Item = &'a mut Keeper>,
    ) -> anyhow::Result<()> {
        self.sandbox.control.advance(seconds.into())?;
        self.ahead += i64::from(seconds);
        keepers.into_iter().try_for_each(|keeper| keeper.jump(seconds.into()))
    }
}
