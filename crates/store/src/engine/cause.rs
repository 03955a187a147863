//! From a driver's error to ours.

use sqlx::error::{DatabaseError, ErrorKind};
use sqlx::migrate::MigrateError;

use crate::{StoreError, Taken};

/// What a driver's error means. Its text is kept only where an operator needs it; it never holds
/// bound values.
pub(crate) fn engine_error(error: &sqlx::Error) -> StoreError {
    use sqlx::Error as E;
    match error {
        E::Database(error) => database_error(&**error),
        E::PoolTimedOut => StoreError::Timeout,
        E::Io(error) => StoreError::Unavailable(error.to_string()),
        E::Tls(error) => StoreError::Unavailable(error.to_string()),
        E::PoolClosed | E::WorkerCrashed | E::BeginFailed => {
            StoreError::Unavailable(error.to_string())
        }
        E::Configuration(_) => StoreError::Unavailable("the address is malformed".to_owned()),
        other => StoreError::Engine(other.to_string()),
    }
}

fn database_error(error: &dyn DatabaseError) -> StoreError {
    match error.kind() {
        ErrorKind::UniqueViolation => return StoreError::Taken(Taken::Record),
        ErrorKind::ForeignKeyViolation => return StoreError::Reference,
        _ => {}
    }
    let code = error.code().unwrap_or_default();
    match code.parse::<i32>() {
        // PostgreSQL's codes have five characters, SQLite's are numbers of up to four digits.
        Ok(number) if code.len() < 5 => sqlite_error(number, error.message()),
        _ => postgres_error(&code, error.message()),
    }
}

/// <https://www.sqlite.org/rescode.html>; the low byte is the primary code.
pub(super) fn sqlite_error(code: i32, message: &str) -> StoreError {
    match code & 0xff {
        5 | 6 => StoreError::Busy,
        3 | 8 | 14 | 23 => StoreError::ReadOnly(message.to_owned()),
        10 => StoreError::Unavailable(message.to_owned()),
        11 | 26 => StoreError::Corrupt(message.to_owned()),
        13 => StoreError::Full,
        9 => StoreError::Timeout,
        _ => StoreError::Engine(message.to_owned()),
    }
}

/// PostgreSQL's appendix A, error codes.
pub(super) fn postgres_error(code: &str, message: &str) -> StoreError {
    match code {
        // serialization_failure, deadlock_detected
        "40001" | "40P01" => StoreError::Busy,
        // lock_not_available, query_canceled (statement_timeout)
        "55P03" | "57014" => StoreError::Timeout,
        // read_only_sql_transaction
        "25006" => StoreError::ReadOnly(message.to_owned()),
        // insufficient_privilege
        "42501" => StoreError::Access(message.to_owned()),
        // disk_full
        "53100" => StoreError::Full,
        "XX001" | "XX002" => StoreError::Corrupt(message.to_owned()),
        _ => match code.get(..2) {
            // connection, authorization, catalog name, resources, operator intervention, system
            Some("08" | "28" | "3D" | "53" | "57" | "58") => {
                StoreError::Unavailable(message.to_owned())
            }
            _ => StoreError::Engine(message.to_owned()),
        },
    }
}

/// What a failed migration means.
pub(crate) fn migrate_error(error: &MigrateError) -> StoreError {
    match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
            engine_error(error)
        }
        MigrateError::VersionMissing(version)
        | MigrateError::VersionMismatch(version)
        | MigrateError::Dirty(version) => StoreError::Schema(*version),
        other => StoreError::Engine(other.to_string()),
    }
}
