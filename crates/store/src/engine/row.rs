//! Reading rows of either engine.

use sqlx::Row as _;

use super::Column;
use crate::StoreError;

pub(crate) enum Row {
    Sqlite(sqlx::sqlite::SqliteRow),
    Postgres(sqlx::postgres::PgRow),
}

/// A type that both drivers decode.
pub(crate) trait Raw: Sized {
    fn get(row: &Row, index: usize) -> Result<Option<Self>, sqlx::Error>;
}

macro_rules! raws {
    ($($raw:ty),*) => {$(
        impl Raw for $raw {
            fn get(row: &Row, index: usize) -> Result<Option<Self>, sqlx::Error> {
                match row {
                    Row::Sqlite(row) => row.try_get(index),
                    Row::Postgres(row) => row.try_get(index),
                }
            }
        }
    )*};
}
raws!(i64, String, Vec<u8>);

impl Row {
    /// The columns, to be taken in the order of the statement.
    pub(crate) const fn fields(&self) -> Fields<'_> {
        Fields { row: self, next: 0 }
    }

    /// The only column.
    pub(crate) fn only<T: Column<Raw: Raw>>(&self) -> Result<T, StoreError> {
        self.fields().take()
    }
}

/// A row's columns, from left to right.
pub(crate) struct Fields<'r> {
    row: &'r Row,
    next: usize,
}

impl Fields<'_> {
    /// The next column, which is never NULL.
    pub(crate) fn take<T: Column<Raw: Raw>>(&mut self) -> Result<T, StoreError> {
        let index = self.next;
        self.maybe()?.ok_or_else(|| damaged::<T>(index))
    }

    /// The next column, which may be NULL.
    pub(crate) fn maybe<T: Column<Raw: Raw>>(&mut self) -> Result<Option<T>, StoreError> {
        let index = self.next;
        self.next += 1;
        let raw = T::Raw::get(self.row, index).map_err(|_| damaged::<T>(index))?;
        raw.map(|raw| T::from_raw(raw).ok_or_else(|| damaged::<T>(index)))
            .transpose()
    }
}

/// The value itself is not shown: it may be a secret.
fn damaged<T>(index: usize) -> StoreError {
    let name = std::any::type_name::<T>();
    let name = name.rsplit("::").next().unwrap_or(name);
    StoreError::Corrupt(format!("column {index} of a row is not a valid {name}"))
}
