//! Device codes, kept by digests of what a machine holds and of what a person types.

use std::time::Duration;

use aeolus_model::{DeviceCode, DeviceStage, SessionId, Time};

use super::Digest;
use crate::StoreError;
use crate::engine::{Row, bind};
use crate::unit::{Unit, Write};

/// The columns of a device code.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT client_id, scope, source, issued_at, polled_at, pace, decided_at, session, used_at
            FROM device_codes ",
            $rest
        )
    };
}

statements! {
    GET = select!("WHERE digest = $1");
    BY_USER_CODE = select!("WHERE user_code = $1");
    INSERT = "INSERT INTO device_codes (digest, user_code, client_id, scope, source, issued_at, pace)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    POLLED = "UPDATE device_codes SET polled_at = $2, pace = $3 WHERE digest = $1";
    DECIDE = "UPDATE device_codes SET decided_at = $2, session = $3
        WHERE user_code = $1 AND decided_at IS NULL";
    TAKE = "UPDATE device_codes SET used_at = $2
        WHERE digest = $1 AND used_at IS NULL AND session IS NOT NULL";
    FORGET = "DELETE FROM device_codes WHERE issued_at < $1";
}

/// Device codes.
#[derive(Debug)]
pub struct DeviceCodes<'u, U>(pub(crate) &'u mut U);

impl<U: Unit> DeviceCodes<'_, U> {
    /// By the digest of what the machine holds.
    pub async fn get(&mut self, digest: &Digest) -> Result<Option<DeviceCode>, StoreError> {
        let row = self.0.tx().first(GET, bind![digest]).await?;
        row.as_ref().map(record).transpose()
    }

    /// By the digest of what a person types.
    pub async fn by_user_code(
        &mut self,
        user_code: &Digest,
    ) -> Result<Option<DeviceCode>, StoreError> {
        let row = self.0.tx().first(BY_USER_CODE, bind![user_code]).await?;
        row.as_ref().map(record).transpose()
    }
}

impl DeviceCodes<'_, Write> {
    /// Keeps one that nobody has decided about.
    pub async fn insert(
        &mut self,
        (digest, user_code): (&Digest, &Digest),
        code: &DeviceCode,
    ) -> Result<(), StoreError> {
        let DeviceCode {
            client_id,
            scope,
            source,
            issued_at,
            stage: DeviceStage::Pending,
            polled_at: None,
            pace,
        } = code
        else {
            return Err(StoreError::Conflict);
        };
        let pace = pace.as_secs();
        let mut values = bind![digest, user_code, client_id, scope, source];
        values.extend(bind![issued_at, pace]);
        taken!(self.0.note(INSERT, values).await, Record).map(|_| ())
    }

    /// Notes that the machine asked, and at which pace it may ask again.
    pub async fn polled(
        &mut self,
        digest: &Digest,
        at: Time,
        pace: Duration,
    ) -> Result<(), StoreError> {
        let values = bind![digest, at, pace.as_secs()];
        self.0.note(POLLED, values).await.map(|_| ())
    }

    /// Decides: with a session, yes. Of any number of decisions at once one counts; says whether it was
    /// this one.
    pub async fn decide(
        &mut self,
        user_code: &Digest,
        at: Time,
        session: Option<SessionId>,
    ) -> Result<bool, StoreError> {
        let values = bind![user_code, at, session];
        Ok(self.0.note(DECIDE, values).await? > 0)
    }

    /// Uses one up that somebody agreed to. Of any number of uses at once one counts; says whether it
    /// was this one.
    pub async fn take(&mut self, digest: &Digest, at: Time) -> Result<bool, StoreError> {
        Ok(self.0.note(TAKE, bind![digest, at]).await? > 0)
    }

    /// Forgets those asked for before.
    pub async fn forget(&mut self, issued_before: Time) -> Result<u64, StoreError> {
        self.0.note(FORGET, bind![issued_before]).await
    }
}

fn record(row: &Row) -> Result<DeviceCode, StoreError> {
    let mut fields = row.fields();
    let (client_id, scope, source) = (fields.take()?, fields.take()?, fields.take()?);
    let (issued_at, polled_at) = (fields.take()?, fields.maybe()?);
    let pace = Duration::from_secs(fields.take()?);
    let decided_at: Option<Time> = fields.maybe()?;
    let session: Option<SessionId> = fields.maybe()?;
    let used_at: Option<Time> = fields.maybe()?;
    Ok(DeviceCode {
        client_id,
        scope,
        source,
        issued_at,
        stage: match (decided_at, session, used_at) {
            (None, ..) => DeviceStage::Pending,
            (Some(_), None, _) => DeviceStage::Denied,
            (Some(_), Some(session), None) => DeviceStage::Approved { session },
            (Some(_), Some(_), Some(_)) => DeviceStage::Used,
        },
        polled_at,
        pace,
    })
}
