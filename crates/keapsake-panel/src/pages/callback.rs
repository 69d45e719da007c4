//! `GET /callback`: Keap's answer, brought by the browser.
//!
//! It comes from another site, so without the application's own cookie if that is strict; the flow's cookie says that
//! it is the browser which started, and the application says whether the one who started may still connect. The answer
//! is always a redirect to a clean address, so that neither code nor state stays in the history or goes on as a
//! referrer.

use std::time::Duration;

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use keapsake::Keap;
use keapsake::connection::authorization::{CallbackError, Completed, Received};
use keapsake::secret::BrowserKey;

use crate::page::Trouble;
use crate::panel::Panel;
use crate::spent;

/// The account's name is nice to have on the next page, and not worth more waiting.
const LONGEST_WAIT_FOR_NAME: Duration = Duration::from_secs(3);

pub(crate) async fn receive(
    State(panel): State<Panel>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let (query, key) = (query.unwrap_or_default(), panel.read_cookie(&headers));
    let mut response = match take(&panel, &query, key.as_ref()).await {
        Ok(Taken::Now(received)) => finish(&panel, received).await,
        Ok(Taken::Before) => panel.to("/return"),
        Ok(Taken::ByNobody) => panel.trouble(&Trouble::SESSION_ENDED),
        // A stranger's request must not take the cookie of a flow that is under way.
        Err(error) => return seal(refuse(&panel, &error)),
    };
    if let Some(cookie) = panel.clear_cookie() {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    seal(response)
}

/// The answer to every method but GET: what only looks at the address (HEAD) must not spend the answer.
pub(crate) async fn get_only(State(panel): State<Panel>) -> Response {
    let mut response = panel.trouble(&Trouble::METHOD_NOT_ALLOWED);
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET"));
    response
}

enum Taken {
    /// The flow is this request's to finish.
    Now(Received),
    /// This browser has brought the same answer already, and its first request finishes the flow.
    Before,
    /// Whoever started the flow may not finish it any more. It is spent, and nothing is exchanged.
    ByNobody,
}

async fn take(panel: &Panel, query: &str, key: Option<&BrowserKey>) -> Result<Taken, CallbackError> {
    let mark = spent::mark(query, key);
    let mut marks = panel.spent.lock().await;
    match panel.keap.receive_callback(query, key).await {
        Ok(received) if panel.gate.is_live_admin(received.started_by()).await => {
            spent::remember(&mut marks, mark);
            Ok(Taken::Now(received))
        }
        Ok(_) => {
            tracing::warn!("an answer from Keap was refused: the session that asked for it has ended");
            Ok(Taken::ByNobody)
        }
        Err(CallbackError::UnknownFlow) if marks.contains(&mark) => Ok(Taken::Before),
        Err(error) => Err(error),
    }
}

async fn finish(panel: &Panel, received: Received) -> Response {
    // In a task of its own: a browser that hangs up does not take the name of the account with it.
    let keap = panel.keap.clone();
    match tokio::spawn(complete(keap, received)).await {
        Ok(Ok(())) => panel.to("/return"),
        Ok(Err(error)) => panel.failed(&error, &Trouble::NOT_SAVED),
        Err(error) => panel.failed(&error, &Trouble::NOT_SAVED),
    }
}

async fn complete(keap: Keap, received: Received) -> Result<(), keapsake::Error> {
    if let Completed::Connected(account) = received.complete().await? {
        tracing::info!(%account, "connected to Keap");
        learn_account_name(keap).await;
    } else {
        // The history has it in words, and the panel shows them.
        tracing::warn!("an administrator came back from Keap without a connection");
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
    tracing::warn!(%error, "an answer from Keap was refused");
    match error {
        CallbackError::Store(_) => panel.trouble(&Trouble::DATABASE),
        CallbackError::OtherBrowser => panel.trouble(&Trouble::OTHER_BROWSER),
        CallbackError::Malformed(_) => panel.trouble(&Trouble::MALFORMED),
        _ => panel.trouble(&Trouble::NOT_ASKED_FOR),
    }
}

/// The address of this page holds a code and a state.
fn seal(mut response: Response) -> Response {
    let no_referrer = HeaderValue::from_static("no-referrer");
    response.headers_mut().insert(header::REFERRER_POLICY, no_referrer);
    response
}
