//! Manifests as published, and the blobs they name.

use aeolus_model::{PlaneId, Time};

use super::Digest;
use crate::StoreError;
use crate::engine::{Row, bind};
use crate::unit::{Unit, Write};

statements! {
    GET = "SELECT plane, epoch, seq, records, base, manifest, published_at, complete_at
        FROM publications WHERE plane = $1";
    POSITIONS = "SELECT plane, epoch, seq, records, base FROM publications ORDER BY plane";
    PUBLISH = "INSERT INTO publications
        (plane, epoch, seq, records, manifest, published_at, complete_at, base)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (plane) DO UPDATE SET epoch = excluded.epoch, seq = excluded.seq,
        records = excluded.records, base = excluded.base, manifest = excluded.manifest,
        published_at = excluded.published_at, complete_at = excluded.complete_at
        WHERE publications.epoch < excluded.epoch
        OR (publications.epoch = excluded.epoch AND publications.seq < excluded.seq
        AND publications.records <= excluded.records AND publications.base <= excluded.base)";
    PUT_BLOB = "INSERT INTO blobs (digest, content, touched_at) VALUES ($1, $2, $3)
        ON CONFLICT (digest) DO UPDATE SET touched_at = excluded.touched_at";
    NAME_BLOB = "INSERT INTO publication_blobs
        (plane, digest, since_epoch, since_seq, last_epoch, last_seq)
        VALUES ($1, $2, $3, $4, $3, $4)
        ON CONFLICT (plane, digest) DO UPDATE
        SET last_epoch = excluded.last_epoch, last_seq = excluded.last_seq";
    DROP_NAMES = "DELETE FROM publication_blobs
        WHERE plane = $1 AND (last_epoch <> $2 OR last_seq <> $3)";
    BLOB = "SELECT content FROM blobs WHERE digest = $1";
    NAMED = "SELECT digest FROM publication_blobs WHERE plane = $1 AND digest = $2";
    SINCE = "SELECT blobs.digest, content FROM publication_blobs
        JOIN blobs ON blobs.digest = publication_blobs.digest
        WHERE plane = $1 AND (since_epoch > $2 OR (since_epoch = $2 AND since_seq > $3))
        AND length(content) <= $4 ORDER BY length(content), blobs.digest";
    COLLECT = "DELETE FROM blobs WHERE touched_at < $1 AND NOT EXISTS
        (SELECT 1 FROM publication_blobs WHERE publication_blobs.digest = blobs.digest)";
}

/// What a plane is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publication {
    /// To which plane.
    pub plane: PlaneId,
    /// The feed's epoch it was made at.
    pub epoch: u64,
    /// The feed's position it was made at.
    pub seq: u64,
    /// Up to which position everything is in it: less than `seq` where it has newer revocations with
    /// older records.
    pub records: u64,
    /// Up to which position everything is in it but for those whom it names as changed.
    pub base: u64,
    /// The signed manifest.
    pub manifest: String,
    /// When.
    pub published_at: Time,
    /// When everything in it was last known to be the newest.
    pub complete_at: Time,
}

/// Where a publication stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// Which plane was told.
    pub plane: PlaneId,
    /// [`Publication::epoch`].
    pub epoch: u64,
    /// [`Publication::seq`].
    pub seq: u64,
    /// [`Publication::records`].
    pub records: u64,
    /// [`Publication::base`].
    pub base: u64,
}

/// A content-addressed piece of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blob {
    /// SHA-256 of the content.
    pub digest: Digest,
    /// The content.
    pub content: Vec<u8>,
}

/// Manifests and blobs. They are made from the feed and don't move it.
#[derive(Debug)]
pub struct Publications<'u, U>(pub(crate) &'u mut U);

impl<U: Unit> Publications<'_, U> {
    /// What a plane was last told.
    pub async fn get(&mut self, plane: PlaneId) -> Result<Option<Publication>, StoreError> {
        let row = self.0.tx().first(GET, bind![plane]).await?;
        row.as_ref().map(record).transpose()
    }

    /// Where each plane's last publication stands: a cheap look for replicas of control that hold
    /// polls open.
    pub async fn positions(&mut self) -> Result<Vec<Told>, StoreError> {
        let rows = self.0.tx().fetch(POSITIONS, bind![]).await?;
        rows.iter()
            .map(|row| {
                let mut fields = row.fields();
                Ok(Told {
                    plane: fields.take()?,
                    epoch: fields.take()?,
                    seq: fields.take()?,
                    records: fields.take()?,
                    base: fields.take()?,
                })
            })
            .collect()
    }

    /// A blob that the plane's manifest names.
    pub async fn blob(
        &mut self,
        plane: PlaneId,
        digest: &Digest,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let tx = self.0.tx();
        if tx.first(NAMED, bind![plane, digest]).await?.is_none() {
            return Ok(None);
        }
        let row = tx.first(BLOB, bind![digest]).await?;
        row.map(|row| row.only()).transpose()
    }

    /// The blobs of the plane's manifest that an earlier one, at this position, didn't name, without
    /// those of more than `most` bytes; small ones first.
    pub async fn blobs_since(
        &mut self,
        plane: PlaneId,
        (epoch, seq): (u64, u64),
        most: u32,
    ) -> Result<Vec<Blob>, StoreError> {
        let values = bind![plane, epoch, seq, most];
        let rows = self.0.tx().fetch(SINCE, values).await?;
        rows.iter()
            .map(|row| {
                let mut fields = row.fields();
                Ok(Blob {
                    digest: fields.take()?,
                    content: fields.take()?,
                })
            })
            .collect()
    }
}

impl Publications<'_, Write> {
    /// Publishes, if the position is beyond what is published already: compare-and-set, so a
    /// worker that was held up can't put an older manifest, or older records with newer revocations,
    /// over a newer one. Says whether it did; if not, roll back.
    ///
    /// `kept`: blobs that an earlier publication stored and this one names too. They stay known since
    /// then, so that gates which have them are not sent them again. [`StoreError::Reference`] if one
    /// of them is gone.
    pub async fn publish(
        &mut self,
        new: &Publication,
        blobs: &[Blob],
        kept: &[Digest],
    ) -> Result<bool, StoreError> {
        let Publication {
            plane,
            epoch,
            seq,
            records,
            base,
            manifest,
            published_at,
            complete_at,
        } = new;
        let values = bind![
            plane,
            epoch,
            seq,
            records,
            manifest,
            published_at,
            complete_at,
            base
        ];
        if self.0.note(PUBLISH, values).await? == 0 {
            return Ok(false);
        }
        for Blob { digest, content } in blobs {
            self.0
                .note(PUT_BLOB, bind![digest, content, published_at])
                .await?;
            self.0
                .note(NAME_BLOB, bind![plane, digest, epoch, seq])
                .await?;
        }
        for digest in kept {
            self.0
                .note(NAME_BLOB, bind![plane, digest, epoch, seq])
                .await?;
        }
        self.0.note(DROP_NAMES, bind![plane, epoch, seq]).await?;
        Ok(true)
    }

    /// Removes blobs that no manifest names any more and nobody stored since.
    pub async fn collect(&mut self, untouched_since: Time) -> Result<u64, StoreError> {
        self.0.note(COLLECT, bind![untouched_since]).await
    }
}

fn record(row: &Row) -> Result<Publication, StoreError> {
    let mut fields = row.fields();
    Ok(Publication {
        plane: fields.take()?,
        epoch: fields.take()?,
        seq: fields.take()?,
        records: fields.take()?,
        base: fields.take()?,
        manifest: fields.take()?,
        published_at: fields.take()?,
        complete_at: fields.take()?,
    })
}
