//! What identity providers last said of themselves.

use aeolus_model::{ConnectionId, Time};

use super::{from_json, json};
use crate::StoreError;
use crate::engine::{Row, bind};
use crate::unit::{Unit, Write};

statements! {
    LIST = "SELECT connection, revision, issuer, keys, fetched_at, endpoints FROM provider_keys
        ORDER BY connection";
    PUT = "INSERT INTO provider_keys (connection, revision, issuer, keys, fetched_at, endpoints)
        VALUES ($1, $2, $3, $4, $5, $7)
        ON CONFLICT (connection) DO UPDATE SET revision = excluded.revision,
            issuer = excluded.issuer, keys = excluded.keys, fetched_at = excluded.fetched_at,
            endpoints = excluded.endpoints
        WHERE provider_keys.fetched_at <= excluded.fetched_at
            OR provider_keys.revision < excluded.revision OR provider_keys.fetched_at > $6";
    DROP_OLD = "UPDATE provider_keys SET keys = '[]'
        WHERE connection = $1 AND fetched_at <= $2 AND keys <> '[]'";
}

/// An identity provider's last good answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderKeys {
    /// The connection.
    pub connection: ConnectionId,
    /// The revision of the connection that was asked for: with another one it has to be asked again.
    pub revision: u64,
    /// The issuer of the discovery document.
    pub issuer: String,
    /// The public keys; none if they were dropped for their age.
    pub keys: Vec<ProviderKey>,
    /// When.
    pub fetched_at: Time,
    /// Where it signs people in, if it said so.
    pub endpoints: Option<ProviderEndpoints>,
}

/// Where an identity provider signs people in (RFC 8414 §2).
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ProviderEndpoints {
    /// Where browsers are sent.
    pub authorization: String,
    /// Where codes are exchanged.
    pub token: String,
    /// Whether its answers to browsers name it (RFC 9207 §3).
    pub names_itself: bool,
}

/// A public key of an identity provider.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ProviderKey {
    /// Under which id it was published, if under any.
    pub kid: Option<String>,
    /// The key as a JSON Web Key.
    pub jwk: String,
}

/// What identity providers last said of themselves.
#[derive(Debug)]
pub struct ProviderKeySets<'u, U>(pub(crate) &'u mut U);

impl<U: Unit> ProviderKeySets<'_, U> {
    /// Of every provider that was ever asked: there are few.
    pub async fn list(&mut self) -> Result<Vec<ProviderKeys>, StoreError> {
        let rows = self.0.tx().fetch(LIST, bind![]).await?;
        rows.iter().map(record).collect()
    }
}

impl ProviderKeySets<'_, Write> {
    /// Keeps an answer, unless one is kept that was asked for later: two replicas of control may ask
    /// at once, and the slower one must not bring back what the provider has taken out. What claims
    /// to be from after `now` is a clock's error and is replaced. Only an answer that says something
    /// new makes new snapshots.
    pub async fn put(&mut self, new: &ProviderKeys, now: Time) -> Result<(), StoreError> {
        let held = self.list().await?;
        let same = held.iter().any(|held| {
            held.connection == new.connection
                && held.issuer == new.issuer
                && held.keys == new.keys
                && held.endpoints == new.endpoints
        });
        let ProviderKeys {
            connection,
            revision,
            issuer,
            keys,
            fetched_at,
            endpoints,
        } = new;
        let endpoints = endpoints.as_ref().map_or(Ok(String::new()), json)?;
        let keys = json(keys)?;
        let values = bind![
            connection, revision, issuer, keys, fetched_at, now, endpoints
        ];
        let done = if same {
            self.0.note(PUT, values).await
        } else {
            self.0.change(PUT, values).await
        };
        done.map(|_| ())
    }

    /// Drops the keys of a provider that was last heard at `until` or before; whether there were any.
    /// When it was heard stays, so that it is asked on.
    pub async fn drop_old(
        &mut self,
        connection: ConnectionId,
        until: Time,
    ) -> Result<bool, StoreError> {
        let values = bind![connection, until];
        Ok(self.0.change(DROP_OLD, values).await? > 0)
    }
}

fn record(row: &Row) -> Result<ProviderKeys, StoreError> {
    let mut fields = row.fields();
    Ok(ProviderKeys {
        connection: fields.take()?,
        revision: fields.take()?,
        issuer: fields.take()?,
        keys: from_json(&fields.take::<String>()?)?,
        fetched_at: fields.take()?,
        endpoints: match fields.take::<String>()? {
            text if text.is_empty() => None,
            text => Some(from_json(&text)?),
        },
    })
}
