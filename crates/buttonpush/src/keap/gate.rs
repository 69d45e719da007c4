//! Who may see the panel: administrators, by their session here.

use futures_util::future::BoxFuture;
use http::request::Parts;
use keapsake_panel::{Admin, Gate};

use crate::sessions::Sessions;
use crate::web::admin::{AdministratorVisit, session_is_live_administrator};

pub(super) struct AdministratorsOnly {
    sessions: Sessions,
}

impl AdministratorsOnly {
    pub(super) fn new(sessions: Sessions) -> Self {
        Self { sessions }
    }
}

impl Gate for AdministratorsOnly {
    fn admin(&self, request: &Parts) -> Option<Admin> {
        let visit = request.extensions.get::<AdministratorVisit>()?;
        Some(Admin { session: visit.binding.clone(), csrf_token: visit.form_token.clone() })
    }

    fn is_live_admin<'a>(&'a self, session: &'a str) -> BoxFuture<'a, bool> {
        Box::pin(async move {
            session_is_live_administrator(&self.sessions, session).await.unwrap_or_else(|error| {
                tracing::error!(%error, "whether a session is alive is not known, so it is taken as ended");
                false
            })
        })
    }
}
