//! Who is calling the API.

use jiff::Timestamp;

use super::records::RecordKey;
use super::secret::{TokenHash, same};
use super::settings::ReuseMode;
use super::world::World;

/// A caller whose credential was believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) account: String,
    pub(crate) user: String,
    pub(crate) credential: Credential,
}

/// What the caller showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Credential {
    /// An access token of this client.
    Client(String),
    /// The service account key.
    Key,
}

/// Why a credential was not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallerRefused {
    /// Nothing was shown, or not as a bearer token.
    Missing,
    /// Nobody knows this token.
    Unknown,
    /// The token was good once.
    Expired,
}

impl World {
    /// Believes a bearer token: an access token, or an API key sent as one (documented).
    pub(crate) fn bearer(&mut self, now: Timestamp, token: &str) -> Result<Caller, CallerRefused> {
        if token.starts_with("KeapAK-") {
            return self.key(token);
        }
        let hash = TokenHash::of(token);
        let id = *self.grants.by_access.get(&hash).ok_or(CallerRefused::Unknown)?;
        let grant = self.grants.by_id.get_mut(&id).ok_or(CallerRefused::Unknown)?;
        if !grant.is_alive() {
            return Err(CallerRefused::Unknown);
        }
        let current = grant.access == hash;
        let older = grant.older_access.iter().find(|(access, _)| *access == hash).map(|(_, end)| *end);
        let end = if current { grant.access_expires_at } else { older.unwrap_or(Timestamp::MIN) };
        if now >= end {
            return Err(CallerRefused::Expired);
        }
        if current && !grant.used {
            grant.used = true;
            if self.settings.reuse == ReuseMode::UntilChildUsed {
                self.touched.add(RecordKey::Grant(id));
            }
        }
        Ok(Caller {
            account: grant.account.clone(),
            user: grant.user.clone(),
            credential: Credential::Client(grant.client_id.clone()),
        })
    }

    /// Believes the service account key, which acts as an administrator of the first account.
    pub(crate) fn key(&self, key: &str) -> Result<Caller, CallerRefused> {
        if !same(key, &self.api_key) {
            return Err(CallerRefused::Unknown);
        }
        let account = self.accounts.keys().next().ok_or(CallerRefused::Unknown)?;
        let user = self.users.first().map(|user| user.email.clone()).unwrap_or_default();
        Ok(Caller { account: account.clone(), user, credential: Credential::Key })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn tokens_and_keys_are_told_apart() {
        let now: Timestamp = "2026-11-24T02:00:00Z".parse().unwrap();
        let mut world = World::sample();
        let (id, pair) = world.open_grant(now, "sandbox-client", "owner@example.com", "globex");
        let caller = world.bearer(now, &pair.access).unwrap();
        assert_eq!(caller.account, "globex");
        let key = world.api_key.clone();
        assert_eq!(world.bearer(now, &key).unwrap().account, "acme");
        assert_eq!(world.bearer(now, "KeapAK-00"), Err(CallerRefused::Unknown));
        assert_eq!(world.bearer(now, ""), Err(CallerRefused::Unknown));
        assert_eq!(world.bearer(now + Duration::from_hours(24), &pair.access), Err(CallerRefused::Expired));
        world.revoke(now, id, super::super::grants::RevokedWhy::Person);
        assert_eq!(world.bearer(now, &pair.access), Err(CallerRefused::Unknown));
    }
}
