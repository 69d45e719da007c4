//! A code becomes a token pair.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::authorization::Challenge;
use super::grants::{RevokedWhy, TokenPair};
use super::records::RecordKey;
use super::secret::{TokenHash, same};
use super::settings::PkceMode;
use super::world::World;

/// The code is unknown, used, too old, or belongs to another request. Keap does not say which (observed).
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CodeRefused;

impl World {
    /// Exchanges a code. It works once, for its own client, redirect URI and challenge.
    pub(crate) fn exchange(
        &mut self,
        now: Timestamp,
        client_id: &str,
        code: &str,
        redirect_uri: &str,
        verifier: Option<&str>,
    ) -> Result<TokenPair, CodeRefused> {
        let hash = TokenHash::of(code);
        let known = self.codes.get(&hash).cloned().ok_or(CodeRefused)?;
        if known.client_id != client_id {
            return Err(CodeRefused);
        }
        if known.used {
            self.punish_second_use(now, known.grant);
            return Err(CodeRefused);
        }
        let met = verifier_meets(self.settings.pkce, known.challenge.as_ref(), verifier);
        if known.redirect_uri != redirect_uri || now >= known.expires_at || !met {
            return Err(CodeRefused);
        }
        let (grant, pair) = self.open_grant(now, client_id, &known.user, &known.account);
        if let Some(code) = self.codes.get_mut(&hash) {
            code.used = true;
            code.grant = Some(grant);
        }
        self.touched.add(RecordKey::Code(hash));
        Ok(pair)
    }

    /// RFC 6749, 4.1.2: tokens issued from a code that is used twice should be revoked. Keap has not been seen to do it.
    fn punish_second_use(&mut self, now: Timestamp, grant: Option<u64>) {
        if let Some(id) = grant
            && !self.settings.like_keap
        {
            self.revoke(now, id, RevokedWhy::CodeReused);
        }
    }
}

/// A verifier without a challenge is refused as well: somebody may have cut the challenge off (RFC 9700, 4.8).
fn verifier_meets(mode: PkceMode, challenge: Option<&Challenge>, verifier: Option<&str>) -> bool {
    if mode == PkceMode::Ignored {
        return true;
    }
    match (challenge, verifier) {
        (None, None) => true,
        (Some(challenge), Some(verifier)) if challenge.hashed => {
            same(&challenge.value, &URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes())))
        }
        (Some(challenge), Some(verifier)) => same(&challenge.value, verifier),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::authorization::AuthorizationRequest;
    use super::*;

    const CLIENT: &str = "sandbox-client";
    const CALLBACK: &str = "https://app.example/cb";
    /// The pair from RFC 7636, appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn now() -> Timestamp {
        "2026-11-24T02:00:00Z".parse().unwrap()
    }

    fn code(world: &mut World, challenge: Option<Challenge>) -> String {
        let request = AuthorizationRequest {
            client_id: CLIENT.to_owned(),
            redirect_uri: CALLBACK.to_owned(),
            state: String::new(),
            challenge,
            invalid_client: false,
        };
        let to = world.allow(now(), &request, "owner@example.com", "acme");
        to.split_once("code=").unwrap().1.split('&').next().unwrap().to_owned()
    }

    #[test]
    fn a_code_works_once_and_its_second_use_ends_the_grant() {
        let mut world = World::sample();
        let code = code(&mut world, None);
        let pair = world.exchange(now(), CLIENT, &code, CALLBACK, None).unwrap();
        assert!(world.bearer(now(), &pair.access).is_ok());
        assert!(world.exchange(now(), CLIENT, &code, CALLBACK, None).is_err());
        assert!(world.bearer(now(), &pair.access).is_err());
    }

    #[test]
    fn as_lax_as_keap_a_second_use_ends_nothing() {
        let mut world = World::sample();
        world.settings.like_keap = true;
        let code = code(&mut world, None);
        let pair = world.exchange(now(), CLIENT, &code, CALLBACK, None).unwrap();
        assert!(world.exchange(now(), CLIENT, &code, CALLBACK, None).is_err());
        assert!(world.bearer(now(), &pair.access).is_ok());
    }

    #[test]
    fn a_code_is_bound_and_a_miss_does_not_spend_it() {
        let mut world = World::sample();
        let code = code(&mut world, None);
        assert!(world.exchange(now(), "other-client", &code, CALLBACK, None).is_err());
        assert!(world.exchange(now(), CLIENT, &code, "https://app.example/cb/", None).is_err());
        assert!(world.exchange(now(), CLIENT, "made up", CALLBACK, None).is_err());
        assert!(world.exchange(now(), CLIENT, &code, CALLBACK, Some(VERIFIER)).is_err());
        assert!(world.exchange(now(), CLIENT, &code, CALLBACK, None).is_ok());
    }

    #[test]
    fn a_code_ends_after_sixty_seconds() {
        let mut world = World::sample();
        let code = code(&mut world, None);
        let late = now() + Duration::from_mins(1);
        assert!(world.exchange(late, CLIENT, &code, CALLBACK, None).is_err());
    }

    #[test]
    fn pkce_matrix() {
        let hashed = || Some(Challenge { value: CHALLENGE.to_owned(), hashed: true });
        let plain = || Some(Challenge { value: VERIFIER.to_owned(), hashed: false });
        for (mode, challenge, verifier, good) in [
            (PkceMode::Strict, hashed(), Some(VERIFIER), true),
            (PkceMode::Strict, hashed(), Some("another"), false),
            (PkceMode::Strict, hashed(), None, false),
            (PkceMode::Strict, None, Some(VERIFIER), false),
            (PkceMode::Optional, hashed(), Some(VERIFIER), true),
            (PkceMode::Optional, hashed(), None, false),
            (PkceMode::Optional, plain(), Some(VERIFIER), true),
            (PkceMode::Optional, plain(), Some(CHALLENGE), false),
            (PkceMode::Optional, None, None, true),
            (PkceMode::Optional, None, Some(VERIFIER), false),
            (PkceMode::Ignored, hashed(), None, true),
            (PkceMode::Ignored, hashed(), Some("another"), true),
            (PkceMode::Ignored, None, Some(VERIFIER), true),
        ] {
            assert_eq!(
                verifier_meets(mode, challenge.as_ref(), verifier),
                good,
                "{mode:?} {challenge:?} {verifier:?}"
            );
        }
    }
}
