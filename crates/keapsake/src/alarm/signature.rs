//! How the receiver of a webhook knows that it was really called by us, now, with this body.

use std::fmt::Write as _;
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use sha2::Sha256;

use crate::secret::WebhookSecret;

/// The header that carries the signature.
pub const HEADER: &str = "keapsake-signature";

/// How old a signature may be at most, unless the receiver has reasons: long enough for slow networks and clocks that
/// differ a little, short against somebody who recorded a call.
pub const LONGEST_AGE: Duration = Duration::from_mins(5);

/// Why a call is not to be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// The header is not one that was written here.
    #[error("the header `Keapsake-Signature` is missing or is not `t=<seconds>,v1=<64 hex digits>`")]
    Unreadable,
    /// It was signed too long ago, or in the future: a repeated call, or a wrong clock on either side.
    #[error("the signature's time is too far from now; compare the clocks of both machines")]
    TooOld,
    /// Another secret, or another body.
    #[error("the signature does not fit; compare the webhook's secret on both sides")]
    Wrong,
}

/// The header's value for a body: `t=<unix seconds>,v1=<hex HMAC-SHA256 of "t.body">`.
pub(super) fn sign(secret: &WebhookSecret, body: &[u8], at: Timestamp) -> String {
    let seconds = at.as_second().to_string();
    let mut header = format!("t={seconds},v1=");
    if let Some(mac) = mac(secret, &seconds, body) {
        for byte in mac.finalize().into_bytes() {
            let _ = write!(header, "{byte:02x}");
        }
    }
    header
}

/// Checks a call of the webhook, in constant time. `header` is the value of [`HEADER`], `body` the body exactly as it
/// came. A header may carry several `v1`, as while a secret is being replaced; one that fits is enough.
///
/// ```
/// use keapsake::alarm::signature::{HEADER, LONGEST_AGE, verify};
/// # use keapsake::secret::WebhookSecret;
/// # fn receive(headers: &http::HeaderMap, body: &[u8], secret: &WebhookSecret, now: jiff::Timestamp) -> bool {
/// let header = headers.get(HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default();
/// verify(secret, header, body, now, LONGEST_AGE).is_ok()
/// # }
/// ```
///
/// # Errors
/// [`SignatureError`]: do not act on the call, answer 401.
pub fn verify(
    secret: &WebhookSecret,
    header: &str,
    body: &[u8],
    now: Timestamp,
    longest_age: Duration,
) -> Result<(), SignatureError> {
    let fields: Vec<_> = header.split(',').filter_map(|field| field.trim().split_once('=')).collect();
    let seconds = fields.iter().find_map(|(name, value)| (*name == "t").then_some(*value));
    let seconds = seconds.ok_or(SignatureError::Unreadable)?;
    let signed_at = seconds.parse().ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    let signed_at = signed_at.ok_or(SignatureError::Unreadable)?;
    let signatures: Vec<_> =
        fields.iter().filter(|(name, _)| *name == "v1").filter_map(|(_, hex)| bytes(hex)).collect();
    if signatures.is_empty() {
        return Err(SignatureError::Unreadable);
    }
    let fits = |signature: &[u8; 32]| {
        mac(secret, seconds, body).is_some_and(|mac| mac.verify_slice(signature).is_ok())
    };
    if !signatures.iter().any(fits) {
        return Err(SignatureError::Wrong);
    }
    if now.duration_since(signed_at).unsigned_abs() > longest_age {
        return Err(SignatureError::TooOld);
    }
    Ok(())
}

/// `None` never happens: HMAC takes keys of any length.
fn mac(secret: &WebhookSecret, seconds: &str, body: &[u8]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()).ok()?;
    mac.update(seconds.as_bytes());
    mac.update(b".");
    mac.update(body);
    Some(mac)
}

fn bytes(hex: &str) -> Option<[u8; 32]> {
    let hex = hex.as_bytes();
    if hex.len() != 64 {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(hex.chunks_exact(2)) {
        let digit = |at: usize| pair.get(at).and_then(|digit| char::from(*digit).to_digit(16));
        *byte = u8::try_from(digit(0)? * 16 + digit(1)?).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = br#"{"state":"raised"}"#;

    fn secret() -> WebhookSecret {
        WebhookSecret::new("a secret of the webhook")
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn check(header: &str, body: &[u8], seconds: i64) -> Result<(), SignatureError> {
        verify(&secret(), header, body, at(seconds), LONGEST_AGE)
    }

    /// So that receivers in other languages can rely on it: made with
    /// `printf '1800000000.{"state":"raised"}' | openssl dgst -sha256 -hmac 'a secret of the webhook'`.
    #[test]
    fn the_signature_is_what_other_programs_compute() {
        let expected = "t=1800000000,v1=66cf171f02dff6d9607f8efa13f861f92d8d3b2ec6728cee4b3bf26a4cd03bd0";
        assert_eq!(sign(&secret(), BODY, at(0)), expected);
    }

    #[test]
    fn a_fresh_signature_is_good_and_an_old_one_is_not() {
        let header = sign(&secret(), BODY, at(0));
        for seconds in [0, 300, -300] {
            assert_eq!(check(&header, BODY, seconds), Ok(()), "{seconds}");
        }
        for seconds in [301, -301, 1_000_000] {
            assert_eq!(check(&header, BODY, seconds), Err(SignatureError::TooOld), "{seconds}");
        }
    }

    #[test]
    fn whatever_is_changed_makes_it_wrong() {
        let header = sign(&secret(), BODY, at(0));
        assert_eq!(check(&header, br#"{"state":"RAISED"}"#, 0), Err(SignatureError::Wrong));
        let newer = header.replace("t=1800000000", "t=1800000001");
        assert_eq!(check(&newer, BODY, 0), Err(SignatureError::Wrong), "the time is signed, too");
        let other = verify(&WebhookSecret::new("another secret"), &header, BODY, at(0), LONGEST_AGE);
        assert_eq!(other, Err(SignatureError::Wrong));
    }

    #[test]
    fn one_of_two_signatures_is_enough() {
        let good = sign(&secret(), BODY, at(0));
        let old_secret = sign(&WebhookSecret::new("the secret of before"), BODY, at(0));
        let (_, old) = old_secret.split_once(',').unwrap();
        assert_eq!(check(&format!("{good},{old}"), BODY, 0), Ok(()));
    }

    #[test]
    fn what_is_not_a_signature_is_unreadable() {
        let digits = "0".repeat(64);
        for header in [
            String::new(),
            "t=1800000000".into(),
            format!("v1={digits}"),
            format!("t=x,v1={digits}"),
            format!("t=99999999999999999999,v1={digits}"),
            format!("t=1800000000,v1={}", "g".repeat(64)),
            "t=1800000000,v1=00".into(),
            format!("t=1800000000,v0={digits}"),
            format!("t=1800000000,v1={}", "ä".repeat(32)),
        ] {
            assert_eq!(check(&header, BODY, 0), Err(SignatureError::Unreadable), "{header}");
        }
    }
}
