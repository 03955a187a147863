//! Sessions as people and administrators see them.

use aeolus_model::{Email, OrganizationId, SessionId, Slug, UserId};
use serde::{Deserialize, Serialize};

use crate::PlaneAcks;

/// A live session. Times are seconds since the epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// Its id, the `sid` of every token that hangs on it.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Id"))]
    pub id: SessionId,
    /// Whose it is.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Id"))]
    pub user_id: UserId,
    /// Their address.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Email"))]
    pub email: Email,
    /// The name of the connection that they came through.
    pub connection: String,
    /// When they proved who they are.
    pub auth_time: i64,
    /// How (RFC 8176); with `mfa` in it, a second factor was part of it.
    #[serde(default)]
    pub amr: Vec<String>,
    /// When a gate last renewed it or control itself was last used with it; of an organization's list,
    /// only what happened there. Absent: not since the sign-in, as far as is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen_at: Option<i64>,
    /// After this nothing extends it.
    pub absolute_end: i64,
    /// From which address they signed in; empty if it isn't known.
    pub source: String,
    /// What their browser called itself then; empty if it didn't say.
    pub user_agent: String,
    /// Where it was used; of an organization's list, only that one.
    pub organizations: Vec<SessionPlace>,
    /// Whether it is the one that asks.
    pub current: bool,
}

/// An organization in which a session was used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct SessionPlace {
    /// Its id.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Id"))]
    pub id: OrganizationId,
    /// Its name.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Slug"))]
    pub name: Slug,
}

/// The answer to ending sessions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct SessionsEnded {
    /// Those that are over now and weren't before.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<crate::schema::Id>"))]
    pub ended: Vec<SessionId>,
    /// The position of the change in the feed.
    pub seq: u64,
    /// With `wait=planes`: who refuses them already, of the planes where they were used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planes: Option<PlaneAcks>,
}

/// The answer to resetting somebody's second factor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct SecondFactorReset {
    /// Whose.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Id"))]
    pub user_id: UserId,
    /// Their address.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Email"))]
    pub email: Email,
    /// Whether there was one.
    pub reset: bool,
    /// How many of their sessions ended with it.
    pub sessions_ended: u64,
    /// The position of the change in the feed.
    pub seq: u64,
}
