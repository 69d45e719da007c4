//! An authorization answered without pages.

use serde::{Deserialize, Serialize};

use super::oauth;
use crate::state::authorization::{AuthorizeRefused, denial};
use crate::state::{NotSaved, State};

/// What the person decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Yes.
    #[default]
    Allow,
    /// No.
    Deny,
}

/// Says where the browser would be sent in the end, or what the page would say. Without an account the first one is
/// chosen.
pub(crate) async fn decide(
    state: &State,
    authorize_url: &str,
    account: Option<&str>,
    decision: Decision,
) -> Result<Result<String, String>, NotSaved> {
    let query = authorize_url.split_once('?').map_or(authorize_url, |(_, query)| query);
    let query = query.split('#').next().unwrap_or_default();
    let now = state.clock.now();
    let answered = state.change(|world| {
        let request = match oauth::check(world, query) {
            Ok(request) => request,
            Err(AuthorizeRefused::Redirect { to }) => return Ok(to),
            Err(AuthorizeRefused::Page(text)) => return Err(text.to_owned()),
        };
        let chosen = account.or_else(|| world.accounts.keys().next().map(String::as_str)).unwrap_or_default();
        if !world.accounts.contains_key(chosen) {
            return Err(format!("there is no account {chosen}"));
        }
        let (chosen, user) = (chosen.to_owned(), world.users.first().map(|user| user.email.clone()));
        match decision {
            Decision::Allow => Ok(world.allow(now, &request, &user.unwrap_or_default(), &chosen)),
            Decision::Deny => Ok(denial(&request.redirect_uri, &request.state)),
        }
    });
    answered.await
}
