//! A fresh Keap, a fresh database and an SDK between them, all on one clock that only moves when told.

use std::future::Future;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use keap_sandbox::{ClockMode, Decision, Sandbox, SandboxClock};
use keapsake::client::ContactId;
use keapsake::connection::authorization::Completed;
use keapsake::connection::status::Phase;
use keapsake::delivery::{Effect, NewContact, NewTag, OnDelivered, Outbox, Worker};
use keapsake::oauth::Pkce;
use keapsake::store::seal::SealingKey;
use keapsake::store::{MemoryStore, SqliteStore, Store, StoreError};
use keapsake::transport::{FreshConnections, Transport, TransportError};
use keapsake::{Application, ClientSecret, Clock, Endpoints, Keap};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{SqliteConnection, SqlitePool};

pub(crate) const REDIRECT: &str = "http://127.0.0.1:8080/admin/keap/callback";
pub(crate) const KEY: [u8; 32] = [7; 32];
pub(crate) const DAY: Duration = Duration::from_hours(24);

/// The sandbox's clock as the SDK's.
pub(crate) struct OnSandboxTime(pub(crate) SandboxClock);

impl Clock for OnSandboxTime {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'static, ()> {
        let mut jumped = self.0.jumped();
        let clock = self.0.clone();
        Box::pin(async move {
            if clock.now() < at && jumped.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        })
    }
}

pub(crate) struct World {
    pub(crate) sandbox: Sandbox,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) keap: Keap,
    pub(crate) clock: Arc<dyn Clock>,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(Arc::new(MemoryStore::default())).await
    }

    pub(crate) async fn with(store: Arc<dyn Store>) -> Self {
        Self::at(Sandbox::builder().clock(ClockMode::Manual).start().await.unwrap(), store).await
    }

    pub(crate) async fn at(sandbox: Sandbox, store: Arc<dyn Store>) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(OnSandboxTime(sandbox.clock()));
        let keap = start(&sandbox, &store, &clock).await;
        Self { sandbox, store, keap, clock }
    }

    pub(crate) async fn connected() -> Self {
        let world = Self::new().await;
        world.connect("acme").await;
        world
    }

    pub(crate) fn application(&self) -> Application {
        application(&self.sandbox)
    }

    /// As an administrator would in a browser.
    pub(crate) async fn connect(&self, account: &str) -> Completed {
        let (query, key) = self.consent(account, Decision::Allow).await;
        self.keap.receive_callback(&query, Some(&key)).await.unwrap().complete().await.unwrap()
    }

    /// The query Keap sends the browser back with, and the browser's key.
    pub(crate) async fn consent(
        &self,
        account: &str,
        decision: Decision,
    ) -> (String, keapsake::secret::BrowserKey) {
        let started = self.keap.start_authorization("session-1", false).await.unwrap();
        let back = self.sandbox.consent(started.url.as_str(), account, decision).await.unwrap();
        let query = back.split_once('?').unwrap().1.to_owned();
        (query, started.browser_key)
    }

    /// Ends this program and starts it again on the same store.
    pub(crate) async fn restart(&mut self) {
        self.keap.stop().await;
        self.keap = start(&self.sandbox, &self.store, &self.clock).await;
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.sandbox.clock().advance(by);
    }

    pub(crate) fn advance_secs(&self, seconds: u64) {
        self.advance(Duration::from_secs(seconds));
    }

    pub(crate) fn generation(&self) -> u64 {
        self.keap.status().position.map_or(0, |position| position.generation)
    }

    pub(crate) async fn reaches_generation(&self, generation: u64) {
        until(|| async { self.generation() >= generation }).await;
    }

    pub(crate) async fn reaches(&self, is_it: impl Fn(Phase) -> bool) {
        until(|| async { is_it(self.keap.status().phase) }).await;
    }

    /// How often the token endpoint was asked.
    pub(crate) fn token_requests(&self) -> usize {
        self.sandbox.requests().iter().filter(|request| request.path == "/token").count()
    }
}

pub(crate) fn application(sandbox: &Sandbox) -> Application {
    let endpoints = Endpoints::under(sandbox.url()).unwrap();
    let secret = ClientSecret::new("sandbox-secret");
    Application::at(endpoints, "sandbox-client", secret, REDIRECT).unwrap().with_pkce(Pkce::S256)
}

pub(crate) async fn start(sandbox: &Sandbox, store: &Arc<dyn Store>, clock: &Arc<dyn Clock>) -> Keap {
    let key = SealingKey::from_bytes(KEY);
    Keap::oauth(application(sandbox), store.clone(), key).clock(clock.clone()).start().await.unwrap()
}

/// Waits, in real time, until it is so.
#[expect(clippy::disallowed_methods, reason = "what other tasks do takes real time")]
pub(crate) async fn until<F: Future<Output = bool>>(is_it: impl Fn() -> F) {
    let waiting = async {
        while !is_it().await {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting).await.expect("it did not come true");
}

/// A database file as an application opens it.
pub(crate) struct Database {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) pool: SqlitePool,
}

impl Database {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let pool = Self::open(folder.path().join("app.db")).await;
        Self { folder, pool }
    }

    pub(crate) async fn open(path: PathBuf) -> SqlitePool {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full);
        SqlitePoolOptions::new().max_connections(1).connect_with(options).await.unwrap()
    }

    pub(crate) async fn store(&self) -> SqliteStore {
        SqliteStore::open(self.pool.clone()).await.unwrap()
    }
}

/// A world with an outbox and its worker.
pub(crate) struct Deliveries {
    pub(crate) world: World,
    pub(crate) database: Database,
    pub(crate) outbox: Outbox,
    pub(crate) linked: Arc<Linked>,
    worker: Option<Worker>,
}

/// Remembers what the application was told.
#[derive(Default)]
pub(crate) struct Linked(pub(crate) Mutex<Vec<(String, String)>>);

impl OnDelivered for Linked {
    fn contact_linked<'a>(
        &'a self,
        _: &'a mut SqliteConnection,
        person: &'a str,
        contact: &'a ContactId,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.0.lock().unwrap().push((person.to_owned(), contact.to_string()));
        Box::pin(async { Ok(()) })
    }
}

impl Deliveries {
    pub(crate) async fn new() -> Self {
        let deliveries = Self::not_connected().await;
        deliveries.world.connect("acme").await;
        deliveries
    }

    pub(crate) async fn not_connected() -> Self {
        let database = Database::new().await;
        let store = database.store().await;
        let world = World::with(Arc::new(store.clone())).await;
        let outbox = Outbox::new(&store, world.clock.clone());
        let linked = Arc::new(Linked::default());
        let mut deliveries = Self { world, database, outbox, linked, worker: None };
        deliveries.start();
        deliveries
    }

    pub(crate) fn start(&mut self) {
        let worker = Worker::start(self.outbox.clone(), self.world.keap.clone(), self.linked.clone());
        self.worker = Some(worker);
    }

    /// As a kill would: whatever it is doing is cut off.
    pub(crate) fn kill(&mut self) {
        self.worker.take().unwrap().abort();
    }

    pub(crate) async fn enqueue(&self, effect: &Effect) {
        let mut tx = self.database.pool.begin_with("BEGIN IMMEDIATE").await.unwrap();
        self.outbox.enqueue(&mut tx, effect).await.unwrap();
        tx.commit().await.unwrap();
        self.outbox.wake();
    }

    pub(crate) async fn sign_up(&self, person: &str, email: &str) {
        self.enqueue(&contact(person, email)).await;
    }

    pub(crate) async fn press(&self, person: &str) {
        self.enqueue(&tag(person)).await;
    }

    pub(crate) async fn all_done(&self, count: u64) {
        until(|| async { self.outbox.summary().await.unwrap().done == count }).await;
    }
}

pub(crate) fn contact(person: &str, email: &str) -> Effect {
    let contact = NewContact { email: email.into(), given_name: "Ann".into(), family_name: "Lee".into() };
    Effect::contact(person, contact)
}

pub(crate) fn tag(person: &str) -> Effect {
    Effect::tag(person, NewTag { name: "buttonpushed".into(), description: String::new() })
}

type Scripted = Result<http::Response<Bytes>, TransportError>;

/// Answers by a script, and remembers what was asked.
#[derive(Clone, Default)]
pub(crate) struct Script {
    answers: Arc<Mutex<Vec<Scripted>>>,
    asked: Arc<Mutex<Vec<http::Request<Bytes>>>>,
}

impl Script {
    pub(crate) fn then(self, status: u16, body: &str) -> Self {
        let answer = http::Response::builder().status(status).body(Bytes::from(body.to_owned())).unwrap();
        self.answers.lock().unwrap().push(Ok(answer));
        self
    }

    pub(crate) fn then_fails(self, error: TransportError) -> Self {
        self.answers.lock().unwrap().push(Err(error));
        self
    }

    pub(crate) fn asked(&self) -> Vec<http::Request<Bytes>> {
        self.asked.lock().unwrap().clone()
    }
}

impl Transport for Script {
    fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<'static, Result<http::Response<Bytes>, TransportError>> {
        self.asked.lock().unwrap().push(request);
        let mut answers = self.answers.lock().unwrap();
        let answer = if answers.is_empty() {
            Err(TransportError::not_sent("the script is over"))
        } else {
            answers.remove(0)
        };
        Box::pin(std::future::ready(answer))
    }
}

/// Sends as the real one, and remembers everything that came back.
#[derive(Clone)]
pub(crate) struct Tap {
    real: Arc<FreshConnections>,
    pub(crate) heard: Arc<Mutex<Vec<Bytes>>>,
}

impl Tap {
    pub(crate) fn new() -> Self {
        Self { real: Arc::new(FreshConnections::new().unwrap()), heard: Arc::default() }
    }
}

impl Transport for Tap {
    fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<'static, Result<http::Response<Bytes>, TransportError>> {
        let (real, heard) = (self.real.clone(), self.heard.clone());
        Box::pin(async move {
            let answer = real.send(request).await?;
            heard.lock().unwrap().push(answer.body().clone());
            Ok(answer)
        })
    }
}
