//! Mistakes in how a token request is sent, and in what its answer is taken for.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, Response, StatusCode, Uri};
use keapsake::transport::{Line, Reach, TokenTransport, TransportError};
use tokio::time::timeout;

use super::Flaw;

pub(super) struct Flawed {
    flaw: Flaw,
    inner: Arc<dyn TokenTransport>,
}

impl Flawed {
    pub(super) fn new(flaw: Flaw, inner: Arc<dyn TokenTransport>) -> Self {
        Self { flaw, inner }
    }
}

type Opened = Result<Box<dyn Line>, TransportError>;
type Answered = Result<Response<Bytes>, TransportError>;

impl TokenTransport for Flawed {
    fn open(&self, endpoint: &Uri) -> BoxFuture<'static, Opened> {
        let (flaw, inner, endpoint) = (self.flaw, self.inner.clone(), endpoint.clone());
        Box::pin(async move {
            let line = inner.open(&endpoint).await?;
            Ok(Box::new(FlawedLine { flaw, line, inner, endpoint }) as Box<dyn Line>)
        })
    }
}

struct FlawedLine {
    flaw: Flaw,
    line: Box<dyn Line>,
    inner: Arc<dyn TokenTransport>,
    endpoint: Uri,
}

impl Line for FlawedLine {
    fn send(self: Box<Self>, request: Request<Bytes>) -> BoxFuture<'static, Answered> {
        Box::pin(async move {
            let flaw = self.flaw;
            match flaw {
                Flaw::ResendingClient => self.send_again_if_broken(request).await,
                Flaw::TenSeconds => within(Duration::from_secs(10), self.line.send(request)).await,
                Flaw::DroppedWithItsCaller => within(Duration::from_secs(30), self.line.send(request)).await,
                Flaw::TokenInError => {
                    let body = request.body().clone();
                    self.line.send(request).await.map_err(|error| with_body(&error, &body))
                }
                _ => taken_for(flaw, self.line.send(request).await),
            }
        })
    }
}

impl FlawedLine {
    async fn send_again_if_broken(self, request: Request<Bytes>) -> Answered {
        match self.line.send(request.clone()).await {
            Err(error) if error.reach() == Reach::Unknown => {
                self.inner.open(&self.endpoint).await?.send(request).await
            }
            answered => answered,
        }
    }
}

async fn within(time: Duration, sent: BoxFuture<'static, Answered>) -> Answered {
    timeout(time, sent).await.unwrap_or_else(|_| Err(TransportError::no_answer("it took too long")))
}

fn with_body(error: &TransportError, body: &Bytes) -> TransportError {
    let words = format!("{error}, for {}", String::from_utf8_lossy(body));
    match error.reach() {
        Reach::No => TransportError::not_sent(words),
        Reach::Unknown | Reach::Yes => TransportError::no_answer(words),
    }
}

fn taken_for(flaw: Flaw, answered: Answered) -> Answered {
    let answer = answered?;
    let text = String::from_utf8_lossy(answer.body()).into_owned();
    let is_error = answer.status().is_server_error();
    match flaw {
        Flaw::FailureIsNotSent if is_error => Err(TransportError::not_sent("Keap has failed")),
        Flaw::ThrottleIsRejection if answer.status() == StatusCode::TOO_MANY_REQUESTS => Ok(rejection()),
        Flaw::PageIsRejection if text.contains("<html>") => Ok(rejection()),
        Flaw::TextLifeRefused if text.contains("\"expires_in\":\"") => Ok(with(answer, "not understood")),
        Flaw::EmptyTokenStored if text.contains("access_token") && !text.contains("refresh_token") => {
            let text = text.replacen('{', "{\"refresh_token\":\"-\",", 1);
            Ok(with(answer, &text))
        }
        _ => Ok(answer),
    }
}

fn with(answer: Response<Bytes>, body: &str) -> Response<Bytes> {
    answer.map(|_| Bytes::from(body.to_owned()))
}

fn rejection() -> Response<Bytes> {
    let body = r#"{"error":"invalid_grant","error_description":"Invalid refresh token"}"#;
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = StatusCode::BAD_REQUEST;
    response
}
