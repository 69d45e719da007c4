//! Both databases understand every statement, and answer the frequent ones from an index.

use sqlx::sqlite::SqlitePoolOptions;
use sqlx::{
    AssertSqlSafe, Executor as _, PgConnection, Postgres, Row as _, SqlSafeStr as _, Sqlite, SqlitePool,
};

use super::*;
use crate::store::{PostgresStore, SqliteStore};

#[path = "../../../tests/keapsake/stores/server.rs"]
#[allow(dead_code, reason = "the tests of the whole crate use the rest")]
mod server;

async fn in_memory() -> SqlitePool {
    let pool = SqlitePoolOptions::new().max_connections(1).connect("sqlite::memory:").await.unwrap();
    SqliteStore::open(pool).await.unwrap().pool().clone()
}

fn statements<E: Engine>() -> impl Iterator<Item = &'static str> {
    say::ALL.into_iter().chain([E::LEASE, E::LEASE_LEFT]).chain(E::TELL)
}

#[tokio::test]
async fn sqlite_understands_every_statement() {
    let mut connection = in_memory().await.acquire().await.unwrap();
    for statement in statements::<Sqlite>() {
        connection
            .prepare(statement.into_sql_str())
            .await
            .unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
}

#[tokio::test]
async fn postgres_understands_every_statement() {
    let schema = server::Schema::new().await;
    let store = PostgresStore::open(schema.pool().await).await.unwrap();
    let mut connection = store.pool().acquire().await.unwrap();
    for statement in statements::<Postgres>() {
        connection
            .prepare(statement.into_sql_str())
            .await
            .unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
}

/// A hundred thousand connections, of which each has been refreshed and every tenth is leased.
const CROWD: [&str; 2] = [
    "INSERT INTO keapsake_connection (id, revision, lineage, generation, record, due_at, lease_owner, lease_until)
     SELECT 'c' || n, 1, 1, 1, '{}', CASE WHEN n % 3 = 0 THEN NULL ELSE (n * 7919) % 100003 END,
            CASE WHEN n % 10 = 0 THEN 'owner ' || n % 7 END, CASE WHEN n % 10 = 0 THEN n END FROM numbers",
    "INSERT INTO keapsake_history (id, connection, kind, lineage, generation, started_at, ended_at, outcome, words)
     SELECT 'e' || n, 'c' || n % 1000, 'refresh', 1, n, n, n, 'done', '' FROM numbers",
];

/// What is asked all the time, with values, and the index that has to answer it.
const FREQUENT: [(&str, &str); 6] = [
    (say::DUE, "keapsake_connection_due"),
    (say::CONNECTIONS, "keapsake_connection"),
    (say::RELEASE_ALL, "keapsake_connection_leased"),
    (say::OPEN_ENTRIES, "keapsake_history_open"),
    (say::HISTORY, "keapsake_history_by_connection"),
    (say::LOAD, "keapsake_connection"),
];

/// The statement with values in the place of `$1` and `$2`.
fn filled(statement: &str) -> String {
    let numeric = statement.contains("LIMIT $1");
    let filled = statement.replace("$1", if numeric { "20" } else { "'c500'" });
    filled.replace("$2", "20")
}

#[tokio::test]
async fn sqlite_answers_from_an_index() {
    let pool = in_memory().await;
    for fill in CROWD {
        let numbers =
            "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 100000)";
        pool.execute(AssertSqlSafe(format!("{numbers} {fill}"))).await.unwrap();
    }
    for (statement, index) in FREQUENT {
        let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {}", filled(statement)));
        let plan = sqlx::query(explain).fetch_all(&pool).await.unwrap();
        let plan: Vec<String> = plan.iter().map(|step| step.get("detail")).collect();
        let plan = plan.join("\n");
        assert!(plan.contains("INDEX") && plan.contains(index), "{statement}\n{plan}");
        assert!(!plan.contains("TEMP B-TREE"), "it is sorted by the index: {statement}\n{plan}");
    }
}

#[tokio::test]
async fn postgres_answers_from_an_index() {
    let schema = server::Schema::new().await;
    let store = PostgresStore::open(schema.pool().await).await.unwrap();
    let mut connection = store.pool().acquire().await.unwrap();
    for fill in CROWD {
        let numbers = "WITH numbers (n) AS (SELECT generate_series(1, 100000))";
        server::execute(&mut connection, &format!("{numbers} {fill}")).await;
    }
    server::execute(&mut connection, "ANALYZE keapsake_connection; ANALYZE keapsake_history").await;
    for (statement, index) in FREQUENT {
        let plan = explain(&mut connection, statement).await;
        assert!(plan.contains("Index") && plan.contains(index), "{statement}\n{plan}");
        assert!(!plan.contains("Seq Scan") && !plan.contains("Sort"), "{statement}\n{plan}");
    }
}

async fn explain(connection: &mut PgConnection, statement: &str) -> String {
    let explain = AssertSqlSafe(format!("EXPLAIN {}", filled(statement)));
    let plan = sqlx::query(explain).fetch_all(connection).await.unwrap();
    let plan: Vec<String> = plan.iter().map(|step| step.get(0)).collect();
    plan.join("\n")
}
