//! `grant_type=refresh_token`.

use http::HeaderMap;

use super::client;
use super::problem::Problem;
use crate::http::form::Form;
use crate::state::State;
use crate::state::grants::TokenPair;

pub(super) async fn grant(state: &State, headers: &HeaderMap, form: &Form<'_>) -> Result<TokenPair, Problem> {
    let now = state.clock.now();
    let rotated = state.change(|world| {
        let client = client::authenticate(&world.clients, headers, form)?;
        // Observed in 2024: an empty refresh token is answered as if the client were unknown.
        let token = form.filled("refresh_token").ok_or(Problem::UnknownClient)?;
        let older = world.settings.older_errors;
        let dead = if older { Problem::BadRefreshTokenOlder } else { Problem::BadRefreshToken };
        world.refresh(now, &client, token).map_err(|_| dead)
    });
    rotated.await.map_err(|_| Problem::NotSaved)?
}
