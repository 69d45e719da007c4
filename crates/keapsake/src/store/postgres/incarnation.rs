//! Which physical copy of the data this is.
//!
//! `pg:<system>/<timeline>/<database>.<table>`: the identifier of the cluster, which another cluster does not have; its
//! timeline, which moves on when a backup is restored or a standby takes over; and the numbers of the database and of
//! the identity's table, which are others after a dump was loaded into the same cluster. A part that the role may not ask for
//! is `-`: the others still tell most copies. (Granting or revoking that right later looks like a copy.)

use sqlx::PgConnection;

const SYSTEM: &str = "SELECT CAST(system_identifier AS TEXT) FROM pg_control_system()";

/// The first eight digits of a log file's name. The control file would know the timeline only some time later.
const TIMELINE: &str = "SELECT ltrim(left(pg_walfile_name(pg_current_wal_lsn()), 8), '0')";

const TABLE: &str = "SELECT d.oid || '.' || CAST(to_regclass('keapsake_identity') AS oid) FROM pg_database d
    WHERE d.datname = current_database()";

/// Not allowed, or not known to this kind of server.
const CANNOT_TELL: [&str; 3] = ["42501", "0A000", "42883"];

pub(super) async fn read(connection: &mut PgConnection) -> sqlx::Result<String> {
    let system = ask(connection, SYSTEM).await?;
    let timeline = ask(connection, TIMELINE).await?;
    let table = ask(connection, TABLE).await?;
    Ok(format!("pg:{system}/{timeline}/{table}"))
}

async fn ask(connection: &mut PgConnection, question: &'static str) -> sqlx::Result<String> {
    match sqlx::query_scalar(question).fetch_one(connection).await {
        Err(sqlx::Error::Database(refusal))
            if refusal.code().is_some_and(|code| CANNOT_TELL.contains(&&*code)) =>
        {
            Ok("-".into())
        }
        answer => answer,
    }
}
