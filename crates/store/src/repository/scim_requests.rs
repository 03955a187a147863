//! The last requests of provisioning clients, their bodies masked.

use aeolus_model::{ConnectionId, ScimRequestId, Time};

use crate::StoreError;
use crate::engine::{Row, bind};
use crate::unit::{Unit, Write};

statements! {
    BEFORE = "SELECT id, connection, at, method, path, query, status, scim_type, detail, took_ms,
        credential, source, request_id, body FROM scim_requests
        WHERE connection = $1 AND id < $2 ORDER BY id DESC LIMIT $3";
    LAST = "SELECT id, connection, at, method, path, query, status, scim_type, detail, took_ms,
        credential, source, request_id, body FROM scim_requests
        WHERE connection = $1 ORDER BY id DESC LIMIT $2";
    AFTER = "SELECT id, connection, at, method, path, query, status, scim_type, detail, took_ms,
        credential, source, request_id, body FROM scim_requests
        WHERE connection = $1 AND id > $2 ORDER BY id LIMIT $3";
    INSERT = "INSERT INTO scim_requests (id, connection, at, method, path, query, status, scim_type,
        detail, took_ms, credential, source, request_id, body)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";
    FORGET = "DELETE FROM scim_requests WHERE at < $1";
    WHOSE = "SELECT DISTINCT connection FROM scim_requests";
    CUT = "DELETE FROM scim_requests WHERE connection = $1 AND id <= (SELECT id FROM scim_requests
        WHERE connection = $1 ORDER BY id DESC LIMIT 1 OFFSET $2)";
}

/// A request of a provisioning client and how it was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScimRequest {
    /// Its id, which sorts by time.
    pub id: ScimRequestId,
    /// The connection that it was for.
    pub connection: ConnectionId,
    /// When it came.
    pub at: Time,
    /// Its method.
    pub method: String,
    /// Its path below the connection's endpoint.
    pub path: String,
    /// Its query, values masked.
    pub query: String,
    /// The answer's status.
    pub status: u64,
    /// The kind of refusal; empty where there is none.
    pub scim_type: String,
    /// Why it was refused; empty where it wasn't.
    pub detail: String,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// The name of the credential; empty where none was good.
    pub credential: String,
    /// From which address.
    pub source: String,
    /// The request's id, to find it in the logs.
    pub request_id: String,
    /// Its body, values masked; empty where there was none.
    pub body: String,
}

/// The last requests of provisioning clients.
#[derive(Debug)]
pub struct ScimRequests<'u, U>(pub(crate) &'u mut U);

impl<U: Unit> ScimRequests<'_, U> {
    /// Of a connection, the newest first, from before one or from the end.
    pub async fn before(
        &mut self,
        connection: ConnectionId,
        before: Option<ScimRequestId>,
        most: u32,
    ) -> Result<Vec<ScimRequest>, StoreError> {
        let tx = self.0.tx();
        let rows = match before {
            Some(id) => tx.fetch(BEFORE, bind![connection, id, most]).await?,
            None => tx.fetch(LAST, bind![connection, most]).await?,
        };
        rows.iter().map(record).collect()
    }

    /// Of a connection after one, the oldest first.
    pub async fn after(
        &mut self,
        connection: ConnectionId,
        after: ScimRequestId,
        most: u32,
    ) -> Result<Vec<ScimRequest>, StoreError> {
        let values = bind![connection, after, most];
        let rows = self.0.tx().fetch(AFTER, values).await?;
        rows.iter().map(record).collect()
    }
}

impl ScimRequests<'_, Write> {
    /// Notes one.
    pub async fn insert(&mut self, new: &ScimRequest) -> Result<(), StoreError> {
        let values = bind![
            new.id,
            new.connection,
            new.at,
            new.method,
            new.path,
            new.query,
            new.status,
            new.scim_type,
            new.detail,
            new.took_ms,
            new.credential,
            new.source,
            new.request_id,
            new.body
        ];
        self.0.note(INSERT, values).await.map(|_| ())
    }

    /// Forgets what is from before a moment, and of each connection all but the last `most`.
    pub async fn forget(&mut self, before: Time, most: u32) -> Result<(), StoreError> {
        self.0.note(FORGET, bind![before]).await?;
        let rows = self.0.tx().fetch(WHOSE, bind![]).await?;
        for row in &rows {
            let connection: ConnectionId = row.only()?;
            self.0.note(CUT, bind![connection, most]).await?;
        }
        Ok(())
    }
}

fn record(row: &Row) -> Result<ScimRequest, StoreError> {
    let mut fields = row.fields();
    Ok(ScimRequest {
        id: fields.take()?,
        connection: fields.take()?,
        at: fields.take()?,
        method: fields.take()?,
        path: fields.take()?,
        query: fields.take()?,
        status: fields.take()?,
        scim_type: fields.take()?,
        detail: fields.take()?,
        took_ms: fields.take()?,
        credential: fields.take()?,
        source: fields.take()?,
        request_id: fields.take()?,
        body: fields.take()?,
    })
}
