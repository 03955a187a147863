//! The schema's history: embedded, one for both engines, applied in order and never edited.

use std::borrow::Cow;
use std::collections::BTreeMap;

use sqlx::migrate::{Migrate, Migration, MigrationType, Migrator};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::sqlite::SqlitePool;
use sqlx::{Connection as _, SqlSafeStr};

use crate::StoreError;
use crate::engine::{engine_error, migrate_error};

const MIGRATIONS: [(i64, &str, &str); 33] = [
    (1, "init", include_str!("../migrations/0001_init.sql")),
    (
        2,
        "identity providers",
        include_str!("../migrations/0002_identity_providers.sql"),
    ),
    (
        3,
        "rollouts",
        include_str!("../migrations/0003_rollouts.sql"),
    ),
    (
        4,
        "provider endpoints",
        include_str!("../migrations/0004_provider_endpoints.sql"),
    ),
    (
        5,
        "publishing",
        include_str!("../migrations/0005_publishing.sql"),
    ),
    (6, "lanes", include_str!("../migrations/0006_lanes.sql")),
    (
        7,
        "token values",
        include_str!("../migrations/0007_token_values.sql"),
    ),
    (8, "refresh", include_str!("../migrations/0008_refresh.sql")),
    (
        9,
        "sessions",
        include_str!("../migrations/0009_sessions.sql"),
    ),
    (10, "rules", include_str!("../migrations/0010_rules.sql")),
    (
        11,
        "audit chain",
        include_str!("../migrations/0011_audit_chain.sql"),
    ),
    (
        12,
        "device codes",
        include_str!("../migrations/0012_device_codes.sql"),
    ),
    (
        13,
        "key rotation",
        include_str!("../migrations/0013_key_rotation.sql"),
    ),
    (14, "roles", include_str!("../migrations/0014_roles.sql")),
    (16, "quotas", include_str!("../migrations/0016_quotas.sql")),
    (
        18,
        "managed roles",
        include_str!("../migrations/0018_managed_roles.sql"),
    ),
    (
        19,
        "second factor",
        include_str!("../migrations/0019_second_factor.sql"),
    ),
    (20, "email", include_str!("../migrations/0020_email.sql")),
    (21, "counts", include_str!("../migrations/0021_counts.sql")),
    (24, "people", include_str!("../migrations/0024_people.sql")),
    (
        25,
        "changed subjects",
        include_str!("../migrations/0025_changed_subjects.sql"),
    ),
    (
        26,
        "group teams",
        include_str!("../migrations/0026_group_teams.sql"),
    ),
    (27, "abuse", include_str!("../migrations/0027_abuse.sql")),
    (
        29,
        "readers",
        include_str!("../migrations/0029_readers.sql"),
    ),
    (30, "ages", include_str!("../migrations/0030_ages.sql")),
    (
        31,
        "password resets",
        include_str!("../migrations/0031_password_resets.sql"),
    ),
    (32, "teams", include_str!("../migrations/0032_teams.sql")),
    (33, "flat", include_str!("../migrations/0033_flat.sql")),
    (
        34,
        "scim users",
        include_str!("../migrations/0034_scim_users.sql"),
    ),
    (
        35,
        "scim groups",
        include_str!("../migrations/0035_scim_groups.sql"),
    ),
    (
        36,
        "scim credentials",
        include_str!("../migrations/0036_scim_credentials.sql"),
    ),
    (
        37,
        "waiting addresses",
        include_str!("../migrations/0037_waiting_addresses.sql"),
    ),
    (
        38,
        "scim events",
        include_str!("../migrations/0038_scim_events.sql"),
    ),
];

/// The first version of the schema that says which programs work with those that follow. Programs from
/// before it start on no newer one.
const READERS: i64 = 29;

const TABLE: &str = "_sqlx_migrations";

fn migrator() -> Migrator {
    let migrations = MIGRATIONS.map(|(version, name, sql)| {
        let sql = sql.into_sql_str();
        Migration::new(
            version,
            Cow::Borrowed(name),
            MigrationType::Simple,
            sql,
            false,
        )
    });
    Migrator::with_migrations(migrations.into())
}

/// The schema version this program makes.
pub(crate) fn known() -> i64 {
    MIGRATIONS
        .iter()
        .map(|(version, ..)| *version)
        .max()
        .unwrap_or(0)
}

/// All pending migrations in one transaction: it holds the write lock, so two processes that start
/// at once follow one another.
pub(crate) async fn sqlite(writer: &SqlitePool) -> Result<(), StoreError> {
    let begun = writer.begin_with("BEGIN IMMEDIATE").await;
    let mut tx = begun.map_err(|e| engine_error(&e))?;
    if let Some(newer) = newer(&mut *tx).await? {
        let rows = sqlx::query_as::<_, (i64, i64)>(OLDEST);
        newer.judge(rows.fetch_all(&mut *tx).await)?;
    }
    run(&mut *tx).await?;
    tx.commit().await.map_err(|e| engine_error(&e))
}

/// Under the migrator's advisory lock, on a connection without our statement deadline.
pub(crate) async fn postgres(options: &PgConnectOptions) -> Result<(), StoreError> {
    let opened = PgConnection::connect_with(options).await;
    let mut connection = opened.map_err(|e| engine_error(&e))?;
    let locked = connection.lock().await;
    locked.map_err(|e| migrate_error(&e))?;
    if let Some(newer) = newer(&mut connection).await? {
        let rows = sqlx::query_as::<_, (i64, i64)>(OLDEST);
        newer.judge(rows.fetch_all(&mut connection).await)?;
    }
    run(&mut connection).await?;
    let unlocked = connection.unlock().await;
    unlocked.map_err(|e| migrate_error(&e))?;
    connection.close().await.map_err(|e| engine_error(&e))
}

/// Applies what is pending; the sums of what was applied are checked.
async fn run(connection: &mut impl Migrate) -> Result<(), StoreError> {
    let mut migrator = migrator();
    // Judged already, and the lock is held.
    migrator.set_ignore_missing(true).set_locking(false);
    let result = migrator.run_direct(None, connection, false).await;
    result.map_err(|e| migrate_error(&e))
}

const OLDEST: &str = "SELECT version, oldest FROM schema_readers";

/// Migrations of a database that a newer program made.
struct Newer(Vec<i64>);

/// What was applied of what this program doesn't have.
async fn newer(connection: &mut impl Migrate) -> Result<Option<Newer>, StoreError> {
    let made = connection.ensure_migrations_table(TABLE).await;
    made.map_err(|e| migrate_error(&e))?;
    let applied = connection.list_applied_migrations(TABLE).await;
    let applied = applied.map_err(|e| migrate_error(&e))?;
    let applied: Vec<i64> = applied.iter().map(|applied| applied.version).collect();
    let ours = |version: &i64| MIGRATIONS.iter().any(|(known, ..)| known == version);
    let (newer, others): (Vec<_>, Vec<_>) = applied
        .iter()
        .filter(|version| !ours(version))
        .partition(|version| **version > known());
    match (others.first(), newer.last()) {
        (Some(other), _) => Err(StoreError::Schema(*other)),
        (None, None) => Ok(None),
        (None, Some(_)) if applied.contains(&READERS) => Ok(Some(Newer(newer))),
        (None, Some(last)) => Err(StoreError::Newer {
            found: *last,
            oldest: *last,
            known: known(),
        }),
    }
}

impl Newer {
    /// Whether this program works with them, by what the database says of each.
    fn judge(self, rows: Result<Vec<(i64, i64)>, sqlx::Error>) -> Result<(), StoreError> {
        let rows: BTreeMap<_, _> = rows.map_err(|e| engine_error(&e))?.into_iter().collect();
        let oldest = |version: &i64| rows.get(version).copied().unwrap_or(*version);
        let needed = self.0.iter().map(oldest).max().unwrap_or(0);
        let found = self.0.into_iter().max().unwrap_or(0);
        if needed <= known() {
            return Ok(());
        }
        Err(StoreError::Newer {
            found,
            oldest: needed,
            known: known(),
        })
    }
}

#[cfg(test)]
mod narrowing;

#[cfg(test)]
mod tests;
