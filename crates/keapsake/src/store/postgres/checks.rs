//! What has to be so before a database is trusted with tokens.

use std::net::IpAddr;

use sqlx::PgConnection;
use sqlx::postgres::{PgConnectOptions, PgSslMode};

use super::super::StoreError;
use super::trouble;

/// Nobody must be able to listen, or to pose as the server, on the way to it.
pub(super) fn transport(options: &PgConnectOptions) -> Result<(), StoreError> {
    if is_local(options) || matches!(options.get_ssl_mode(), PgSslMode::VerifyFull) {
        return Ok(());
    }
    Err(StoreError::new(format!(
        "the database is on another machine ({}), and the connection to it is not checked against a certificate, so \
         others could read and change what is sent. Add `sslmode=verify-full` to its address (and `sslrootcert=` with \
         the file of the certificate authority if it is a private one), or connect over a Unix socket or the \
         loopback address",
        options.get_host()
    )))
}

fn is_local(options: &PgConnectOptions) -> bool {
    let host = options.get_host().trim_start_matches('[').trim_end_matches(']');
    options.get_socket().is_some()
        || host.starts_with('/')
        || host == "localhost"
        || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

/// What was acknowledged must be there after a power cut.
pub(super) async fn durability(connection: &mut PgConnection) -> Result<(), StoreError> {
    for setting in ["synchronous_commit", "fsync"] {
        let value: String = sqlx::query_scalar("SELECT current_setting($1)")
            .bind(setting)
            .fetch_one(&mut *connection)
            .await
            .map_err(trouble)?;
        if value == "off" {
            return Err(StoreError::new(format!(
                "the database runs with `{setting}=off`, which can forget a saved token when the power fails; set it \
                 to `on` (for this role alone: `ALTER ROLE ... SET synchronous_commit = on`)"
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_refused(url: &str) -> bool {
        transport(&url.parse().unwrap()).is_err()
    }

    #[test]
    fn a_way_on_which_others_could_listen_is_refused() {
        for url in [
            "postgres://db.example.com/app",
            "postgres://db.example.com/app?sslmode=disable",
            "postgres://db.example.com/app?sslmode=prefer",
            "postgres://db.example.com/app?sslmode=require",
            "postgres://db.example.com/app?sslmode=verify-ca",
            "postgres://10.0.0.7/app",
            "postgres://localhost.example.com/app",
            "postgres://[2001:db8::1]/app",
        ] {
            assert!(is_refused(url), "{url}");
        }
    }

    #[test]
    fn a_way_that_is_checked_or_stays_on_the_machine_is_taken() {
        for url in [
            "postgres://db.example.com/app?sslmode=verify-full",
            "postgres://localhost/app",
            "postgres://127.0.0.1:5432/app",
            "postgres://127.9.9.9/app",
            "postgres://[::1]/app",
            "postgres://%2Fvar%2Frun%2Fpostgresql/app",
            "postgres:///app?host=/var/run/postgresql",
        ] {
            assert!(!is_refused(url), "{url}");
        }
    }

    #[test]
    fn the_refusal_says_what_to_do_and_no_secret() {
        let options = "postgres://app:hunter2@db.example.com/app".parse().unwrap();
        let words = transport(&options).unwrap_err().to_string();
        assert!(words.contains("sslmode=verify-full") && !words.contains("hunter2"), "{words}");
    }
}
