//! An open transaction on either engine: the only place where a statement meets a driver.

use std::future::Future;
use std::time::Duration;

use sqlx::{Executor, Postgres, SqlSafeStr, Sqlite, Transaction};

use super::{Engine, Row, Value, engine_error};
use crate::StoreError;

/// How long one statement, or waiting for a connection, may take. Callers answer 503 after it.
pub(crate) const DEADLINE: Duration = Duration::from_secs(2);

/// How many rows a statement that has no bound of its own reads at a time, so that the size of a
/// fleet is never what makes it miss the deadline.
const PAGE: u32 = 5_000;

/// Readers see one moment. Writers of PostgreSQL run READ COMMITTED: every decision that must not
/// race is one statement (a condition in its WHERE, judged on the newest committed row, or a
/// unique key), and the feed row, locked last and until commit, orders the commits.
const POSTGRES_READ: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
const POSTGRES_WRITE: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";
const SQLITE_READ: &str = "BEGIN DEFERRED";
/// Takes the write lock at once: a transaction that reads first and writes later would otherwise
/// fail without waiting when another process wrote in between.
const SQLITE_WRITE: &str = "BEGIN IMMEDIATE";

/// An open transaction. Once a statement has failed it takes no other and doesn't commit:
/// PostgreSQL answers a later COMMIT with a silent rollback, and SQLite may have rolled back by
/// itself, so that what follows would be stored piece by piece.
#[derive(Debug)]
pub struct Tx {
    on: On,
    failed: bool,
    page: u32,
}

#[derive(Debug)]
enum On {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

/// Does the same on both engines: their types differ, their words do not.
macro_rules! on_either {
    ($on:expr, $tx:ident => $result:expr) => {
        match $on {
            On::Sqlite($tx) => $result,
            On::Postgres($tx) => $result,
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

/// Reads a record, and says the key that it is at.
pub(crate) type Paged<T> = (fn(&Row) -> Result<T, StoreError>, fn(&T) -> Vec<Value>);

impl Tx {
    pub(crate) async fn read(engine: &Engine) -> Result<Self, StoreError> {
        Self::begin(engine, Mode::Read).await
    }

    pub(crate) async fn write(engine: &Engine) -> Result<Self, StoreError> {
        Self::begin(engine, Mode::Write).await
    }

    async fn begin(engine: &Engine, mode: Mode) -> Result<Self, StoreError> {
        let on = match (engine, mode) {
            (Engine::Sqlite { readers, .. }, Mode::Read) => {
                On::Sqlite(within(readers.begin_with(SQLITE_READ)).await?)
            }
            (Engine::Sqlite { writer, .. }, Mode::Write) => {
                On::Sqlite(within(writer.begin_with(SQLITE_WRITE)).await?)
            }
            (Engine::Postgres(pool), Mode::Read) => {
                On::Postgres(within(pool.begin_with(POSTGRES_READ)).await?)
            }
            (Engine::Postgres(pool), Mode::Write) => {
                On::Postgres(within(pool.begin_with(POSTGRES_WRITE)).await?)
            }
        };
        Ok(Self {
            on,
            failed: false,
            page: PAGE,
        })
    }

    /// Every row that a statement gives.
    pub(crate) async fn fetch(
        &mut self,
        sql: &'static str,
        values: Vec<Value>,
    ) -> Result<Vec<Row>, StoreError> {
        self.enter()?;
        let result = match &mut self.on {
            On::Sqlite(tx) => within(bound!(sql, values).fetch_all(&mut **tx))
                .await
                .map(|rows| rows.into_iter().map(Row::Sqlite).collect()),
            On::Postgres(tx) => within(bound!(sql, values).fetch_all(&mut **tx))
                .await
                .map(|rows| rows.into_iter().map(Row::Postgres).collect()),
        };
        self.leave(result)
    }

    /// How many rows [`Self::fetch_all`] reads at a time: as many as one look should.
    pub(crate) const fn page(&self) -> u32 {
        self.page
    }

    /// Changes how many that is.
    pub(crate) fn set_page(&mut self, rows: u32) {
        self.page = rows.max(1);
    }

    /// Every record that a statement gives, a page at a time. Its placeholders are `values`, then the
    /// key after which a page begins, then how many records it may have; it gives them in the order
    /// of the key. `key`: what comes before the first.
    pub(crate) async fn fetch_all<T>(
        &mut self,
        sql: &'static str,
        values: Vec<Value>,
        mut key: Vec<Value>,
        (record, key_of): Paged<T>,
    ) -> Result<Vec<T>, StoreError> {
        let limit = Value::Int(Some(i64::from(self.page)));
        let full = usize::try_from(self.page).unwrap_or(usize::MAX);
        let mut records = Vec::new();
        loop {
            let last = std::slice::from_ref(&limit);
            let rows = self.fetch(sql, [&values, &key, last].concat()).await?;
            for row in &rows {
                records.push(record(row)?);
            }
            match records.last() {
                Some(last) if rows.len() >= full => key = key_of(last),
                _ => return Ok(records),
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
        self.enter()?;
        let result = on_either!(&mut self.on, tx => {
            let done = within(bound!(sql, values).execute(&mut **tx)).await;
            done.map(|done| done.rows_affected())
        });
        self.leave(result)
    }

    pub(crate) async fn prepare(&mut self, sql: &'static str) -> Result<(), StoreError> {
        self.enter()?;
        let result = on_either!(&mut self.on, tx => {
            within((&mut **tx).prepare(sql.into_sql_str())).await.map(|_| ())
        });
        self.leave(result)
    }

    pub(crate) async fn commit(mut self) -> Result<(), StoreError> {
        self.enter()?;
        on_either!(self.on, tx => within(tx.commit()).await)
    }

    pub(crate) async fn rollback(self) -> Result<(), StoreError> {
        on_either!(self.on, tx => within(tx.rollback()).await)
    }

    /// Before each statement. The mark stands until the statement has succeeded, so that one whose
    /// future was dropped half-way counts as failed too.
    const fn enter(&mut self) -> Result<(), StoreError> {
        if self.failed {
            return Err(StoreError::Aborted);
        }
        self.failed = true;
        Ok(())
    }

    /// After each statement.
    fn leave<T>(&mut self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        self.failed = result.is_err();
        result
    }
}

#[derive(Clone, Copy)]
enum Mode {
    Read,
    Write,
}

async fn within<T>(work: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, StoreError> {
    match tokio::time::timeout(DEADLINE, work).await {
        Ok(result) => result.map_err(|e| engine_error(&e)),
        Err(_) => Err(StoreError::Timeout),
    }
}
