//! `GET /callback`: Keap's answer, brought by the browser.
//!
//! It comes from another site, so without the application's own cookie if that is strict; the flow's cookie says that
//! it is the browser which started, and the application says whether the one who started may still connect. The answer
//! is always a redirect to a clean address, so that neither code nor state stays in the history or goes on as a
//! referrer.

use std::time::Duration;

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::Response;
use keapsake::connection::authorization::{CallbackError, Completed, Received};
use keapsake::{Error, Keap};

use crate::page::Trouble;
use crate::panel::Panel;

/// The account's name is nice to have on the next page, and not worth more waiting.
const LONGEST_WAIT_FOR_NAME: Duration = Duration::from_secs(3);

pub(crate) async fn receive(
    State(panel): State<Panel>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let key = panel.read_cookie(&headers);
    let received = panel.keap.receive_callback(&query.unwrap_or_default(), key.as_ref()).await;
    let mut response = match received {
        Ok(received) => finish(&panel, received).await,
        // A stranger's request must not take the cookie of a flow that is under way.
        Err(error) => return seal(refuse(&panel, &error)),
    };
    if let Some(cookie) = panel.clear_cookie() {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    seal(response)
}

async fn finish(panel: &Panel, received: Received) -> Response {
    if !panel.gate.is_live_admin(received.started_by()).await {
        return panel.trouble(&Trouble::SESSION_ENDED);
    }
    // In a task of its own: a browser that hangs up meanwhile leaves nothing half done.
    match tokio::spawn(connect(panel.keap.clone(), received)).await {
        Ok(Ok(())) => panel.to("/return"),
        Ok(Err(error)) => panel.not_saved(&error),
        Err(error) => panel.not_saved(&error),
    }
}

async fn connect(keap: Keap, received: Received) -> Result<(), Error> {
    if let Completed::Connected(_) = received.complete().await? {
        learn_account_name(keap).await;
    }
    Ok(())
}

async fn learn_account_name(keap: Keap) {
    let learning = tokio::spawn(async move {
        if let Err(error) = keap.learn_account_name().await {
            tracing::warn!(%error, "the name of the Keap account is not known yet");
        }
    });
    // The task goes on if it takes longer.
    let _ = tokio::time::timeout(LONGEST_WAIT_FOR_NAME, learning).await;
}

fn refuse(panel: &Panel, error: &CallbackError) -> Response {
    match error {
        CallbackError::Store(error) => panel.database_failed(error),
        CallbackError::OtherBrowser => panel.trouble(&Trouble::OTHER_BROWSER),
        CallbackError::Malformed(_) => panel.trouble(&Trouble::MALFORMED),
        _ => panel.trouble(&Trouble::NOT_ASKED_FOR),
    }
}

/// The address of this page holds a code and a state.
fn seal(mut response: Response) -> Response {
    let no_referrer = HeaderValue::from_static("no-referrer");
    response.headers_mut().insert(HeaderName::from_static("referrer-policy"), no_referrer);
    response
}
