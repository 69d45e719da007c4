//! An authorization on its way: started in our panel, continued at Keap, to be finished by the callback.

use std::time::Duration;

use jiff::Timestamp;

use crate::store::seal::Sealed;

/// A started flow is good for this long, once.
pub const FLOW_LIFE: Duration = Duration::from_mins(10);

/// What is remembered of a started flow. The state and the browser's key are stored only as SHA-256.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    /// Digest of the state that the callback must carry.
    pub state_digest: [u8; 32],
    /// Digest of the key that the browser which started it holds in a cookie.
    pub browser_digest: [u8; 32],
    /// Who started it, in the application's words (a session, say); given back before the exchange.
    pub started_by: String,
    /// Whether another Keap account than before is welcome.
    pub switch_account: bool,
    /// The PKCE verifier, when PKCE is on.
    pub verifier: Option<Sealed>,
    /// When it ends.
    pub expires_at: Timestamp,
}
