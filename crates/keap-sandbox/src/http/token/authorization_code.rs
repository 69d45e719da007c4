//! `grant_type=authorization_code`.

use http::HeaderMap;

use super::client;
use super::problem::Problem;
use crate::http::form::Form;
use crate::state::State;
use crate::state::grants::TokenPair;

pub(super) async fn grant(state: &State, headers: &HeaderMap, form: &Form<'_>) -> Result<TokenPair, Problem> {
    let now = state.clock.now();
    let exchanged = state.change(|world| {
        let client = client::authenticate(&world.clients, headers, form)?;
        let code = form.filled("code").unwrap_or_default();
        let redirect_uri = form.get("redirect_uri").unwrap_or_default();
        let pair = world.exchange(now, &client, code, redirect_uri, form.filled("code_verifier"));
        pair.map_err(|_| Problem::BadCode)
    });
    exchanged.await.map_err(|_| Problem::NotSaved)?
}
