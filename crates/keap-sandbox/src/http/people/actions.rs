//! The buttons of the page: plain forms, answered by the page again.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State as FromState;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};

use crate::http::form::Form;
use crate::http::{origin, page};
use crate::state::faults::{Fault, FaultEffect};
use crate::state::grants::RevokedWhy;
use crate::state::records::RecordKey;
use crate::state::world::World;
use crate::state::{NotSaved, State};

pub(super) async fn advance(
    FromState(state): FromState<Arc<State>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if !is_ours(&headers) {
        return page::foreign_form();
    }
    let seconds = Form::read(&body).get("seconds").and_then(|seconds| seconds.parse().ok()).unwrap_or(0);
    state.clock.advance(Duration::from_secs(seconds));
    back(&state.change(|world| world.touched.add(RecordKey::Clock)).await, "clock")
}

pub(super) async fn revoke(
    FromState(state): FromState<Arc<State>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if !is_ours(&headers) {
        return page::foreign_form();
    }
    let grant = Form::read(&body).get("grant").and_then(|grant| grant.parse().ok()).unwrap_or(0);
    let now = state.clock.now();
    back(&state.change(|world| world.revoke(now, grant, RevokedWhy::Person)).await, "grants")
}

/// Turns the outage on or off.
pub(super) async fn down(FromState(state): FromState<Arc<State>>, headers: HeaderMap) -> Response {
    if !is_ours(&headers) {
        return page::foreign_form();
    }
    state.look(|world| match outage(world) {
        Some(fault) => {
            world.faults.remove(fault);
        }
        None => {
            world.faults.add(outage_fault());
        }
    });
    back::<()>(&Ok(()), "faults")
}

pub(super) async fn reset(FromState(state): FromState<Arc<State>>, headers: HeaderMap) -> Response {
    if !is_ours(&headers) {
        return page::foreign_form();
    }
    back(&state.change(World::reset).await, "")
}

/// The number of the fault that the "Keap down" button has set.
pub(super) fn outage(world: &World) -> Option<u64> {
    let wanted = outage_fault();
    world.faults.reports().find(|report| report.fault == wanted).map(|report| report.id)
}

fn outage_fault() -> Fault {
    Fault::new(FaultEffect::Html { status: 503 })
}

fn is_ours(headers: &HeaderMap) -> bool {
    origin::is_local_name(headers) && origin::is_own(headers)
}

fn back<T>(saved: &Result<T, NotSaved>, section: &str) -> Response {
    if saved.is_err() {
        return page::not_saved();
    }
    (StatusCode::SEE_OTHER, [(header::LOCATION, format!("/#{section}"))]).into_response()
}
