//! A PostgreSQL server for the tests: the one that `KEAPSAKE_TEST_POSTGRES` names or that runs on this machine, otherwise
//! one that is started for them. Without any, the tests fail and say what to install.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::str::FromStr as _;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Executor as _, PgConnection, PgPool};
use tokio::sync::OnceCell;
use uuid::Uuid;

const DEFAULT: &str = "postgres://postgres@127.0.0.1:5432/test";

/// Makes a cluster, runs it until its input ends (with this process, however it ends), and removes it.
const PRIVATE_CLUSTER: &str = r#"
    set -e
    dir=$(mktemp -d)
    trap 'rm -rf "$dir"' EXIT
    "$1/initdb" -D "$dir/data" -A trust -U postgres -E UTF8 --no-sync >"$dir/log" 2>&1
    "$1/postgres" -D "$dir/data" -k "$dir" -c listen_addresses= -c max_connections=200 >>"$dir/log" 2>&1 &
    until "$1/pg_isready" -q -h "$dir"; do kill -0 $! && sleep 0.1; done
    echo "$dir"
    cat >/dev/null
    kill -INT $!
    wait
"#;

static SERVER: OnceCell<Server> = OnceCell::const_new();

struct Server {
    options: PgConnectOptions,
    /// Ends with its input.
    _started: Option<Child>,
}

/// Where the server is, as its superuser.
pub(crate) async fn options() -> PgConnectOptions {
    SERVER.get_or_init(find).await.options.clone()
}

#[expect(clippy::disallowed_methods, reason = "tests are told by the environment")]
async fn find() -> Server {
    let named = std::env::var("KEAPSAKE_TEST_POSTGRES").ok();
    let options = PgConnectOptions::from_str(named.as_deref().unwrap_or(DEFAULT)).unwrap();
    match (answers(&options).await, named) {
        (Ok(()), _) => Server { options, _started: None },
        (Err(error), Some(_)) => {
            panic!("the server that KEAPSAKE_TEST_POSTGRES names does not answer: {error}")
        }
        (Err(_), None) => start().await,
    }
}

async fn answers(options: &PgConnectOptions) -> sqlx::Result<()> {
    let asked = tokio::time::timeout(Duration::from_secs(10), options.connect()).await;
    asked.map_err(|_| sqlx::Error::PoolTimedOut)?.map(|_| ())
}

async fn start() -> Server {
    let programs = programs().expect(
        "the tests need a PostgreSQL server: start one on 127.0.0.1:5432 with a database `test`, name one in \
         KEAPSAKE_TEST_POSTGRES, or install one for the tests to start (`apt-get install postgresql`)",
    );
    let mut script = as_postgres();
    script
        .args(["sh", "-c", PRIVATE_CLUSTER, "sh"])
        .arg(programs)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut started = script.spawn().expect("a shell starts");
    let said = BufReader::new(started.stdout.take().unwrap());
    let folder = tokio::task::spawn_blocking(|| said.lines().next()).await.unwrap();
    let folder = folder.expect("PostgreSQL did not start; see if `initdb` works for this user").unwrap();
    let options = PgConnectOptions::new().socket(folder).username("postgres").database("postgres");
    Server { options, _started: Some(started) }
}

/// The newest that is installed.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let versions = versions.filter_map(|version| Some(version.ok()?.path().join("bin")));
    versions.filter(|folder| folder.join("initdb").exists()).max()
}

/// PostgreSQL does not run as root.
fn as_postgres() -> Command {
    use std::os::unix::fs::MetadataExt as _;
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    if !is_root {
        return Command::new("env");
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]);
    command
}

/// A schema that nobody else uses; gone with this value, as is a role that was made with its name and `_role`.
pub(crate) struct Schema {
    name: String,
    server: PgConnectOptions,
}

impl Schema {
    pub(crate) async fn new() -> Self {
        let schema = Self { name: format!("keapsake_{}", Uuid::new_v4().simple()), server: options().await };
        schema.admin(&format!("CREATE SCHEMA {}", schema.name)).await;
        schema
    }

    /// A way to the server on which the schema is the only one.
    pub(crate) fn options(&self) -> PgConnectOptions {
        self.server.clone().application_name(&self.name).options([("search_path", self.name.as_str())])
    }

    /// A pool as a process has it.
    pub(crate) async fn pool(&self) -> PgPool {
        pool(self.options()).await
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Does something as the superuser.
    pub(crate) async fn admin(&self, statements: &str) {
        execute(&mut self.options().connect().await.unwrap(), statements).await;
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        at_the_end(async move {
            let mut connection = server.connect().await.unwrap();
            let cut = format!(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE '{name}%';"
            );
            execute(&mut connection, &cut).await;
            let gone = format!("DROP SCHEMA {name} CASCADE; DROP ROLE IF EXISTS {name}_role");
            execute(&mut connection, &gone).await;
        });
    }
}

/// A database that nobody else uses; gone with this value, as is a role that was made with its name and `_role`.
pub(crate) struct Database {
    pub(crate) name: String,
    server: PgConnectOptions,
}

impl Database {
    /// A new one, or a copy of another (to which nobody may be connected then).
    pub(crate) async fn new(template: Option<&Self>) -> Self {
        let database =
            Self { name: format!("keapsake_{}", Uuid::new_v4().simple()), server: options().await };
        let template = template.map_or("template0", |template| &template.name);
        let mut connection = database.server.connect().await.unwrap();
        execute(&mut connection, &format!("CREATE DATABASE {} TEMPLATE {template}", database.name)).await;
        database
    }

    pub(crate) fn options(&self) -> PgConnectOptions {
        self.server.clone().database(&self.name)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        at_the_end(async move {
            let mut connection = server.connect().await.unwrap();
            execute(&mut connection, &format!("DROP DATABASE {name} WITH (FORCE)")).await;
            execute(&mut connection, &format!("DROP ROLE IF EXISTS {name}_role")).await;
        });
    }
}

pub(crate) async fn pool(options: PgConnectOptions) -> PgPool {
    PgPoolOptions::new().max_connections(4).connect_with(options).await.unwrap()
}

pub(crate) async fn execute(connection: &mut PgConnection, statements: &str) {
    connection.execute(AssertSqlSafe(statements.to_owned())).await.unwrap();
}

/// Also when the test fails, and from within its runtime.
fn at_the_end(work: impl Future<Output = ()> + Send + 'static) {
    let run = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work);
    // A server that is gone takes its schemas along.
    let _ = std::thread::spawn(run).join();
}
