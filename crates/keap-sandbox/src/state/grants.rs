//! What people have allowed, and the token pairs that stand for it.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::records::RecordKey;
use super::secret::{TokenHash, token};
use super::world::World;

/// Spent refresh tokens remembered per grant: enough for months of daily rotation.
const SPENT_MAX: usize = 64;

/// One client's lasting access to one account on behalf of one user.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Grant {
    pub(crate) id: u64,
    pub(crate) client_id: String,
    pub(crate) user: String,
    pub(crate) account: String,
    pub(crate) created_at: Timestamp,
    pub(crate) generation: u32,
    pub(crate) rotated_at: Timestamp,
    pub(crate) access: TokenHash,
    pub(crate) access_expires_at: Timestamp,
    pub(crate) refresh: TokenHash,
    pub(crate) refresh_expires_at: Timestamp,
    /// Earlier access tokens that rotation left alive.
    pub(crate) older_access: Vec<(TokenHash, Timestamp)>,
    pub(crate) spent: VecDeque<SpentRefresh>,
    /// Whether any token of the current pair has been used.
    pub(crate) used: bool,
    pub(crate) revoked: Option<Revoked>,
}

/// A refresh token that was used.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SpentRefresh {
    pub(crate) hash: TokenHash,
    pub(crate) at: Timestamp,
    pub(crate) reused: u32,
}

/// The end of a grant.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Revoked {
    pub(crate) at: Timestamp,
    pub(crate) why: RevokedWhy,
}

/// Why a grant ended before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RevokedWhy {
    /// A person took the access back.
    Person,
    /// The same client, user and account authorized again.
    Replaced,
    /// Its code was used a second time.
    CodeReused,
    /// A spent refresh token was used again while reuse revokes the family.
    RefreshReused,
}

/// Tokens fresh from the press. The only moment at which the sandbox knows them.
#[derive(Clone)]
pub(crate) struct TokenPair {
    pub(crate) access: String,
    pub(crate) refresh: String,
    pub(crate) expires_in: u32,
    pub(crate) account: String,
}

/// All grants, and the way from a token to its grant.
#[derive(Default)]
pub(crate) struct Grants {
    pub(crate) by_id: BTreeMap<u64, Grant>,
    pub(crate) by_access: HashMap<TokenHash, u64>,
    pub(crate) by_refresh: HashMap<TokenHash, u64>,
    /// The latest answer per grant, kept only while answers are replayed, and only in memory.
    pub(crate) replayable: HashMap<u64, TokenPair>,
}

/// A grant as shown by `/_sandbox/grants`. Tokens appear as fingerprints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct GrantReport {
    /// Its number.
    pub id: u64,
    /// The client it was given to.
    pub client_id: String,
    /// Who gave it.
    pub user: String,
    /// The account it opens.
    pub account: String,
    /// When it was given.
    pub created_at: Timestamp,
    /// 1 for the pair that the code brought, one more for each rotation.
    pub generation: u32,
    /// When the current pair was issued.
    pub rotated_at: Timestamp,
    /// First eight hexadecimal digits of the SHA-256 of the access token.
    pub access_fingerprint: String,
    /// When the access token ends.
    pub access_expires_at: Timestamp,
    /// First eight hexadecimal digits of the SHA-256 of the refresh token.
    pub refresh_fingerprint: String,
    /// When the refresh token ends.
    pub refresh_expires_at: Timestamp,
    /// How often spent refresh tokens were presented again.
    pub reuses: u32,
    /// When it was ended, if it was.
    pub revoked_at: Option<Timestamp>,
    /// Why it was ended.
    pub revoked_why: Option<RevokedWhy>,
}

impl Grant {
    pub(crate) fn is_alive(&self) -> bool {
        self.revoked.is_none()
    }

    pub(crate) fn report(&self) -> GrantReport {
        GrantReport {
            id: self.id,
            client_id: self.client_id.clone(),
            user: self.user.clone(),
            account: self.account.clone(),
            created_at: self.created_at,
            generation: self.generation,
            rotated_at: self.rotated_at,
            access_fingerprint: self.access.fingerprint(),
            access_expires_at: self.access_expires_at,
            refresh_fingerprint: self.refresh.fingerprint(),
            refresh_expires_at: self.refresh_expires_at,
            reuses: self.spent.iter().map(|spent| spent.reused).sum(),
            revoked_at: self.revoked.as_ref().map(|revoked| revoked.at),
            revoked_why: self.revoked.as_ref().map(|revoked| revoked.why),
        }
    }
}

impl Grants {
    /// Takes up a grant, from the data file or new.
    pub(crate) fn insert(&mut self, grant: Grant) {
        self.by_access.insert(grant.access, grant.id);
        for (access, _) in &grant.older_access {
            self.by_access.insert(*access, grant.id);
        }
        self.by_refresh.insert(grant.refresh, grant.id);
        for spent in &grant.spent {
            self.by_refresh.insert(spent.hash, grant.id);
        }
        self.by_id.insert(grant.id, grant);
    }
}

impl World {
    /// Opens a grant and issues its first pair.
    pub(crate) fn open_grant(
        &mut self,
        now: Timestamp,
        client_id: &str,
        user: &str,
        account: &str,
    ) -> (u64, TokenPair) {
        if !self.settings.independent_grants {
            self.replace_earlier(now, client_id, user, account);
        }
        let id = self.grants.by_id.last_key_value().map_or(1, |(id, _)| id + 1);
        let pair = self.new_pair(account);
        self.grants.insert(Grant {
            id,
            client_id: client_id.to_owned(),
            user: user.to_owned(),
            account: account.to_owned(),
            created_at: now,
            generation: 1,
            rotated_at: now,
            access: TokenHash::of(&pair.access),
            access_expires_at: self.access_end(now),
            refresh: TokenHash::of(&pair.refresh),
            refresh_expires_at: self.refresh_end(now),
            older_access: Vec::new(),
            spent: VecDeque::new(),
            used: false,
            revoked: None,
        });
        self.touched.add(RecordKey::Grant(id));
        (id, pair)
    }

    /// Puts a new pair in the place of the current one.
    pub(crate) fn rotate(&mut self, now: Timestamp, id: u64) -> Option<TokenPair> {
        let account = self.grants.by_id.get(&id)?.account.clone();
        let pair = self.new_pair(&account);
        let (access_end, refresh_end) = (self.access_end(now), self.refresh_end(now));
        let keep_old_access = !self.settings.old_access_dies;
        let grant = self.grants.by_id.get_mut(&id)?;
        if keep_old_access {
            grant.older_access.retain(|(_, end)| *end > now);
            grant.older_access.push((grant.access, grant.access_expires_at));
        } else {
            self.grants.by_access.remove(&grant.access);
        }
        grant.spent.push_back(SpentRefresh { hash: grant.refresh, at: now, reused: 0 });
        if grant.spent.len() > SPENT_MAX
            && let Some(oldest) = grant.spent.pop_front()
        {
            self.grants.by_refresh.remove(&oldest.hash);
        }
        grant.generation += 1;
        grant.rotated_at = now;
        grant.access = TokenHash::of(&pair.access);
        grant.access_expires_at = access_end;
        grant.refresh = TokenHash::of(&pair.refresh);
        grant.refresh_expires_at = refresh_end;
        grant.used = false;
        self.grants.by_access.insert(grant.access, id);
        self.grants.by_refresh.insert(grant.refresh, id);
        self.touched.add(RecordKey::Grant(id));
        Some(pair)
    }

    /// Ends a grant. Says whether it was alive.
    pub(crate) fn revoke(&mut self, now: Timestamp, id: u64, why: RevokedWhy) -> bool {
        let Some(grant) = self.grants.by_id.get_mut(&id).filter(|grant| grant.is_alive()) else {
            return false;
        };
        grant.revoked = Some(Revoked { at: now, why });
        self.grants.replayable.remove(&id);
        self.touched.add(RecordKey::Grant(id));
        true
    }

    /// Ends every grant and says how many were alive.
    pub(crate) fn revoke_all(&mut self, now: Timestamp) -> usize {
        let ids: Vec<u64> = self.grants.by_id.keys().copied().collect();
        ids.into_iter().filter(|id| self.revoke(now, *id, RevokedWhy::Person)).count()
    }

    /// Observed, by two independent voices: a second authorization ends the earlier pair of the same client, user and
    /// account.
    fn replace_earlier(&mut self, now: Timestamp, client_id: &str, user: &str, account: &str) {
        let same = |grant: &&Grant| {
            grant.client_id == client_id && grant.user == user && grant.account == account && grant.is_alive()
        };
        let earlier: Vec<u64> = self.grants.by_id.values().filter(same).map(|grant| grant.id).collect();
        for id in earlier {
            self.revoke(now, id, RevokedWhy::Replaced);
        }
    }

    fn new_pair(&self, account: &str) -> TokenPair {
        TokenPair {
            access: token(28),
            refresh: token(32),
            expires_in: self.settings.access_seconds,
            account: account.to_owned(),
        }
    }

    fn access_end(&self, now: Timestamp) -> Timestamp {
        now + Duration::from_secs(self.settings.access_seconds.into())
    }

    fn refresh_end(&self, now: Timestamp) -> Timestamp {
        now + Duration::from_secs(self.settings.refresh_seconds.into())
    }
}
