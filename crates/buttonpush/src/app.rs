//! The application's parts, joined once at the start and handed to every request.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::FromRef;

use crate::accounts::Accounts;
use crate::config::Origin;
use crate::database::Database;
use crate::keap::KeapSide;
use crate::presses::Presses;
use crate::sessions::Sessions;
use crate::web::cookies::CookiePolicy;

/// What requests work with. A cheap handle.
#[derive(Clone)]
pub struct App {
    /// Signing up and logging in.
    pub accounts: Accounts,
    /// Who is logged in.
    pub sessions: Sessions,
    /// The button.
    pub presses: Presses,
    /// How the connection to Keap is.
    pub keap: KeapSide,
    /// For pages that only show.
    pub database: Database,
    /// How the application looks from outside.
    pub site: Arc<Site>,
}

/// How the application looks from outside.
#[derive(Debug)]
pub struct Site {
    /// The origin that people see.
    pub origin: Origin,
    /// How cookies are named and protected there.
    pub cookies: CookiePolicy,
    /// Where the administrator signs in at Keap; forms may lead there.
    pub keap_sign_in: Option<Origin>,
    /// Proxies whose word about the client's address is taken.
    pub trusted_proxies: Vec<IpAddr>,
}

impl Site {
    /// A site at this origin.
    pub fn new(origin: Origin, keap_sign_in: Option<Origin>, trusted_proxies: Vec<IpAddr>) -> Self {
        let cookies = CookiePolicy::of(&origin);
        Self { origin, cookies, keap_sign_in, trusted_proxies }
    }
}

impl FromRef<App> for Arc<Site> {
    fn from_ref(app: &App) -> Self {
        app.site.clone()
    }
}
