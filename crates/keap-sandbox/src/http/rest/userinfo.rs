//! `/rest/v2/oauth/connect/userinfo`.

use serde_json::json;

use super::Answer;
use super::call::Call;
use super::refusal::Refusal;
use crate::state::world::World;

/// The cheapest check of a credential. The field names are documented; `tenant_id` as the short name is assumed.
pub(super) fn get(world: &mut World, call: &Call<'_>) -> Result<Answer, Refusal> {
    let known = world.users.iter().find(|user| user.email == call.caller.user);
    let user = known.ok_or_else(Refusal::no_such_path)?;
    let name = format!("{} {}", user.given_name, user.family_name);
    Ok(Answer::ok(json!({
        "email": user.email,
        "sub": user.id.to_string(),
        "id": user.id.to_string(),
        "keap_id": user.email,
        "given_name": user.given_name,
        "family_name": user.family_name,
        "middle_name": "",
        "preferred_name": name.trim(),
        "is_admin": true,
        "tenant_id": call.account_key(),
    })))
}
