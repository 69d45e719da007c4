//! Carrying out a fault.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use http_body_util::BodyExt;

use super::{App, Asked, Dropped, Entry, http_date};
use crate::state::faults::{FaultEffect, Strike};

const MAINTENANCE: &str = "<!DOCTYPE html><html><head><title>Service unavailable</title></head>\
     <body><h1>We'll be right back</h1><p>The service is temporarily unavailable.</p></body></html>";

impl App {
    /// Answers a request that a fault has claimed, and writes down whether it was applied.
    pub(super) async fn struck(
        &self,
        asked: Asked,
        strike: Strike,
        log: &mut Entry,
    ) -> Result<Response<Body>, Dropped> {
        if strike.delay_ms > 0 {
            tokio::time::sleep(Duration::from_millis(strike.delay_ms)).await;
        }
        if strike.effect == FaultEffect::Revoke {
            let now = self.state.clock.now();
            // A data file that cannot be written shows at the next request, which is soon enough for a fault.
            let _ = self.state.change(|world| world.revoke_all(now)).await;
        }
        let real = if strike.apply { Some(self.applied(asked, &strike, log).await) } else { None };
        self.spoilt(strike.effect, real).await
    }

    async fn applied(&self, asked: Asked, strike: &Strike, log: &mut Entry) -> Response<Body> {
        let (method, path) = (asked.parts.method.to_string(), asked.parts.uri.path().to_owned());
        let answered = self.process(asked).await;
        log.note(&answered);
        if log.logged.applied {
            self.state.look(|world| world.strike_applied(strike, &method, &path));
        }
        answered.response
    }

    async fn spoilt(
        &self,
        effect: FaultEffect,
        real: Option<Response<Body>>,
    ) -> Result<Response<Body>, Dropped> {
        match effect {
            FaultEffect::Delay | FaultEffect::Revoke => real.ok_or(Dropped),
            FaultEffect::Drop => Err(Dropped),
            FaultEffect::Half => half(real.ok_or(Dropped)?).await,
            FaultEffect::Drip { byte_ms } => dripping(real.ok_or(Dropped)?, byte_ms).await,
            FaultEffect::WrongClock { seconds } => {
                let mut response = real.ok_or(Dropped)?;
                let shifted = self.state.clock.now() + jiff::SignedDuration::from_secs(seconds);
                insert(&mut response, header::DATE, &http_date(shifted));
                Ok(response)
            }
            FaultEffect::Status { status, body, headers } => {
                let mut response = answer(status, "application/json;charset=UTF-8", body);
                for (name, value) in headers {
                    if let Ok(name) = HeaderName::try_from(name) {
                        insert(&mut response, name, &value);
                    }
                }
                Ok(response)
            }
            FaultEffect::Html { status } => Ok(answer(status, "text/html", MAINTENANCE.to_owned())),
            FaultEffect::Throttle { retry_after } => {
                let mut response = super::rest::throttled();
                if let Some(seconds) = retry_after {
                    insert(&mut response, header::RETRY_AFTER, &seconds.to_string());
                }
                Ok(response)
            }
            FaultEffect::Redirect { location, status } => {
                let mut response = answer(status, "text/html", String::new());
                insert(&mut response, header::LOCATION, &location);
                Ok(response)
            }
        }
    }
}

/// The headers of the whole answer and the first half of its body; then the connection breaks. An answer without a body
/// has no half and is lost whole.
async fn half(response: Response<Body>) -> Result<Response<Body>, Dropped> {
    let (mut parts, bytes) = taken_apart(response).await?;
    if bytes.is_empty() {
        return Err(Dropped);
    }
    announce_length(&mut parts, &bytes);
    let first = bytes.slice(..bytes.len() / 2);
    let pieces = stream::iter([Ok(first), Err(Dropped)]);
    Ok(Response::from_parts(parts, Body::from_stream(pieces)))
}

async fn dripping(response: Response<Body>, byte_ms: u64) -> Result<Response<Body>, Dropped> {
    let (mut parts, bytes) = taken_apart(response).await?;
    announce_length(&mut parts, &bytes);
    let pause = Duration::from_millis(byte_ms);
    let drops = stream::unfold((bytes, 0), move |(bytes, at)| async move {
        if at >= bytes.len() {
            return None;
        }
        tokio::time::sleep(pause).await;
        let drop = bytes.slice(at..=at);
        Some((Ok::<Bytes, Infallible>(drop), (bytes, at + 1)))
    });
    Ok(Response::from_parts(parts, Body::from_stream(drops)))
}

async fn taken_apart(response: Response<Body>) -> Result<(http::response::Parts, Bytes), Dropped> {
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.map_err(|_| Dropped)?.to_bytes();
    Ok((parts, bytes))
}

fn announce_length(parts: &mut http::response::Parts, bytes: &Bytes) {
    parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
}

fn answer(status: u16, content_type: &'static str, body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

fn insert(response: &mut Response<Body>, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}
