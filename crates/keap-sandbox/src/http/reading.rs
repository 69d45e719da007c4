//! Reading a request to its end, within limits.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;

const BODY_MAX: usize = 1_048_576;
const PATIENCE: Duration = Duration::from_secs(30);

/// Why a request was not read.
pub(super) enum Unread {
    /// Too large or too slow; the client may be told.
    Refused(StatusCode),
    /// The client is gone.
    Broken,
}

pub(super) async fn whole(body: Incoming) -> Result<Bytes, Unread> {
    match tokio::time::timeout(PATIENCE, Limited::new(body, BODY_MAX).collect()).await {
        Err(_) => Err(Unread::Refused(StatusCode::REQUEST_TIMEOUT)),
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            Err(Unread::Refused(StatusCode::PAYLOAD_TOO_LARGE))
        }
        Ok(Err(_)) => Err(Unread::Broken),
    }
}
