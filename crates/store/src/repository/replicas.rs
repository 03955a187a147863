//! The gates of planes, as they report themselves.

use std::collections::BTreeMap;

use aeolus_model::{PlaneId, Time};

use crate::StoreError;
use crate::engine::{Row, bind};
use crate::unit::{Unit, Write};

statements! {
    ON_PLANE = "SELECT plane, replica, epoch, seq, records, version, reader, status,
        reported_at FROM replicas
        WHERE plane = $1 ORDER BY replica";
    REPORT = "INSERT INTO replicas
        (plane, replica, epoch, seq, records, version, status, reported_at, reader)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        ON CONFLICT (plane, replica) DO UPDATE SET epoch = excluded.epoch, seq = excluded.seq,
        records = excluded.records, version = excluded.version, reader = excluded.reader, status = excluded.status,
        reported_at = excluded.reported_at
        WHERE replicas.reported_at <= excluded.reported_at";
    READERS = "SELECT plane, MIN(reader) FROM replicas WHERE reported_at > $1 GROUP BY plane";
    FORGET = "DELETE FROM replicas WHERE reported_at < $1";
}

/// What a gate last said of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replica {
    /// Its plane.
    pub plane: PlaneId,
    /// Its name in the plane.
    pub replica: String,
    /// Epoch of the snapshot it serves.
    pub epoch: u64,
    /// Position of the snapshot it serves.
    pub seq: u64,
    /// Up to which position everything is in that snapshot.
    pub records: u64,
    /// Its program version.
    pub version: String,
    /// The newest format of snapshots that it reads.
    pub reader: u32,
    /// The whole report as JSON.
    pub status: String,
    /// When it said so.
    pub reported_at: Time,
}

/// The gates of planes.
#[derive(Debug)]
pub struct Replicas<'u, U>(pub(crate) &'u mut U);

impl<U: Unit> Replicas<'_, U> {
    /// Those of a plane.
    pub async fn on_plane(&mut self, plane: PlaneId) -> Result<Vec<Replica>, StoreError> {
        let rows = self.0.tx().fetch(ON_PLANE, bind![plane]).await?;
        rows.iter().map(record).collect()
    }

    /// The newest format that all gates of a plane read, of those heard since; by plane.
    pub async fn readers(&mut self, since: Time) -> Result<BTreeMap<PlaneId, u32>, StoreError> {
        let rows = self.0.tx().fetch(READERS, bind![since]).await?;
        let reader = |row: &Row| {
            let mut fields = row.fields();
            Ok((fields.take()?, fields.take()?))
        };
        rows.iter().map(reader).collect()
    }
}

impl Replicas<'_, Write> {
    /// Notes a report; an older one than is known changes nothing.
    pub async fn report(&mut self, report: &Replica) -> Result<(), StoreError> {
        let Replica {
            plane,
            replica,
            epoch,
            seq,
            records,
            version,
            reader,
            status,
            reported_at,
        } = report;
        let values = bind![
            plane,
            replica,
            epoch,
            seq,
            records,
            version,
            status,
            reported_at,
            reader
        ];
        self.0.note(REPORT, values).await.map(|_| ())
    }

    /// Forgets those that have been silent since.
    pub async fn forget(&mut self, silent_since: Time) -> Result<u64, StoreError> {
        self.0.note(FORGET, bind![silent_since]).await
    }
}

fn record(row: &Row) -> Result<Replica, StoreError> {
    let mut fields = row.fields();
    Ok(Replica {
        plane: fields.take()?,
        replica: fields.take()?,
        epoch: fields.take()?,
        seq: fields.take()?,
        records: fields.take()?,
        version: fields.take()?,
        reader: fields.take()?,
        status: fields.take()?,
        reported_at: fields.take()?,
    })
}
