//! An open transaction on either engine: the only place where a statement meets a driver.

use std::future::Future;
use std::time::Duration;

use sqlx::{Executor, Postgres, SqlSafeStr, Sqlite, Transaction};

use super::{Engine, Row, Value, engine_error};
use crate::StoreError;

/// How long one statement, or waiting for a connection, may take. Callers answer 503 after it.
pub(crate) const DEADLINE: Duration = Duration::from_secs(2);

/// Readers see one moment. Writers of PostgreSQL run READ COMMITTED: every decision that must not
/// race is one statement (a condition in its WHERE, judged on the newest committed row, or a
/// unique key), and the feed row, locked last and until commit, orders the commits.
const POSTGRES_READ: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
const POSTGRES_WRITE: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";
const SQLITE_READ: &str = "BEGIN DEFERRED";
/// Takes the write lock at once: a transaction that reads first and writes later would otherwise
/// fail without waiting when another process wrote in between.
const SQLITE_WRITE: &str = "BEGIN IMMEDIATE";

#[derive(Debug)]
pub enum Tx {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

/// Does the same on both engines: their types differ, their words do not.
macro_rules! on_either {
    ($self:expr, $tx:ident => $result:expr) => {
        match $self {
            Self::Sqlite($tx) => $result,
            Self::Postgres($tx) => $result,
        }
    };
}

/// A query with its values bound.
macro_rules! bound {
    ($sql:expr, $values:expr) => {{
        let mut query = sqlx::query($sql).persistent(true);
        for value in $values {
            query = match value {
                Value::Int(value) => query.bind(value),
                Value::Text(value) => query.bind(value),
                Value::Bytes(value) => query.bind(value),
            };
        }
        query
    }};
}

impl Tx {
    pub(crate) async fn read(engine: &Engine) -> Result<Self, StoreError> {
        match engine {
            Engine::Sqlite { readers, .. } => within(readers.begin_with(SQLITE_READ))
                .await
                .map(Self::Sqlite),
            Engine::Postgres(pool) => within(pool.begin_with(POSTGRES_READ))
                .await
                .map(Self::Postgres),
        }
    }

    pub(crate) async fn write(engine: &Engine) -> Result<Self, StoreError> {
        match engine {
            Engine::Sqlite { writer, .. } => within(writer.begin_with(SQLITE_WRITE))
                .await
                .map(Self::Sqlite),
            Engine::Postgres(pool) => within(pool.begin_with(POSTGRES_WRITE))
                .await
                .map(Self::Postgres),
        }
    }

    /// Every row that a statement gives.
    pub(crate) async fn fetch(
        &mut self,
        sql: &'static str,
        values: Vec<Value>,
    ) -> Result<Vec<Row>, StoreError> {
        match self {
            Self::Sqlite(tx) => {
                let rows = within(bound!(sql, values).fetch_all(&mut **tx)).await?;
                Ok(rows.into_iter().map(Row::Sqlite).collect())
            }
            Self::Postgres(tx) => {
                let rows = within(bound!(sql, values).fetch_all(&mut **tx)).await?;
                Ok(rows.into_iter().map(Row::Postgres).collect())
            }
        }
    }

    /// The first row that a statement gives.
    pub(crate) async fn first(
        &mut self,
        sql: &'static str,
        values: Vec<Value>,
    ) -> Result<Option<Row>, StoreError> {
        Ok(self.fetch(sql, values).await?.into_iter().next())
    }

    /// Runs a statement and says how many rows it changed.
    pub(crate) async fn execute(
        &mut self,
        sql: &'static str,
        values: Vec<Value>,
    ) -> Result<u64, StoreError> {
        on_either!(self, tx => {
            let done = within(bound!(sql, values).execute(&mut **tx)).await?;
            Ok(done.rows_affected())
        })
    }

    pub(crate) async fn prepare(&mut self, sql: &'static str) -> Result<(), StoreError> {
        on_either!(self, tx => {
            within((&mut **tx).prepare(sql.into_sql_str())).await.map(|_| ())
        })
    }

    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        on_either!(self, tx => within(tx.commit()).await)
    }

    pub(crate) async fn rollback(self) -> Result<(), StoreError> {
        on_either!(self, tx => within(tx.rollback()).await)
    }
}

async fn within<T>(work: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, StoreError> {
    match tokio::time::timeout(DEADLINE, work).await {
        Ok(result) => result.map_err(|e| engine_error(&e)),
        Err(_) => Err(StoreError::Timeout),
    }
}
