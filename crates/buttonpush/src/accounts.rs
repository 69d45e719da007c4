//! People: signing up, logging in, and the first administrator.

pub mod common_passwords;
pub mod email;
pub mod first_administrator;
pub mod hashing;
pub mod invitations;
pub mod log_in;
pub mod network;
pub mod password;
pub mod person_name;
pub mod sign_up;
pub mod text;
pub mod throttle;
pub mod users;

use std::sync::Arc;

pub use email::Email;
pub use hashing::{Busy, Hasher};
pub use network::Network;
pub use password::{Password, PasswordAttempt};
pub use person_name::PersonName;
pub use throttle::{Limits, Throttle, Wait};
pub use users::{NewUser, Role, User, UserId};

use crate::clock::Clock;
use crate::database::Database;
use crate::keap::KeapSide;

/// What the operations on accounts work with. A cheap handle; each operation is a file beside this one.
#[derive(Clone)]
pub struct Accounts {
    database: Database,
    hasher: Hasher,
    throttle: Arc<Throttle>,
    keap: KeapSide,
    clock: Arc<dyn Clock>,
}

impl Accounts {
    /// Accounts in this database, with effects for this side of Keap.
    pub fn new(
        database: Database,
        keap: KeapSide,
        clock: Arc<dyn Clock>,
        limits: Limits,
    ) -> anyhow::Result<Self> {
        let throttle = Arc::new(Throttle::new(limits));
        Ok(Self { database, hasher: Hasher::new()?, throttle, keap, clock })
    }
}
