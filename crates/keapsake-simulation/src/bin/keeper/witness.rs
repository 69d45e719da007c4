//! Says when a refresh leaves, when its answer is there, and when that is durable, so that whoever kills this process
//! knows what it had in hand.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, Response, Uri};
use keapsake::journal::disk::{Disk, DiskFile, RealDisk};
use keapsake::transport::{FreshConnections, Line, TokenTransport, TransportError};
use serde_json::json;

use crate::report::say;

/// Whether an answer is there that is not durable yet.
type InHand = Arc<AtomicBool>;

/// The real network for token requests, and the real disk for the journal, watched.
pub(crate) fn watched() -> Result<(Tokens, WatchedDisk), TransportError> {
    let in_hand = InHand::default();
    let tokens = Tokens { real: FreshConnections::new()?, in_hand: in_hand.clone() };
    Ok((tokens, WatchedDisk { real: RealDisk, in_hand }))
}

/// Token requests.
pub(crate) struct Tokens {
    real: FreshConnections,
    in_hand: InHand,
}

impl TokenTransport for Tokens {
    fn open(&self, endpoint: &Uri) -> BoxFuture<'static, Result<Box<dyn Line>, TransportError>> {
        let (opening, in_hand) = (self.real.open(endpoint), self.in_hand.clone());
        Box::pin(async move {
            let line: Box<dyn Line> = Box::new(WatchedLine { real: opening.await?, in_hand });
            Ok(line)
        })
    }
}

struct WatchedLine {
    real: Box<dyn Line>,
    in_hand: InHand,
}

impl Line for WatchedLine {
    fn send(
        self: Box<Self>,
        request: Request<Bytes>,
    ) -> BoxFuture<'static, Result<Response<Bytes>, TransportError>> {
        let Self { real, in_hand } = *self;
        if !is_refresh(&request) {
            return real.send(request);
        }
        Box::pin(async move {
            say(&json!({"says": "sent"}));
            let answer = real.send(request).await;
            match &answer {
                Ok(answer) => {
                    in_hand.store(answer.status().is_success(), Ordering::SeqCst);
                    say(&json!({"says": "answered", "status": answer.status().as_u16()}));
                }
                Err(error) => say(&json!({"says": "unanswered", "error": error.to_string()})),
            }
            answer
        })
    }
}

fn is_refresh(request: &Request<Bytes>) -> bool {
    let marker = b"grant_type=refresh_token";
    request.body().windows(marker.len()).any(|window| window == marker)
}

/// The journal's disk.
pub(crate) struct WatchedDisk {
    real: RealDisk,
    in_hand: InHand,
}

impl WatchedDisk {
    fn watch(&self, real: Box<dyn DiskFile>) -> Box<dyn DiskFile> {
        Box::new(WatchedFile { real, in_hand: self.in_hand.clone() })
    }
}

impl Disk for WatchedDisk {
    fn make_directory(&self, dir: &Path) -> io::Result<()> {
        self.real.make_directory(dir)
    }

    fn is_private(&self, path: &Path) -> io::Result<bool> {
        self.real.is_private(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        self.real.list(dir)
    }

    fn create(&self, path: &Path, length: u64) -> io::Result<Box<dyn DiskFile>> {
        Ok(self.watch(self.real.create(path, length)?))
    }

    fn open_orphan(&self, path: &Path) -> io::Result<Option<Box<dyn DiskFile>>> {
        Ok(self.real.open_orphan(path)?.map(|file| self.watch(file)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.real.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.real.remove(path)
    }

    fn steady_time(&self) -> Duration {
        self.real.steady_time()
    }
}

struct WatchedFile {
    real: Box<dyn DiskFile>,
    in_hand: InHand,
}

impl DiskFile for WatchedFile {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.real.write_at(offset, bytes)
    }

    /// With one connection in this process, the first sync that begins after the answer came is the one that keeps it.
    fn sync(&self) -> io::Result<()> {
        let keeps = self.in_hand.load(Ordering::SeqCst);
        self.real.sync()?;
        if keeps && self.in_hand.swap(false, Ordering::SeqCst) {
            say(&json!({"says": "kept"}));
        }
        Ok(())
    }

    fn read(&self) -> io::Result<Vec<u8>> {
        self.real.read()
    }

    fn inode(&self) -> io::Result<Option<u64>> {
        self.real.inode()
    }
}
