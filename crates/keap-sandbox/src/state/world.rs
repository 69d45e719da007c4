//! Everything the sandbox knows.

use std::collections::{BTreeMap, HashMap};

use super::accounts::{Account, User};
use super::authorization::Code;
use super::clients::Clients;
use super::faults::Faults;
use super::grants::Grants;
use super::quota::Quota;
use super::records::Touched;
use super::requests::RequestLog;
use super::secret::{TokenHash, api_key};
use super::seed::Seed;
use super::sessions::Sessions;
use super::settings::Settings;

/// All state, in one place and without behaviour of its own.
pub(crate) struct World {
    pub(crate) settings: Settings,
    pub(crate) clients: Clients,
    pub(crate) users: Vec<User>,
    pub(crate) accounts: BTreeMap<String, Account>,
    pub(crate) api_key: String,
    pub(crate) codes: HashMap<TokenHash, Code>,
    pub(crate) grants: Grants,
    pub(crate) sessions: Sessions,
    pub(crate) quota: Quota,
    pub(crate) faults: Faults,
    pub(crate) requests: RequestLog,
    /// What has changed since the last batch for the data file.
    pub(crate) touched: Touched,
    /// How the world looked at the start, for a reset.
    beginning: Beginning,
}

/// What a fresh world is made from.
#[derive(Clone)]
pub(crate) struct Beginning {
    pub(crate) settings: Settings,
    pub(crate) clients: Clients,
    pub(crate) seed: Seed,
    pub(crate) now: jiff::Timestamp,
}

impl World {
    pub(crate) fn new(beginning: Beginning) -> Self {
        let mut world = Self {
            settings: beginning.settings.clone(),
            clients: beginning.clients.clone(),
            users: beginning.seed.people(),
            accounts: BTreeMap::new(),
            api_key: api_key(),
            codes: HashMap::new(),
            grants: Grants::default(),
            sessions: Sessions::default(),
            quota: Quota::default(),
            faults: Faults::default(),
            requests: RequestLog::default(),
            touched: Touched::default(),
            beginning,
        };
        let beginning = world.beginning.clone();
        world.plant(&beginning.seed, beginning.now);
        world
    }

    /// Back to the beginning: data, grants, sessions, settings, faults, counters and the log. The service account key
    /// and the clock stay, because somebody may be holding them.
    pub(crate) fn reset(&mut self) {
        self.touch_everything();
        let gone = self.touched.take();
        let fresh = Self::new(self.beginning.clone());
        let key = std::mem::take(&mut self.api_key);
        // Whoever watches the log goes on watching, and numbers go on.
        let mut requests = std::mem::take(&mut self.requests);
        requests.clear();
        *self = fresh;
        self.api_key = key;
        self.requests = requests;
        // What was there and is no more must leave the data file, too.
        for record in gone {
            self.touched.add(record);
        }
        self.touch_everything();
    }
}

#[cfg(test)]
impl World {
    /// The world as it is without any options, for tests of the rules.
    pub(crate) fn sample() -> Self {
        let client =
            super::clients::Client { id: "sandbox-client".to_owned(), secret: "sandbox-secret".to_owned() };
        Self::new(Beginning {
            settings: Settings::default(),
            clients: Clients { clients: vec![client], redirect_uris: Vec::new() },
            seed: Seed::default(),
            now: jiff::Timestamp::UNIX_EPOCH,
        })
    }
}
