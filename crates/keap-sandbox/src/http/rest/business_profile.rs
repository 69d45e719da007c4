//! `/rest/v2/businessProfile`.

use serde_json::Value;

use super::Answer;
use super::call::Call;
use super::refusal::Refusal;
use crate::state::business_profile::WRITABLE;
use crate::state::records::RecordKey;
use crate::state::world::World;

pub(super) fn get(world: &mut World, call: &Call<'_>) -> Result<Answer, Refusal> {
    let profile = call.account(world)?.head.profile.clone();
    Ok(Answer::ok(Value::Object(profile)))
}

pub(super) fn update(world: &mut World, call: &Call<'_>) -> Result<Answer, Refusal> {
    let changes = call.changes(call.body("UpdateBusinessProfileRequest")?, WRITABLE)?;
    let account = world.accounts.get_mut(call.account_key()).ok_or_else(Refusal::no_such_path)?;
    for (name, value) in changes {
        account.head.profile.insert(name, value);
    }
    world.touched.add(RecordKey::Account(call.account_key().to_owned()));
    get(world, call)
}
