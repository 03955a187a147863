//! The plane protocol: what gates and control say to each other. Gates always ask; control never
//! connects to a plane.

use std::collections::BTreeMap;
use std::net::IpAddr;

use aeolus_model::{DeploymentId, PlaneId, Slug};
use serde::{Deserialize, Serialize};

use crate::{Base64Bytes, Withheld, rollout};

mod event;

pub use event::{Event, TokenUse};

/// `POST /v1/planes`: adds a plane.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlaneCreate {
    /// Its name.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Slug"))]
    pub name: Slug,
    /// The host on which the plane can sign people in by itself, if it is to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_host: Option<String>,
}

/// A plane, as control sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Plane {
    /// Its id.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Id"))]
    pub id: PlaneId,
    /// Its name.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Slug"))]
    pub name: Slug,
    /// The host on which it signs people in by itself, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_host: Option<String>,
    /// The one redirect of its clients at identity providers, where it has an `authHost`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect_uri: Option<String>,
    /// Where it stands.
    pub state: PlaneState,
    /// The position its newest snapshot stands for; 0 before the first.
    pub published_seq: u64,
    /// The position the plane last confirmed; 0 before the first.
    pub applied_seq: u64,
    /// When one of its gates last asked, in seconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen_at: Option<i64>,
    /// Set while control publishes nothing for the plane, with the reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alarm: Option<String>,
}

/// Where a plane stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum PlaneState {
    /// Waiting for its first gate.
    Invited,
    /// Its gates may ask.
    Enrolled,
    /// Its identity is no longer believed.
    Quarantined,
}

/// The answer to a change of a plane.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct PlaneChanged {
    /// The plane.
    #[serde(flatten)]
    pub plane: Plane,
    /// The position of the change in the feed.
    pub seq: u64,
}

/// The answer to adding a plane. `join_token` is shown once.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct PlaneCreated {
    /// The plane.
    pub plane: Plane,
    /// For `aeolus gate enroll`; good for one hour and one enrolment. A repeated answer is without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub join_token: Option<String>,
    /// In place of the join token, in a repeated answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withheld: Option<Withheld>,
    /// The position of the change in the feed.
    pub seq: u64,
}

/// `POST /v1/planes/enroll`: a gate proves that it was invited and shows its identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct EnrollRequest {
    /// Which plane, from the join token.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Id"))]
    pub plane: PlaneId,
    /// 16 to 64 random bytes as base64url.
    pub nonce: String,
    /// The plane's public identity key (Ed25519).
    pub identity_jwk: serde_json::Value,
    /// Base64url HMAC-SHA256 under the join secret of the length-prefixed identity key (its 32 raw
    /// bytes), nonce (its bytes) and SHA-256 of the root document: the secret itself never travels.
    pub proof: String,
}

/// The answer to an enrolment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct EnrollAnswer {
    /// The text of the first root document, byte for byte, to be checked against the join token's
    /// hash before anything else in this answer is believed.
    pub root: String,
    /// The issuer of control's tokens and the audience of plane assertions.
    pub issuer: String,
    /// The newest manifest, if there is one already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest: Option<String>,
}

/// `GET /v1/planes/self/manifest?after=EPOCH.SEQ&records=SEQ&wait=SECONDS&root=VERSION`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ManifestAnswer {
    /// The newest manifest, if it is newer than `after`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest: Option<String>,
    /// The signed statement of control's time and the plane's newest position.
    pub freshness: String,
    /// Up to 64 KiB of the blobs that changed since `after`, by lower-case hex SHA-256. What is
    /// not here is fetched by its digest.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[cfg_attr(
        feature = "schema",
        schemars(with = "BTreeMap<String, crate::schema::Bytes>")
    )]
    pub blobs: BTreeMap<String, Base64Bytes>,
    /// The text of the next root document, if there is one after `root`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<String>,
}

/// `POST /v1/planes/self/status`, every 15 s.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// Which gate of the plane: random, chosen at its start.
    pub replica: String,
    /// Epoch of the snapshot in force.
    pub epoch: u64,
    /// Position of the snapshot in force.
    pub seq: u64,
    /// The position up to which everything is in it; absent: `seq`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records: Option<u64>,
    /// The gate's program version.
    pub version: String,
    /// The newest format of snapshots that it reads; absent: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reader: Option<u32>,
    /// Requests refused in the last minute.
    #[serde(default)]
    pub denies_last_minute: u64,
    /// Requests checked in the last minute.
    #[serde(default)]
    pub checks_last_minute: u64,
    /// Age of the gate's knowledge, in seconds.
    #[serde(default)]
    pub age: u64,
    /// What was counted of each rollout since the start.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rollouts: Vec<rollout::Report>,
}

/// The answer to a batch of events. The same `Idempotency-Key` gets the same answer again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct EventsAnswer {
    /// Lines taken.
    pub accepted: u64,
    /// Lines of unknown type or form.
    pub skipped: u64,
}

/// `POST /v1/planes/self/sessions/{sid}/renew`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RenewRequest {
    /// The deployment at which the session is in use.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Id"))]
    pub deployment: DeploymentId,
}

/// The code of a refusal (410) to renew a session that is over in the organization of the deployment, while it
/// may go on in others. A gate that doesn't know it takes it for any other end.
pub const OVER_IN_ORGANIZATION: &str = "session-over-in-organization";

/// A renewed session's new ends, in seconds since the epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RenewAnswer {
    /// Until when the session may be used without another renewal.
    pub access_end: i64,
    /// When it ends whatever happens.
    pub absolute_end: i64,
}

/// `POST /v1/planes/self/check`: the question that the gate has allowed already, on the central path.
///
/// Fields that control doesn't know are left out of account, as in all that gates send: gates of a newer
/// release go on at a control that is older.
///
/// Of a browser's cookies only what the gate read in the session's is there: control can't open it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct CheckRequest {
    /// The method.
    pub method: String,
    /// The `Host` line; absent only where the target is absolute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The request target, byte for byte.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Bytes"))]
    pub target: Base64Bytes,
    /// The client's address, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::Address>"))]
    pub peer: Option<IpAddr>,
    /// The deployment it leads to.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Id"))]
    pub deployment: DeploymentId,
    /// The bearer credential, byte for byte.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::Bytes>"))]
    pub authorization: Option<Base64Bytes>,
    /// The session that the gate has opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::Bytes>"))]
    pub session: Option<Base64Bytes>,
    /// The parent domain's cookie that the gate has read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::Bytes>"))]
    pub parent: Option<Base64Bytes>,
    /// `Origin`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::Bytes>"))]
    pub origin: Option<Base64Bytes>,
    /// `Sec-Fetch-Site`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::Bytes>"))]
    pub fetch_site: Option<Base64Bytes>,
    /// Whether it opens a websocket.
    #[serde(default)]
    pub websocket: bool,
}

/// What control decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct CheckAnswer {
    /// `allow`, or the stable code of the reason against it.
    pub verdict: String,
}

impl CheckAnswer {
    /// The word for consent.
    pub const ALLOW: &'static str = "allow";

    /// Whether control has nothing against it.
    pub fn is_consent(&self) -> bool {
        self.verdict == Self::ALLOW
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bytes() -> impl Strategy<Value = Option<Base64Bytes>> {
        prop::option::of(prop::collection::vec(any::<u8>(), 0..40).prop_map(Base64Bytes))
    }

    prop_compose! {
        /// As it travels: who holds a question can't print it.
        fn check()(
            (method, host, target) in (".*", prop::option::of(".*"), bytes()),
            peer in prop::option::of(any::<IpAddr>()),
            id in any::<[u8; 16]>(),
            (authorization, session, parent) in (bytes(), bytes(), bytes()),
            (origin, fetch_site, websocket) in (bytes(), bytes(), any::<bool>()),
        ) -> serde_json::Value {
            let asked = CheckRequest {
                method,
                host,
                target: target.unwrap_or(Base64Bytes(Vec::new())),
                peer,
                deployment: DeploymentId::from_bytes(id),
                authorization,
                session,
                parent,
                origin,
                fetch_site,
                websocket,
            };
            serde_json::to_value(asked).unwrap()
        }
    }

    proptest! {
        #[test]
        fn a_question_arrives_as_it_was_asked(asked in check()) {
            let read: CheckRequest = serde_json::from_value(asked.clone()).unwrap();
            prop_assert_eq!(serde_json::to_value(&read).unwrap(), asked.clone());
            let mut newer = asked;
            newer["somethingNew"] = true.into();
            let same: CheckRequest = serde_json::from_value(newer).unwrap();
            prop_assert!(same == read);
        }

        #[test]
        fn bytes_from_anywhere_are_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = serde_json::from_slice::<CheckRequest>(&bytes);
        }
    }
}
