//! A refresh token becomes the next token pair.

use std::time::Duration;

use jiff::Timestamp;

use super::grants::{Grant, RevokedWhy, TokenPair};
use super::records::RecordKey;
use super::secret::TokenHash;
use super::settings::ReuseMode;
use super::world::World;

/// The refresh token is unknown, spent, too old, revoked, or another client's. Keap does not say which (observed).
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RefreshRefused;

impl World {
    /// Rotates. The whole decision happens under the world's lock, so that of many uses of one token one succeeds.
    pub(crate) fn refresh(
        &mut self,
        now: Timestamp,
        client_id: &str,
        token: &str,
    ) -> Result<TokenPair, RefreshRefused> {
        let hash = TokenHash::of(token);
        let id = *self.grants.by_refresh.get(&hash).ok_or(RefreshRefused)?;
        let grant = self.grants.by_id.get(&id).ok_or(RefreshRefused)?;
        if grant.client_id != client_id || !grant.is_alive() {
            return Err(RefreshRefused);
        }
        if grant.refresh != hash {
            return self.reuse(now, id, hash);
        }
        // Documented: 45 days, restarted by each refresh.
        if now >= grant.refresh_expires_at {
            return Err(RefreshRefused);
        }
        let pair = self.rotate(now, id).ok_or(RefreshRefused)?;
        self.remember_for_replay(id, &pair);
        Ok(pair)
    }

    fn reuse(&mut self, now: Timestamp, id: u64, hash: TokenHash) -> Result<TokenPair, RefreshRefused> {
        let mode = self.settings.reuse;
        let grant = self.grants.by_id.get_mut(&id).ok_or(RefreshRefused)?;
        let latest = is_latest_spent(grant, hash);
        let forgiven = latest && forgives(mode, grant, now);
        if let Some(spent) = grant.spent.iter_mut().find(|spent| spent.hash == hash) {
            spent.reused += 1;
        }
        self.touched.add(RecordKey::Grant(id));
        match mode {
            ReuseMode::RevokeFamily => {
                self.revoke(now, id, RevokedWhy::RefreshReused);
                Err(RefreshRefused)
            }
            ReuseMode::Replay if latest => self.grants.replayable.get(&id).cloned().ok_or(RefreshRefused),
            _ if forgiven => self.rotate_over(now, id).ok_or(RefreshRefused),
            _ => Err(RefreshRefused),
        }
    }

    /// Puts a new pair in the place of the one that a forgiven token had brought. The token itself stays the latest
    /// spent one, so that it can be forgiven again.
    fn rotate_over(&mut self, now: Timestamp, id: u64) -> Option<TokenPair> {
        let pair = self.rotate(now, id)?;
        let grant = self.grants.by_id.get_mut(&id)?;
        let dropped = grant.spent.pop_back()?;
        self.grants.by_refresh.remove(&dropped.hash);
        Some(pair)
    }

    fn remember_for_replay(&mut self, id: u64, pair: &TokenPair) {
        if self.settings.reuse == ReuseMode::Replay {
            self.grants.replayable.insert(id, pair.clone());
        }
    }
}

fn is_latest_spent(grant: &Grant, hash: TokenHash) -> bool {
    grant.spent.back().is_some_and(|spent| spent.hash == hash)
}

fn forgives(mode: ReuseMode, grant: &Grant, now: Timestamp) -> bool {
    let Some(spent) = grant.spent.back() else { return false };
    match mode {
        ReuseMode::Grace { seconds, count } => {
            now < spent.at + Duration::from_secs(seconds.into()) && spent.reused < count
        }
        ReuseMode::UntilChildUsed => !grant.used,
        ReuseMode::Reject | ReuseMode::RevokeFamily | ReuseMode::Replay => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENT: &str = "sandbox-client";

    fn now() -> Timestamp {
        "2026-11-24T02:00:00Z".parse().unwrap()
    }

    fn world(reuse: ReuseMode) -> (World, TokenPair) {
        let mut world = World::sample();
        world.settings.reuse = reuse;
        let (_, pair) = world.open_grant(now(), CLIENT, "owner@example.com", "acme");
        (world, pair)
    }

    #[test]
    fn rotation_spends_the_pair() {
        let (mut world, first) = world(ReuseMode::Reject);
        let second = world.refresh(now(), CLIENT, &first.refresh).unwrap();
        assert_eq!((second.access.len(), second.refresh.len()), (28, 32));
        assert!(world.bearer(now(), &first.access).is_err());
        assert!(world.bearer(now(), &second.access).is_ok());
        assert!(world.refresh(now(), CLIENT, &first.refresh).is_err());
        assert!(world.refresh(now(), CLIENT, &second.refresh).is_ok());
    }

    #[test]
    fn the_old_access_token_may_be_left_alive() {
        let (mut world, first) = world(ReuseMode::Reject);
        world.settings.old_access_dies = false;
        world.refresh(now(), CLIENT, &first.refresh).unwrap();
        assert!(world.bearer(now(), &first.access).is_ok());
        assert!(world.bearer(now() + Duration::from_hours(24), &first.access).is_err());
    }

    #[test]
    fn a_refresh_token_is_bound_to_its_client_and_lives_45_days() {
        let (mut world, first) = world(ReuseMode::Reject);
        assert!(world.refresh(now(), "other", &first.refresh).is_err());
        let last_moment = now() + Duration::from_secs(45 * 86_400 - 1);
        let second = world.refresh(last_moment, CLIENT, &first.refresh).unwrap();
        let too_late = last_moment + Duration::from_hours(45 * 24);
        assert!(world.refresh(too_late, CLIENT, &second.refresh).is_err());
    }

    #[test]
    fn reuse_can_revoke_the_family() {
        let (mut world, first) = world(ReuseMode::RevokeFamily);
        let second = world.refresh(now(), CLIENT, &first.refresh).unwrap();
        assert!(world.refresh(now(), CLIENT, &first.refresh).is_err());
        assert!(world.refresh(now(), CLIENT, &second.refresh).is_err());
        assert!(world.bearer(now(), &second.access).is_err());
    }

    #[test]
    fn reuse_can_be_forgiven_for_a_while() {
        let (mut world, first) = world(ReuseMode::Grace { seconds: 30, count: 2 });
        let second = world.refresh(now(), CLIENT, &first.refresh).unwrap();
        let third = world.refresh(now(), CLIENT, &first.refresh).unwrap();
        assert!(world.refresh(now(), CLIENT, &second.refresh).is_err());
        let late = now() + Duration::from_secs(30);
        assert!(world.refresh(late, CLIENT, &first.refresh).is_err());
        assert!(world.refresh(late, CLIENT, &third.refresh).is_ok());
    }

    #[test]
    fn forgiveness_is_counted() {
        let (mut world, first) = world(ReuseMode::Grace { seconds: 30, count: 1 });
        world.refresh(now(), CLIENT, &first.refresh).unwrap();
        world.refresh(now(), CLIENT, &first.refresh).unwrap();
        assert!(world.refresh(now(), CLIENT, &first.refresh).is_err());
    }

    #[test]
    fn reuse_can_replay_the_answer() {
        let (mut world, first) = world(ReuseMode::Replay);
        let second = world.refresh(now(), CLIENT, &first.refresh).unwrap();
        let again = world.refresh(now(), CLIENT, &first.refresh).unwrap();
        assert_eq!((&second.access, &second.refresh), (&again.access, &again.refresh));
        world.refresh(now(), CLIENT, &second.refresh).unwrap();
        assert!(world.refresh(now(), CLIENT, &first.refresh).is_err());
    }

    #[test]
    fn reuse_can_be_allowed_until_the_child_is_used() {
        let (mut world, first) = world(ReuseMode::UntilChildUsed);
        world.refresh(now(), CLIENT, &first.refresh).unwrap();
        let second = world.refresh(now(), CLIENT, &first.refresh).unwrap();
        world.bearer(now(), &second.access).unwrap();
        assert!(world.refresh(now(), CLIENT, &first.refresh).is_err());
        assert!(world.refresh(now(), CLIENT, &second.refresh).is_ok());
    }

    #[test]
    fn a_second_authorization_replaces_the_first() {
        let (mut world, first) = world(ReuseMode::Reject);
        let (_, second) = world.open_grant(now(), CLIENT, "owner@example.com", "acme");
        assert!(world.refresh(now(), CLIENT, &first.refresh).is_err());
        world.settings.independent_grants = true;
        world.open_grant(now(), CLIENT, "owner@example.com", "acme");
        world.open_grant(now(), CLIENT, "owner@example.com", "globex");
        assert!(world.refresh(now(), CLIENT, &second.refresh).is_ok());
    }
}
