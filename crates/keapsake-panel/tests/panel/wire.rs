//! The way to Keap's token endpoint: it can be watched, held up, cut, and told what to answer.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use keapsake::transport::{FreshConnections, Transport, TransportError};
use tokio::sync::watch;

#[derive(Clone)]
pub(crate) struct Wire(Arc<Inner>);

struct Inner {
    real: FreshConnections,
    is_open: watch::Sender<bool>,
    is_cut: AtomicBool,
    script: Mutex<VecDeque<(u16, String)>>,
    said: Mutex<Vec<Bytes>>,
    heard: Mutex<Vec<Bytes>>,
}

impl Wire {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Inner {
            real: FreshConnections::new().unwrap(),
            is_open: watch::Sender::new(true),
            is_cut: AtomicBool::new(false),
            script: Mutex::default(),
            said: Mutex::default(),
            heard: Mutex::default(),
        }))
    }

    /// Every request waits until it is opened again.
    pub(crate) fn hold(&self) {
        self.0.is_open.send_replace(false);
    }

    pub(crate) fn open(&self) {
        self.0.is_open.send_replace(true);
    }

    /// Nothing reaches Keap any more.
    pub(crate) fn cut(&self) {
        self.0.is_cut.store(true, Ordering::SeqCst);
    }

    /// Keap is reached again.
    pub(crate) fn mend(&self) {
        self.0.is_cut.store(false, Ordering::SeqCst);
    }

    /// The next request is answered like this and does not reach Keap.
    pub(crate) fn then(&self, status: u16, body: &str) {
        self.0.script.lock().unwrap().push_back((status, body.to_owned()));
    }

    /// The bodies of all requests.
    pub(crate) fn said(&self) -> Vec<Bytes> {
        self.0.said.lock().unwrap().clone()
    }

    /// The bodies of Keap's own answers.
    pub(crate) fn heard(&self) -> Vec<Bytes> {
        self.0.heard.lock().unwrap().clone()
    }
}

impl Transport for Wire {
    fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<'static, Result<http::Response<Bytes>, TransportError>> {
        let wire = self.0.clone();
        Box::pin(async move {
            wire.said.lock().unwrap().push(request.body().clone());
            wire.is_open.subscribe().wait_for(|is_open| *is_open).await.unwrap();
            if wire.is_cut.load(Ordering::SeqCst) {
                return Err(TransportError::not_sent("the cable is cut"));
            }
            let scripted = wire.script.lock().unwrap().pop_front();
            if let Some((status, body)) = scripted {
                return Ok(http::Response::builder().status(status).body(Bytes::from(body)).unwrap());
            }
            let answer = wire.real.send(request).await?;
            wire.heard.lock().unwrap().push(answer.body().clone());
            Ok(answer)
        })
    }
}
