//! The two engines behind one face. Which of them runs is decided here and in `tx.rs`, nowhere else.

mod cause;
mod row;
mod tx;
mod value;

use std::path::Path;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, Connection as _};

pub(crate) use cause::{engine_error, migrate_error};
pub(crate) use row::{Fields, Row};
pub(crate) use tx::DEADLINE;
pub(crate) use tx::Tx;
pub(crate) use value::{Bind, Column, Value, bind, words};

use crate::{DatabaseUrl, Read, StoreError, Write, migrate, repository};

/// An open database. Cheap to clone; all clones share the connections.
#[derive(Clone, Debug)]
pub struct Store(pub(crate) Engine);

#[derive(Clone, Debug)]
pub(crate) enum Engine {
    /// SQLite takes one writer at a time: one connection that writes, and readers beside it.
    Sqlite {
        writer: SqlitePool,
        readers: SqlitePool,
    },
    Postgres(PgPool),
}

/// Connections that read a SQLite file beside the one that writes.
const READERS: u32 = 4;

/// Connections to a PostgreSQL server per process; more callers wait up to the deadline.
const CONNECTIONS: u32 = 16;

impl Store {
    /// Opens a database, making and migrating it where needed.
    pub async fn connect(url: &DatabaseUrl) -> Result<Self, StoreError> {
        let engine = match url {
            DatabaseUrl::Sqlite(path) => sqlite(path).await?,
            DatabaseUrl::Postgres { url, authorities } => {
                postgres(url.expose(), authorities).await?
            }
        };
        Ok(Self(engine))
    }

    /// A consistent view: everything read through it is of one moment.
    pub async fn read(&self) -> Result<Read, StoreError> {
        Ok(Read::new(Tx::read(&self.0).await?))
    }

    /// A transaction.
    pub async fn write(&self) -> Result<Write, StoreError> {
        Ok(Write::new(Tx::write(&self.0).await?))
    }

    /// Whether the database answers, for readiness checks.
    pub async fn ping(&self) -> Result<(), StoreError> {
        let mut read = self.read().await?;
        crate::Unit::settings(&mut read).feed().await.map(|_| ())
    }

    /// Prepares every statement of this crate, which proves that they fit the schema. Returns how
    /// many there are.
    pub async fn prepare_all(&self) -> Result<usize, StoreError> {
        let mut tx = Tx::read(&self.0).await?;
        let mut count = 0;
        for sql in repository::STATEMENTS.iter().copied().flatten() {
            tx.prepare(sql).await?;
            count += 1;
        }
        Ok(count)
    }

    /// Closes all connections after what runs on them is done.
    pub async fn close(&self) {
        match &self.0 {
            Engine::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
            Engine::Postgres(pool) => pool.close().await,
        }
    }
}

async fn sqlite(path: &Path) -> Result<Engine, StoreError> {
    // Made by us, so that only our account may read it: it holds password hashes. The engine gives
    // its side files the same mode.
    let mut private = tokio::fs::OpenOptions::new();
    let made = private
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
        .await;
    made.map_err(|error| StoreError::ReadOnly(format!("{}: {error}", path.display())))?;
    // FULL, because a commit that a power cut takes back would let a revocation that was answered
    // vanish, and the feed step back behind what gates already have.
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(DEADLINE);
    // A full disk or an input/output error makes SQLite roll back by itself, which leaves the
    // driver believing in an open transaction: such a connection is replaced, or nothing could be
    // written ever again.
    let writer = SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(DEADLINE)
        .idle_timeout(None)
        .max_lifetime(None)
        .before_acquire(|connection, _| Box::pin(async { Ok(!connection.is_in_transaction()) }))
        .connect_with(options.clone())
        .await
        .map_err(|e| engine_error(&e))?;
    migrate::sqlite(&writer).await?;
    let readers = SqlitePoolOptions::new()
        .max_connections(READERS)
        .acquire_timeout(DEADLINE)
        .connect_with(options.pragma("query_only", "ON"))
        .await
        .map_err(|e| engine_error(&e))?;
    Ok(Engine::Sqlite { writer, readers })
}

async fn postgres(url: &str, authorities: &[u8]) -> Result<Engine, StoreError> {
    let mut options = url
        .parse::<PgConnectOptions>()
        .map_err(|e| engine_error(&e))?
        .application_name("aeolus");
    let named = options.to_url_lossy();
    let named = named.query_pairs().any(|(key, _)| key == "sslrootcert");
    if !authorities.is_empty() && !named {
        options = options.ssl_root_cert_from_pem(authorities.to_vec());
    }
    migrate::postgres(&options).await?;
    let limit = DEADLINE.as_millis().to_string();
    // The server gives up when we do, so that abandoned statements don't pile up behind a lock.
    let options = options.options([
        ("statement_timeout", limit.as_str()),
        ("lock_timeout", limit.as_str()),
        ("idle_in_transaction_session_timeout", "10000"),
    ]);
    let pool = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(DEADLINE)
        .idle_timeout(Duration::from_secs(300))
        .connect_with(options)
        .await
        .map_err(|e| engine_error(&e))?;
    Ok(Engine::Postgres(pool))
}

#[cfg(test)]
mod tests;
