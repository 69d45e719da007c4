//! Making Keapsake's tables, and bringing them up to date.

use sqlx::migrate::{Migrate, MigrateError, Migrator};

use super::super::StoreError;

const TABLE: &str = "_keapsake_migrations";

/// These migrations, noted in a table of their own: the application has others. Whoever runs them holds a lock.
pub(crate) fn ours(migrations: &Migrator) -> Migrator {
    let mut ours = Migrator { locking: false, ..Migrator::DEFAULT };
    ours.migrations.clone_from(&migrations.migrations);
    ours.dangerous_set_table_name(TABLE);
    ours
}

/// Whether there is nothing to do. Looking needs no right to create tables and no lock.
pub(crate) async fn is_current(connection: &mut impl Migrate, migrations: &Migrator) -> bool {
    let Ok(applied) = connection.list_applied_migrations(TABLE).await else { return false };
    applied.len() == migrations.iter().count()
        && migrations
            .iter()
            .zip(&applied)
            .all(|(ours, applied)| ours.version == applied.version && ours.checksum == applied.checksum)
}

#[expect(clippy::needless_pass_by_value, reason = "it is made for `map_err`")]
pub(crate) fn trouble(error: MigrateError) -> StoreError {
    StoreError::new(format!(
        "Keapsake's tables could not be brought up to date: {error}. If this database was used by a newer version, \
         run that version"
    ))
}
