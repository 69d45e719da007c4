//! A sandbox, an application's database, a connection between them, and the panel on top.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use futures_util::future::BoxFuture;
use http::StatusCode;
use http::request::Parts;
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use keap_sandbox::{ClockMode, Decision, Sandbox, SandboxClock};
use keapsake::client::ContactId;
use keapsake::connection::status::{Phase, Status};
use keapsake::delivery::{Effect, NewContact, NewTag, OnDelivered, Outbox, Worker};
use keapsake::oauth::Pkce;
use keapsake::store::seal::SealingKey;
use keapsake::store::{SqliteStore, StoreError};
use keapsake::transport::OpensLate;
use keapsake::{ApiKey, Application, ClientSecret, Clock, Endpoints, Keap};
use keapsake_panel::{Admin, Gate, Panel};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sqlx::{AssertSqlSafe, SqliteConnection, SqlitePool};
use tower::ServiceExt as _;

use crate::page::Page;
use crate::visit::{Answer, Visit, get, post};
use crate::wire::Wire;

pub(crate) const MOUNT: &str = "/admin/keap";
pub(crate) const SESSION: &str = "session-1";
pub(crate) const CSRF: &str = "the-token-of-session-1";
pub(crate) const SECRET: &str = "sandbox-secret";
const DATABASE: &str = "app.db";
const JOURNAL: &str = "journal";
pub(crate) const HOUR: Duration = Duration::from_hours(1);
pub(crate) const DAY: Duration = Duration::from_hours(24);

/// The sandbox's clock as the SDK's.
struct OnSandboxTime(SandboxClock);

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

/// One administrator, as long as the session is live.
#[derive(Default)]
pub(crate) struct OneAdmin {
    is_gone: AtomicBool,
}

impl OneAdmin {
    pub(crate) fn logs_out(&self) {
        self.is_gone.store(true, Ordering::SeqCst);
    }

    pub(crate) fn logs_in(&self) {
        self.is_gone.store(false, Ordering::SeqCst);
    }
}

impl Gate for OneAdmin {
    fn admin(&self, request: &Parts) -> Option<Admin> {
        let session = request.headers.get("x-session")?.to_str().ok()?;
        (session == SESSION && !self.is_gone.load(Ordering::SeqCst))
            .then(|| Admin { session: session.to_owned(), csrf_token: CSRF.to_owned() })
    }

    fn is_live_admin<'a>(&'a self, session: &'a str) -> BoxFuture<'a, bool> {
        Box::pin(async move { session == SESSION && !self.is_gone.load(Ordering::SeqCst) })
    }
}

struct Nothing;

impl OnDelivered for Nothing {
    fn contact_linked<'a>(
        &'a self,
        _: &'a mut SqliteConnection,
        _: &'a str,
        _: &'a ContactId,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async { Ok(()) })
    }
}

pub(crate) struct World {
    pub(crate) sandbox: Sandbox,
    pub(crate) pool: SqlitePool,
    pub(crate) keap: Keap,
    pub(crate) outbox: Outbox,
    pub(crate) wire: Wire,
    pub(crate) gate: Arc<OneAdmin>,
    pub(crate) router: Router,
    /// Every answer the panel has given.
    pub(crate) answers: Mutex<Vec<Answer>>,
    store: SqliteStore,
    clock: Arc<dyn Clock>,
    worker: Option<Worker>,
    /// Of the database and the journal; it goes when this does.
    folder: tempfile::TempDir,
}

/// An authorization that was started by the button: where Keap sends the browser, and the browser's cookie.
pub(crate) struct Flow {
    pub(crate) query: String,
    pub(crate) cookie: String,
}

impl Flow {
    pub(crate) fn callback(&self) -> Visit {
        // As the browser does it with a strict session cookie: without the session.
        get(&format!("/callback?{}", self.query)).by_stranger().cookie(&self.cookie)
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with_secret(SECRET).await
    }

    pub(crate) async fn with_secret(secret: &str) -> Self {
        let sandbox = Sandbox::builder().clock(ClockMode::Manual).start().await.unwrap();
        let clock: Arc<dyn Clock> = Arc::new(OnSandboxTime(sandbox.clock()));
        let folder = tempfile::tempdir().unwrap();
        let (pool, store) = open(folder.path()).await;
        let wire = Wire::new();
        let journal = folder.path().join(JOURNAL);
        let keap = start(&sandbox, &store, &clock, &wire, secret, &journal).await;
        let outbox = Outbox::new(&store, clock.clone());
        let gate = Arc::new(OneAdmin::default());
        let router = mounted(panel(&keap, Some(&outbox), &gate));
        let answers = Mutex::default();
        let worker = None;
        Self { sandbox, pool, keap, outbox, wire, gate, router, answers, store, clock, worker, folder }
    }

    pub(crate) async fn connected() -> Self {
        let world = Self::new().await;
        world.connect("acme").await;
        world
    }

    pub(crate) fn panel(&self) -> Panel {
        panel(&self.keap, Some(&self.outbox), &self.gate)
    }

    /// Shows this panel from now on.
    pub(crate) fn mount(&mut self, panel: Panel) {
        self.router = mounted(panel);
    }

    /// Ends the program; what it knows is in the database and the journal.
    pub(crate) async fn stop(&mut self) {
        if let Some(worker) = self.worker.take() {
            worker.stop().await;
        }
        self.keap.stop().await;
        // Nothing of it is left that could hold its journal.
        let endpoints = Endpoints::under(self.sandbox.url()).unwrap();
        let key = ApiKey::new(self.sandbox.api_key());
        self.keap = Keap::api_key(key, endpoints).clock(self.clock.clone()).start().await.unwrap();
        self.mount(self.panel());
    }

    pub(crate) async fn start(&mut self, secret: &str) {
        let journal = self.journal();
        self.keap = start(&self.sandbox, &self.store, &self.clock, &self.wire, secret, &journal).await;
        self.mount(self.panel());
    }

    pub(crate) fn store(&self) -> &SqliteStore {
        &self.store
    }

    pub(crate) fn journal(&self) -> PathBuf {
        self.folder.path().join(JOURNAL)
    }

    /// As a backup does it while the program runs.
    pub(crate) async fn back_up(&self) -> PathBuf {
        let backup = self.folder.path().join("backup.db");
        let copy = format!("VACUUM INTO '{}'", backup.display());
        sqlx::query(AssertSqlSafe(copy)).execute(&self.pool).await.unwrap();
        backup
    }

    /// Puts it in the place of the database. The program has to be stopped.
    pub(crate) async fn restore(&mut self, backup: PathBuf) {
        self.pool.close().await;
        std::fs::rename(backup, self.folder.path().join(DATABASE)).unwrap();
        (self.pool, self.store) = open(self.folder.path()).await;
        self.outbox = Outbox::new(&self.store, self.clock.clone());
    }

    pub(crate) fn deliver(&mut self) {
        self.worker = Some(Worker::start(self.outbox.clone(), self.keap.clone(), Arc::new(Nothing)));
    }

    pub(crate) async fn send(&self, visit: Visit) -> Answer {
        let response = self.router.clone().oneshot(visit.request()).await.unwrap();
        let (head, body) = response.into_parts();
        let body = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        let Visit { method, path, .. } = visit;
        let answer = Answer { method, path, status: head.status, headers: head.headers, body };
        answer.assert_sound();
        self.answers.lock().unwrap().push(answer.clone());
        answer
    }

    pub(crate) async fn overview(&self) -> Page {
        let answer = self.send(get("")).await;
        assert_eq!(answer.status, StatusCode::OK);
        answer.page()
    }

    pub(crate) async fn status_json(&self) -> serde_json::Value {
        let answer = self.send(get("/status.json")).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        serde_json::from_str(&answer.body).unwrap()
    }

    /// The page in this phase, once it is reached.
    pub(crate) async fn page_in(&self, phase: &str) -> Page {
        self.reaches(phase).await;
        let page = self.overview().await;
        assert_eq!(page.phase(), phase);
        assert_eq!(self.status_json().await["phase"], phase);
        page
    }

    pub(crate) async fn reaches(&self, phase: &str) {
        let deadline = std::time::Instant::now() + Duration::from_secs(30);
        while self.keap.status().phase.word() != phase {
            let status = self.keap.status();
            assert!(
                std::time::Instant::now() < deadline,
                "{phase} is not reached: {status:?} {:?} {:?}",
                self.keap.diagnosis().await,
                self.keap.history(3).await
            );
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Presses Connect and decides at Keap.
    pub(crate) async fn consent(&self, account: &str, decision: Decision) -> Flow {
        let answer = self.send(post("/connect")).await;
        self.consent_to(&answer, account, decision).await
    }

    pub(crate) async fn consent_to(&self, connect: &Answer, account: &str, decision: Decision) -> Flow {
        assert_eq!(connect.status, StatusCode::SEE_OTHER);
        let cookie = connect.set_cookie().unwrap().split(';').next().unwrap().to_owned();
        let back = self.sandbox.consent(connect.location(), account, decision).await.unwrap();
        Flow { query: back.split_once('?').unwrap().1.to_owned(), cookie }
    }

    /// As an administrator does it in a browser.
    pub(crate) async fn connect(&self, account: &str) {
        let flow = self.consent(account, Decision::Allow).await;
        let answer = self.send(flow.callback()).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/admin/keap/return"));
    }

    /// Waits until what was due is done, so that the clock is not moved in the middle of it.
    pub(crate) async fn comes_to_rest(&self) {
        until(|| async { is_at_rest(&self.keap.status()) }).await;
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.sandbox.clock().advance(by);
    }

    /// How often the token endpoint was asked.
    pub(crate) fn token_requests(&self) -> usize {
        self.sandbox.requests().iter().filter(|request| request.path == "/token").count()
    }

    pub(crate) async fn enqueue(&self, effect: &Effect) {
        let mut tx = self.pool.begin().await.unwrap();
        self.outbox.enqueue(&mut tx, effect).await.unwrap();
        tx.commit().await.unwrap();
        self.outbox.wake();
    }

    /// Everything that can change: the whole database, and what is known in memory.
    pub(crate) async fn everything(&self) -> String {
        // Alarms are told in the background, whoever visits: to the log and to the metrics.
        until(|| async { self.column(UNTOLD).await.is_empty() }).await;
        let mut all = format!("{:?}\n{:?}\n", self.keap.status(), self.outbox.summary().await.unwrap());
        let tables = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name";
        for table in self.column(tables).await {
            let columns = self.column(&format!("SELECT name FROM pragma_table_info('{table}')")).await;
            let columns: Vec<_> = columns.iter().map(|name| format!("quote(\"{name}\")")).collect();
            let rows = format!("SELECT {} FROM \"{table}\"", columns.join(" || ',' || "));
            all += &[vec![table], self.column(&rows).await].concat().join("\n");
        }
        all
    }

    async fn column(&self, sql: &str) -> Vec<String> {
        sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&self.pool).await.unwrap()
    }
}

fn panel(keap: &Keap, outbox: Option<&Outbox>, gate: &Arc<OneAdmin>) -> Panel {
    Panel::new(keap.clone(), outbox.cloned(), gate.clone(), MOUNT)
        .application("Testament")
        .back("/", "Back to the start")
        .icon("/icon.svg")
}

pub(crate) fn mounted(panel: Panel) -> Router {
    Router::new().nest(MOUNT, panel.router())
}

async fn open(folder: &Path) -> (SqlitePool, SqliteStore) {
    let file = SqliteConnectOptions::new().filename(folder.join(DATABASE)).create_if_missing(true);
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(file).await.unwrap();
    let store = SqliteStore::open(pool.clone()).await.unwrap();
    (pool, store)
}

async fn start(
    sandbox: &Sandbox,
    store: &SqliteStore,
    clock: &Arc<dyn Clock>,
    wire: &Wire,
    secret: &str,
    journal: &Path,
) -> Keap {
    let endpoints = Endpoints::under(sandbox.url()).unwrap();
    let redirect = "http://127.0.0.1:8080/admin/keap/callback";
    let application = Application::at(endpoints, "sandbox-client", ClientSecret::new(secret), redirect);
    let application = application.unwrap().with_pkce(Pkce::S256);
    Keap::oauth(application, Arc::new(store.clone()), SealingKey::from_bytes([7; 32]))
        .clock(clock.clone())
        .journal(journal)
        .token_transport(Arc::new(OpensLate::new(wire.clone())))
        .start()
        .await
        .unwrap()
}

/// Nothing is due or on its way.
fn is_at_rest(status: &Status) -> bool {
    let is_over = matches!(status.phase, Phase::NeedsReconnect { .. });
    is_over || status.times.is_some_and(|times| times.refresh_at > status.now)
}

pub(crate) fn contact(person: &str, email: &str) -> Effect {
    let contact = NewContact { email: email.into(), given_name: "Ann".into(), family_name: "Lee".into() };
    Effect::contact(person, contact)
}

pub(crate) fn tag(person: &str, name: &str) -> Effect {
    Effect::tag(person, NewTag { name: name.into(), description: String::new() })
}

/// Waits, in real time, until it is so.
/// Alarms that not all channels have been told.
const UNTOLD: &str = "SELECT condition FROM keapsake_alarm AS raised WHERE condition NOT LIKE '%@%' AND 2 >
    (SELECT count(*) FROM keapsake_alarm AS told
     WHERE told.connection = raised.connection AND told.condition LIKE raised.condition || '@%')";

pub(crate) async fn until<F: Future<Output = bool>>(is_it: impl Fn() -> F) {
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    while !is_it().await {
        assert!(std::time::Instant::now() < deadline, "it did not come true");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
