//! PostgreSQL: several machines, and a server that has its own troubles.

use std::sync::Arc;
use std::time::Duration;

use keapsake::connection::ConnectionId;
use keapsake::store::{LONGEST_LEASE, Lease, PostgresStore, Revision, Store, Swap, Tokens, conformance};
use sqlx::ConnectOptions as _;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use uuid::Uuid;

use super::server::{Database, Schema, execute, options, pool};
use super::{connection, forgets_old_entries, hears_of_changes, refuses_empty_secrets, touch, wait, write};

async fn store(schema: &Schema) -> PostgresStore {
    PostgresStore::open(schema.pool().await).await.unwrap()
}

/// In a database of its own: what is told of a change is heard in all schemas of a database.
async fn alone(database: &Database) -> PostgresStore {
    PostgresStore::open(pool(database.options()).await).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_keeps_the_contract() {
    let schema = Schema::new().await;
    let (one, other) = (store(&schema).await, store(&schema).await);
    conformance::check_shared(Arc::new(one), Arc::new(other)).await.unwrap();
}

/// Where every transaction is serializable by default, those that lose are undone and have to be tried again.
#[tokio::test(flavor = "multi_thread")]
async fn postgres_keeps_the_contract_where_transactions_are_undone() {
    let schema = Schema::new().await;
    let strict = schema.options().options([("default_transaction_isolation", "serializable")]);
    let one = PostgresStore::open(pool(strict.clone()).await).await.unwrap();
    let other = PostgresStore::open(pool(strict).await).await.unwrap();
    conformance::check_shared(Arc::new(one), Arc::new(other)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_processes_that_start_at_once_all_start() {
    let schema = Schema::new().await;
    let starts = (0..50).map(|_| {
        let options = schema.options();
        tokio::spawn(async move {
            let one = PgPoolOptions::new().max_connections(1).connect_with(options).await.unwrap();
            let store = PostgresStore::open(one).await?;
            store.identity().await
        })
    });
    for start in starts.collect::<Vec<_>>() {
        assert_eq!(start.await.unwrap().unwrap(), None);
    }
}

#[tokio::test]
async fn postgres_forgets_old_entries() {
    let schema = Schema::new().await;
    forgets_old_entries(&store(&schema).await).await;
}

#[tokio::test]
async fn postgres_refuses_empty_secrets() {
    let schema = Schema::new().await;
    refuses_empty_secrets(&store(&schema).await).await;
}

#[tokio::test]
async fn postgres_hears_of_what_another_process_wrote() {
    let database = Database::new(None).await;
    hears_of_changes(&alone(&database).await, &alone(&database).await).await;
}

#[tokio::test]
async fn postgres_lets_no_lease_outlast_a_clock_that_was_moved_back() {
    let schema = Schema::new().await;
    let store = store(&schema).await;
    let id = connection(&store).await;
    assert_eq!(store.lease(&id, Uuid::from_u128(1), LONGEST_LEASE).await.unwrap(), Lease::Held);
    schema.admin("UPDATE keapsake_connection SET lease_until = lease_until + 60000").await;
    assert_eq!(store.lease(&id, Uuid::from_u128(2), LONGEST_LEASE).await.unwrap(), Lease::Held);
}

#[tokio::test]
async fn a_server_that_could_forget_is_refused() {
    let schema = Schema::new().await;
    let hasty = schema.options().options([("synchronous_commit", "off")]);
    let error = PostgresStore::open(pool(hasty).await).await.map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("synchronous_commit=off"), "{error}");
}

#[tokio::test]
async fn a_server_on_another_machine_is_not_even_asked_without_certificate() {
    // No such host: the refusal comes before anything is looked up.
    let error = PostgresStore::connect("postgres://app:hunter2@db.invalid/app?sslmode=require").await;
    let words = error.map(|_| ()).unwrap_err().to_string();
    assert!(words.contains("sslmode=verify-full") && !words.contains("hunter2"), "{words}");
    let error = PostgresStore::connect("postgres://app:hun:ter2@db:x/app").await;
    let words = error.map(|_| ()).unwrap_err().to_string();
    assert!(words.contains("cannot be read") && !words.contains("ter2"), "{words}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_an_error_in_words() {
    let error =
        PostgresStore::connect("postgres://app:hunter2@127.0.0.1:1/app").await.map(|_| ()).unwrap_err();
    let words = error.to_string();
    assert!(words.contains("can be reached") && !words.contains("hunter2"), "{words}");
}

#[tokio::test]
async fn tables_of_a_newer_version_are_refused() {
    let schema = Schema::new().await;
    let _store = store(&schema).await;
    schema.admin("UPDATE _keapsake_migrations SET version = 9999").await;
    let error = PostgresStore::open(schema.pool().await).await.map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("newer version"), "{error}");
}

/// Once the tables are there, a role that may create nothing is enough.
#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_may_create_nothing_keeps_the_contract() {
    let schema = Schema::new().await;
    let _creator = store(&schema).await;
    let (name, role) = (schema.name(), format!("{}_role", schema.name()));
    let rights = format!(
        "CREATE ROLE {role} LOGIN; GRANT USAGE ON SCHEMA {name} TO {role};
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {name} TO {role};"
    );
    schema.admin(&rights).await;
    let store = PostgresStore::open(pool(schema.options().username(&role)).await).await;
    conformance::check(Arc::new(store.unwrap())).await.unwrap();
}

#[tokio::test]
async fn a_copied_database_is_another_copy() {
    let database = Database::new(None).await;
    let home = incarnation(database.options()).await;
    assert!(home.starts_with("pg:") && !home.contains('-'), "{home}");
    assert_eq!(incarnation(database.options()).await, home, "the data stays where it is");

    let copy = Database::new(Some(&database)).await;
    assert_ne!(incarnation(copy.options()).await, home, "another database of the same cluster");

    let mut connection = database.options().connect().await.unwrap();
    execute(&mut connection, "VACUUM FULL keapsake_identity").await;
    assert_eq!(incarnation(database.options()).await, home, "tidying up moves nothing");
    let reloaded = "ALTER TABLE keapsake_identity RENAME TO old; CREATE TABLE keapsake_identity (LIKE old INCLUDING ALL);
        DROP TABLE old";
    execute(&mut connection, reloaded).await;
    assert_ne!(incarnation(database.options()).await, home, "a dump was loaded over it");
}

#[tokio::test]
async fn a_role_that_may_not_ask_for_the_cluster_still_tells_copies() {
    let database = Database::new(None).await;
    let _home = incarnation(database.options()).await;
    let role = format!("{}_role", database.name);
    let mut connection = database.options().connect().await.unwrap();
    let rights = format!(
        "CREATE ROLE {role} LOGIN; REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC;
         REVOKE EXECUTE ON FUNCTION pg_current_wal_lsn() FROM PUBLIC;
         GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}"
    );
    execute(&mut connection, &rights).await;
    let told = incarnation(database.options().username(&role)).await;
    let again = incarnation(database.options().username(&role)).await;
    assert!(told.starts_with("pg:-/-/") && told.contains('.'), "{told}");
    assert_eq!(again, told);
}

/// Leaves no connection behind: a database that is copied must have none.
async fn incarnation(options: PgConnectOptions) -> String {
    let store = PostgresStore::open(pool(options).await).await.unwrap();
    let incarnation = store.incarnation().await.unwrap();
    store.pool().close().await;
    incarnation
}

#[tokio::test]
async fn a_row_that_another_program_holds_is_an_error_and_not_a_standstill() {
    let schema = Schema::new().await;
    let store = PostgresStore::open(limited(schema.options()).await).await.unwrap();
    let id = connection(&store).await;
    let mut holder = schema.options().connect().await.unwrap();
    execute(&mut holder, "BEGIN; LOCK TABLE keapsake_connection").await;

    let swap = store.swap(&id, Some(Revision::FIRST), write(Tokens::Keep));
    let error = within(Duration::from_secs(9), swap).await.unwrap_err();
    assert!(error.to_string().contains("holds the database for long"), "{error}");
    execute(&mut holder, "ROLLBACK").await;
    let swap = store.swap(&id, Some(Revision::FIRST), write(Tokens::Keep)).await.unwrap();
    assert_eq!(swap, Swap::Done, "nothing was written, and it goes on");
}

/// With the limits that `PostgresStore::connect` sets; it takes an address, in which a schema is hard to name.
async fn limited(options: PgConnectOptions) -> sqlx::PgPool {
    pool(options.options([("lock_timeout", "2s"), ("statement_timeout", "4s")])).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_hangs_is_an_error_and_not_a_standstill() {
    let schema = Schema::new().await;
    let way = Way::to(&schema).await;
    let store = PostgresStore::open(pool(way.options()).await).await.unwrap();
    let id = connection(&store).await;

    way.block(true);
    let load = within(Duration::from_secs(25), store.load(&id)).await;
    assert!(load.unwrap_err().to_string().contains("did not answer in time"));
    way.block(false);
    let again = within(Duration::from_secs(25), async { while store.load(&id).await.is_err() {} });
    again.await;
}

#[tokio::test]
async fn a_server_that_restarts_is_found_again() {
    let database = Database::new(None).await;
    let (here, elsewhere) = (alone(&database).await, alone(&database).await);
    hears_of_changes(&here, &elsewhere).await;
    let id = connection(&elsewhere).await;
    nothing_more_comes(&here).await;

    // Also the connection that listens is cut off.
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()";
    execute(&mut database.options().connect().await.unwrap(), cut).await;
    assert!(within(Duration::from_secs(9), here.load(&id)).await.unwrap().is_some());
    within(Duration::from_secs(9), here.changes()).await;
    nothing_more_comes(&here).await;
    let heard = async { tokio::join!(here.changes(), touch(&elsewhere, &id)) };
    within(Duration::from_secs(4), heard).await;
}

/// Whoever waits hears, also when the one who listened for all is gone.
#[tokio::test]
async fn all_who_wait_hear_of_a_change() {
    let database = Database::new(None).await;
    let (here, elsewhere) = (alone(&database).await, alone(&database).await);
    hears_of_changes(&here, &elsewhere).await;
    let id = connection(&elsewhere).await;
    nothing_more_comes(&here).await;

    let waits = || {
        let here = here.clone();
        tokio::spawn(async move { here.changes().await })
    };
    let first = waits();
    let others: Vec<_> = (0..5).map(|_| waits()).collect();
    wait(Duration::from_millis(200)).await;
    first.abort();
    wait(Duration::from_millis(200)).await;
    assert!(others.iter().all(|waiting| !waiting.is_finished()), "nothing has changed yet");
    touch(&elsewhere, &id).await;
    for waiting in others {
        within(Duration::from_secs(4), waiting).await.unwrap();
    }
}

async fn nothing_more_comes(store: &PostgresStore) {
    while tokio::time::timeout(Duration::from_millis(300), store.changes()).await.is_ok() {}
}

#[tokio::test]
async fn an_address_is_all_it_needs() {
    let server = options().await;
    let database = Database::new(None).await;
    let host =
        server.get_socket().map_or(server.get_host().to_owned(), |socket| socket.display().to_string());
    let host = host.replace('/', "%2F");
    let (user, port, name) = (server.get_username(), server.get_port(), &database.name);
    let store = PostgresStore::connect(&format!("postgres://{user}@{host}:{port}/{name}")).await.unwrap();
    let id = ConnectionId::main();
    assert_eq!(store.swap(&id, None, write(Tokens::Keep)).await.unwrap(), Swap::Done);
    let limit: String = sqlx::query_scalar("SHOW lock_timeout").fetch_one(store.pool()).await.unwrap();
    assert_eq!(limit, "5s");
}

async fn within<T>(length: Duration, work: impl Future<Output = T>) -> T {
    tokio::time::timeout(length, work).await.expect("it came to a standstill")
}

/// A way to the server that can be blocked, as by a cable that is pulled: nobody is told.
struct Way {
    options: PgConnectOptions,
    blocked: watch::Sender<bool>,
}

impl Way {
    async fn to(schema: &Schema) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let blocked = watch::Sender::new(false);
        let server = schema.options();
        tokio::spawn(accept(listener, server.clone(), blocked.subscribe()));
        Self { options: over_tcp(server).host("127.0.0.1").port(port), blocked }
    }

    fn options(&self) -> PgConnectOptions {
        self.options.clone()
    }

    fn block(&self, is_blocked: bool) {
        self.blocked.send_replace(is_blocked);
    }
}

/// A socket, once named, is preferred to every host; the server that was started for the tests wants no password.
fn over_tcp(server: PgConnectOptions) -> PgConnectOptions {
    if server.get_socket().is_none() {
        return server;
    }
    let plain =
        PgConnectOptions::new().username(server.get_username()).database(server.get_database().unwrap());
    let search_path = server.get_options().unwrap().split_once('=').unwrap().1;
    plain.options([("search_path", search_path)])
}

async fn accept(listener: TcpListener, server: PgConnectOptions, blocked: watch::Receiver<bool>) {
    while let Ok((client, _)) = listener.accept().await {
        tokio::spawn(carry(client, server.clone(), blocked.clone()));
    }
}

async fn carry(client: TcpStream, server: PgConnectOptions, blocked: watch::Receiver<bool>) {
    let (from_client, to_client) = client.into_split();
    if let Some(folder) = server.get_socket() {
        let socket = folder.join(format!(".s.PGSQL.{}", server.get_port()));
        let (from_server, to_server) = tokio::net::UnixStream::connect(socket).await.unwrap().into_split();
        tokio::join!(pump(from_client, to_server, blocked.clone()), pump(from_server, to_client, blocked));
    } else {
        let address = (server.get_host(), server.get_port());
        let (from_server, to_server) = TcpStream::connect(address).await.unwrap().into_split();
        tokio::join!(pump(from_client, to_server, blocked.clone()), pump(from_server, to_client, blocked));
    }
}

async fn pump(
    mut from: impl tokio::io::AsyncRead + Unpin,
    mut to: impl tokio::io::AsyncWrite + Unpin,
    mut blocked: watch::Receiver<bool>,
) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut bytes = [0; 8192];
    loop {
        let Ok(count @ 1..) = from.read(&mut bytes).await else { return };
        if blocked.wait_for(|blocked| !blocked).await.is_err() || to.write_all(&bytes[..count]).await.is_err()
        {
            return;
        }
    }
}
