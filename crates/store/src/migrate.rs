//! The schema's history: embedded, one for both engines, applied in order and never edited.

use std::borrow::Cow;
use std::collections::BTreeMap;

use sqlx::migrate::{Migrate, Migration, MigrationType, Migrator};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::sqlite::SqlitePool;
use sqlx::{Connection as _, SqlSafeStr};

use crate::StoreError;
use crate::engine::{engine_error, migrate_error};

const MIGRATIONS: [(i64, &str, &str); 28] = [
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
mod tests {
    use std::fmt::Write as _;

    use super::narrowing::narrowing;
    use super::*;

    /// SHA-384 of each released migration. A line is added with a migration and never changed:
    /// databases in the field remember these sums and refuse a program with others.
    const RELEASED: [(i64, &str); 28] = [
        (
            1,
            "f2074e874d90f8f71f54b0200653d2bdd77b68c7cdb4db034cef4e3372a83828dbc03e623e8d7a89b769ab16d0fb7a43",
        ),
        (
            2,
            "544e74ab631a75ee6e5297100cedfc106d5a895c04e1699264407842af39e26b9bd3c2f13787472ffabf88ed6182fa88",
        ),
        (
            3,
            "3ca524f2dfcdedccbd0a7e25e4a95c766779b03ec014b6d56c44157bdf66924527b7bc6c92fffc077bbdf1481797e53a",
        ),
        (
            4,
            "e90c1a5b1f272da210d1d32094655ebb4d693e5c4756633f10f42f27c741467cc82b60c086aba57e487881275ff3ef72",
        ),
        (
            5,
            "68b299936f8654dce25256a824a81067b8667e6422cf76af8dfce43b5feb045a18c0c886abe45b37b703f09d28f2398a",
        ),
        (
            6,
            "c3a5f8abc825bd8280b4322d09c279aeb36bf2c21978ce829bb967407908d4ec5964efbf92817f92f71f919b06714600",
        ),
        (
            7,
            "97acd60c1e1904dbd0df109f2777106cdd42e81d162203e778ee957607e09a9f7aa624429a0ca8c3dc9c2df3d45c8967",
        ),
        (
            8,
            "b77b34dec1e44fcc55ab62ded54ba41ff2e93743a99fa2a6a368889cc9bd4fe2405fab4f58234e3b9776a9a52e7312b9",
        ),
        (
            9,
            "3610199cd1b6ada231885a33e5b28fa3f17495bbd9f2998a46b145013dd915888e4a71045d31f734c8284e40831c1618",
        ),
        (
            10,
            "b1253b95cb1aba450183a674bc151bb90ce6897e00ea2e0b08458ad31b4acba561f55a9bac2467bcfd67371dd6b5a26b",
        ),
        (
            11,
            "87f564d05abcf57e80b1b9e53c7f3cf7020b3fc3bdee92817cf7dcbcb1ea84228b6e47ab4b2f0407b34738dcb27bcbc7",
        ),
        (
            12,
            "a585c46c1d32c76785ab242311c52d6c5942b6514c5370b850411f50e944389ad5305e2efc05010100a7496253515fa6",
        ),
        (
            13,
            "bb12ff64dffdbdd7b750c166d8670584841c81bbb6ff3d3e50b7fb75b002597d06660e5a37f3ed21fd909c6dcce79108",
        ),
        (
            14,
            "ff09d76ce569b448726dd50ff7683174f4b76f4d56e515e1badf489d79cb5f72920f37749905a7dcb40f8ee91e18dd81",
        ),
        (
            16,
            "4f3bb192c92cf8f1beff716529e8653385b3bda858e124576967d519ee180ac0acadbce0718350b0a0e52693631a77b6",
        ),
        (
            18,
            "47222c8925ff519bc27669ce05caedc3d9ab1ee96bc29bc97ddcdb829c9508e647e1724dcdceda9dad89f40425d75d80",
        ),
        (
            19,
            "4e4c07407ba35db078bdf6f02f82c58b3216037230423ff684c47a4b712109c0781c56b34832df04c8409d6006a4f984",
        ),
        (
            20,
            "93ad7b03f9fb23c22e60c71c290f8dd6406e5dba4ad46d3d93972fcfcd397a204ac1ad011f5f58a9c79d759ab60eb1b7",
        ),
        (
            21,
            "0fc1c23125836117e71b4e60205dc45649bf2a7dc2f66eb89dc226160f6344a358bfe3d5c812b6d0c08416a28eac12bb",
        ),
        (
            24,
            "c7d183259a37d064c16ba2a5419ce696563b91196301c1d0b1007b628607a1e4c7a51deef273bcc2a29345e01fd0eab2",
        ),
        (
            25,
            "5dc5c40005e940f7d10b1d6b4407428908b81de74ff9cfca87b605baa5e1efb090bbc094b1861bc4474389f1c1dab623",
        ),
        (
            26,
            "7d71be5c2f6092818d414b0e88ec1ed4619e3096e8ea95c6871d638edf708cb91e18e3fab639f1d691faeaee35586fb2",
        ),
        (
            27,
            "881a688b62d686e59df0348cf4cdefc7653c4cad788373e0c5609c3d5be43038938ae2c598a1b9c3c585109d96887f51",
        ),
        (
            29,
            "17cd05483bc1d918f4fdba5e54d1ee12c0257e932b2f7a927ea735f6935183be0f3bc14e938c4d0ec78577dca2652bc7",
        ),
        (
            30,
            "ae4185829b54f600565e183fec4a83c37bc6df4bf08829e0207ff2f437742332f746cb7292772ab6f9c5cedddca467ce",
        ),
        (
            31,
            "517ec9ddd8734f4b7e164f45769b3f6b3ffd5f868fe07c14ca84ddf76e22f08070e7106cd749ca4ffe103bdbefafe857",
        ),
        (
            32,
            "c3efbaea4e4216429edffcdc0e1b54e01bb077fae4e3a162c2b6b17398155289efad7307e11df4b97e3e7ce03cd4d0e4",
        ),
        (
            33,
            "f2c9ea94e4354bee30eaa6cf3032d04a8a9b42c116962f48ac115d2ab6061a18e43f29e6cd6d2839b95b006d492bf3e6",
        ),
    ];

    #[test]
    fn released_migrations_never_change() {
        let migrator = migrator();
        let sums = migrator.iter().map(|migration| {
            let hex = migration
                .checksum
                .iter()
                .fold(String::new(), |mut hex, byte| {
                    write!(hex, "{byte:02x}").unwrap();
                    hex
                });
            (migration.version, hex)
        });
        let released = RELEASED.map(|(version, sum)| (version, sum.to_owned()));
        assert_eq!(sums.collect::<Vec<_>>(), released);
        assert_eq!(known(), 33);
    }

    /// What a migration says of older programs is true as far as its text tells.
    #[test]
    fn f66_every_migration_says_which_programs_work_with_it() {
        for (version, name, sql) in MIGRATIONS
            .iter()
            .filter(|(version, ..)| *version >= READERS)
        {
            let said = format!("INSERT INTO schema_readers (version, oldest) VALUES ({version}, ");
            let oldest = sql.split_once(&said).map(|(_, rest)| rest);
            let oldest = oldest.and_then(|rest| rest.split_once(')')?.0.parse::<i64>().ok());
            let oldest = oldest.unwrap_or_else(|| panic!("{name} names no oldest program: {said}"));
            assert!((READERS..=*version).contains(&oldest), "{name}: {oldest}");
            if oldest < *version {
                assert_eq!(narrowing(sql), None, "{name} keeps no program of {oldest}");
            }
        }
    }
}
