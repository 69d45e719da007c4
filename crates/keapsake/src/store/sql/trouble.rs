//! Database errors in words for people.

use super::super::StoreError;

/// What to do, by the code of the error: PostgreSQL's own classes and codes, SQLite's result codes.
const ADVICE: [(&str, &str); 17] = [
    ("19", REFUSED),
    ("23", REFUSED),
    ("08", UNREACHED),
    ("13", FULL),
    ("53100", FULL),
    ("8", "make the database file and its folder writable for the user this program runs as"),
    ("25006", "this server only reads (a standby?); connect to the one that writes"),
    ("5", BUSY),
    ("55P03", BUSY),
    ("57014", BUSY),
    ("40", "other programs change the same rows all the time; it will be tried again"),
    ("42501", "grant the role of this program the rights it needs on Keapsake's tables"),
    ("28", "check the user and password it connects with"),
    ("3D", "create the database, or name the right one"),
    ("53", "the server is out of connections or memory; give it more, or this program fewer"),
    ("57", "the server is stopping or starting; it will be tried again"),
    ("42P01", "Keapsake's tables are gone; put a backup back, or start this program again to make them anew"),
];

const FULL: &str = "free some space on the disk; what was not saved will be tried again";
const BUSY: &str = "something holds the database for long; see if another program has it open";
const NONE_FREE: &str =
    "see that the database runs and can be reached, and that no other program holds it for long";
const UNREACHED: &str = "see that the database is there and can be reached; it will be tried again";
const REFUSED: &str = "nothing was written; this is a mistake in this program, please report it";
const UNKNOWN: &str = "see that the database is there, whole and writable";

/// A database error in words for people. SQL and values are left out.
#[expect(clippy::needless_pass_by_value, reason = "it is made for `map_err`")]
pub(crate) fn trouble(error: sqlx::Error) -> StoreError {
    let advice = match &error {
        sqlx::Error::Database(refusal) => by_code(refusal.code().as_deref().unwrap_or_default()),
        sqlx::Error::PoolTimedOut => NONE_FREE,
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) => UNREACHED,
        _ => UNKNOWN,
    };
    StoreError::new(format!("the database did not do it ({error}): {advice}"))
}

/// It did not answer at all. What it was asked may have been done or not.
pub(crate) fn stuck() -> StoreError {
    StoreError::new(format!("the database did not answer in time: {NONE_FREE}"))
}

fn by_code(code: &str) -> &'static str {
    // SQLite's extended codes have the plain one in their lowest byte.
    let plain = code.parse::<u32>().ok().filter(|_| code.len() < 5).map(|number| (number & 0xff).to_string());
    let code = plain.as_deref().unwrap_or(code);
    let exact = ADVICE.iter().find(|(known, _)| *known == code);
    let class =
        || ADVICE.iter().find(|(known, _)| code.len() == 5 && known.len() == 2 && code.starts_with(known));
    exact.or_else(class).map_or(UNKNOWN, |(_, advice)| advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_says_what_to_do() {
        for (code, advice) in [
            ("13", "free some space"),
            ("53100", "free some space"),
            ("8", "writable"),
            ("1032", "writable"),
            ("5", "holds the database for long"),
            ("517", "holds the database for long"),
            ("55P03", "holds the database for long"),
            ("57014", "holds the database for long"),
            ("57P01", "stopping or starting"),
            ("53300", "out of connections"),
            ("40001", "other programs change"),
            ("28P01", "user and password"),
            ("42501", "grant the role"),
            ("25006", "only reads"),
            ("2067", "nothing was written"),
            ("23514", "nothing was written"),
            ("XX000", "whole and writable"),
            ("", "whole and writable"),
        ] {
            assert!(by_code(code).contains(advice), "{code}: {}", by_code(code));
        }
    }
}
