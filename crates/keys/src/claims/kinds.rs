//! One struct per kind of token. Times are whole seconds since the epoch. Unknown claims are
//! ignored: an older gate must read a newer control's tokens.

use std::collections::BTreeMap;

use aeolus_model::{
    AirflowRole, OrganizationId, Permission, PlaneId, Resource, Role, SessionId, TokenId, UserId,
};
use serde::de::{Error as _, IgnoredAny};
use serde::{Deserialize, Deserializer, Serialize};

use super::{AccessKind, ApiKind, DirectKind, FederatedKind, Registered, role_or_none};
use crate::status_list::Status;

/// The audience of the access token in a parent domain's cookie: good at every deployment of its
/// organization, but only as that cookie and only for proxies that ask as the original's do.
pub const PARENT_COOKIE: &str = "urn:aeolus:parent-cookie";

/// A user's access token (RFC 9068). Accepted exactly at its `aud`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// Control's public URL.
    pub iss: String,
    /// Control's public URL, `urn:aeolus:deployment:ID` or [`PARENT_COOKIE`].
    pub aud: String,
    /// Who.
    pub sub: UserId,
    /// When it was issued.
    pub iat: i64,
    /// When it ends.
    pub exp: i64,
    /// Its own id.
    #[serde(deserialize_with = "short")]
    pub jti: String,
    /// Which OAuth2 client asked for it.
    #[serde(deserialize_with = "short")]
    pub client_id: String,
    /// The organization it is for; none at control, where people have several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub org: Option<OrganizationId>,
    /// The session it hangs on.
    pub sid: SessionId,
    /// When the person proved who they are.
    pub auth_time: i64,
    /// By what means (RFC 8176).
    #[serde(default)]
    pub amr: Vec<String>,
    /// How strongly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// Always `access`.
    pub kind: AccessKind,
}

/// Where an API token may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Surface {
    /// Control's API.
    Control,
    /// The organization's planes.
    Planes,
}

/// The value of an API token: authority is its record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Api {
    /// Control's public URL.
    pub iss: String,
    /// `urn:aeolus:org:ORG`.
    pub aud: String,
    /// The token's record.
    pub sub: TokenId,
    /// The same: the token is its own client (RFC 9068 §2.2).
    pub client_id: TokenId,
    /// When it was issued.
    pub iat: i64,
    /// From when it is good.
    pub nbf: i64,
    /// When it ends.
    pub exp: i64,
    /// Its own id: another one for each value of the token.
    #[serde(deserialize_with = "short")]
    pub jti: String,
    /// The value's place in the organization's status list.
    pub idx: u32,
    /// The same place as anybody finds it who is no gate; older values don't say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// How far the token can reach.
    pub ent: Resource,
    /// Where it may be used; everywhere if missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub surfaces: Option<Vec<Surface>>,
    /// Always `api`.
    pub kind: ApiKind,
}

/// A direct access token: authority is inside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Direct {
    /// Control's public URL.
    pub iss: String,
    /// `urn:aeolus:direct:ORG`.
    pub aud: String,
    /// The token's id.
    pub sub: TokenId,
    /// The same.
    pub client_id: TokenId,
    /// When it was issued.
    pub iat: i64,
    /// From when it is good.
    pub nbf: i64,
    /// When it ends.
    pub exp: i64,
    /// Its own id.
    #[serde(deserialize_with = "short")]
    pub jti: String,
    /// Its place in the organization's status list.
    pub idx: u32,
    /// The same place as anybody finds it who is no gate; older values don't say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// How far it can reach.
    pub ent: Resource,
    /// What it may do.
    pub grants: Vec<DirectGrant>,
    /// Narrows the roles to these permissions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub perms: Option<Vec<Permission>>,
    /// Always `direct`.
    pub kind: DirectKind,
}

/// A role on a resource, inside a direct access token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectGrant {
    /// Where: `type` and `id`.
    #[serde(flatten)]
    pub resource: Resource,
    /// What.
    pub role: Role,
}

/// A token for a workload that another issuer vouched for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Federated {
    /// Control's public URL.
    pub iss: String,
    /// `urn:aeolus:org:ORG`.
    pub aud: String,
    /// The API token whose authority it has.
    pub sub: TokenId,
    /// The same.
    pub client_id: TokenId,
    /// When it was issued.
    pub iat: i64,
    /// From when it is good.
    pub nbf: i64,
    /// When it ends; at most an hour after `iat`.
    pub exp: i64,
    /// Its own id.
    #[serde(deserialize_with = "short")]
    pub jti: String,
    /// How far it can reach.
    pub ent: Resource,
    /// The trust rule that let it in.
    #[serde(deserialize_with = "short")]
    pub rule: String,
    /// Who the workload is at its own issuer (RFC 8693 §4.1).
    pub act: Act,
    /// Always `federated`.
    pub kind: FederatedKind,
}

/// An actor of another issuer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Act {
    /// Its issuer.
    pub iss: String,
    /// Its name there.
    pub sub: String,
}

/// An `id_token` (OIDC Core §2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdToken {
    /// Control's public URL.
    pub iss: String,
    /// The client.
    pub aud: String,
    /// Who.
    pub sub: UserId,
    /// When it was issued.
    pub iat: i64,
    /// When it ends.
    pub exp: i64,
    /// Its own id.
    #[serde(deserialize_with = "short")]
    pub jti: String,
    /// The client's nonce, given back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// When the person proved who they are.
    pub auth_time: i64,
    /// The session.
    pub sid: SessionId,
    /// By what means.
    #[serde(default)]
    pub amr: Vec<String>,
    /// How strongly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// Left half of the access token's SHA-256 (OIDC Core §3.1.3.6).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_hash: Option<String>,
    /// E-mail address.
    pub email: String,
    /// Whether somebody proved that the address is theirs.
    pub email_verified: bool,
    /// Display name.
    pub name: String,
}

/// A back-channel logout token (OIDC Back-Channel Logout §2.4). It has no nonce, so that it can't
/// be taken for an `id_token`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Logout {
    /// Control's public URL.
    pub iss: String,
    /// The client.
    pub aud: String,
    /// Who.
    pub sub: UserId,
    /// When it was issued.
    pub iat: i64,
    /// When it ends.
    pub exp: i64,
    /// Its own id.
    #[serde(deserialize_with = "short")]
    pub jti: String,
    /// The session that ended.
    pub sid: SessionId,
    /// Exactly the logout event.
    pub events: LogoutEvents,
    /// Refused if present.
    #[serde(default, skip_serializing, deserialize_with = "absent")]
    pub nonce: (),
}

/// The value of `events` in a logout token: one member, an empty object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogoutEvents {
    #[serde(rename = "http://schemas.openid.net/event/backchannel-logout")]
    event: BTreeMap<String, String>,
}

/// What an Airflow 3 gets, signed by its deployment's own key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Airflow3 {
    /// `urn:aeolus:plane:ID`.
    pub iss: String,
    /// `urn:aeolus:deployment:ID`.
    pub aud: String,
    /// The user's or API token's id.
    #[serde(deserialize_with = "short")]
    pub sub: String,
    /// E-mail address; empty for an API token.
    pub email: String,
    /// Display name.
    pub name: String,
    /// What the subject may do in Airflow. Nothing at all is written `none`: Airflow's side refuses
    /// a token without a role, and a page that is refused sends its reader to sign in for ever.
    #[serde(with = "role_or_none")]
    pub role: Option<AirflowRole>,
    /// Names of the subject's teams.
    pub teams: Vec<String>,
    /// 30 s before it was issued: Airflow allows 10 s of difference.
    pub iat: i64,
    /// The same as `iat`.
    pub nbf: i64,
    /// When it ends.
    pub exp: i64,
    /// Its own id: 32 hexadecimal digits.
    #[serde(deserialize_with = "short")]
    pub jti: String,
}

/// What an Airflow 2 gets, signed by the plane's RSA key, or by control's legacy key where there is no
/// gate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Airflow2 {
    /// `urn:aeolus:plane:ID`, or control's public URL.
    pub iss: String,
    /// The deployment's host.
    pub aud: String,
    /// The user's or API token's id.
    #[serde(deserialize_with = "short")]
    pub sub: String,
    /// E-mail address.
    pub email: String,
    /// Display name.
    pub full_name: String,
    /// Airflow's role names.
    pub roles: Vec<String>,
    /// 30 s before it was issued.
    pub iat: i64,
    /// The same as `iat`.
    pub nbf: i64,
    /// When it ends.
    pub exp: i64,
    /// Its own id.
    #[serde(deserialize_with = "short")]
    pub jti: String,
}

/// A plane's proof to control of who it is (RFC 7523 §3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaneAssertion {
    /// `plane:ID`.
    pub iss: String,
    /// The same.
    pub sub: String,
    /// Control's public URL, as a sole string.
    pub aud: String,
    /// When it was issued.
    pub iat: i64,
    /// When it ends: 60 s later.
    pub exp: i64,
    /// Its own id.
    #[serde(deserialize_with = "short")]
    pub jti: String,
}

impl PlaneAssertion {
    /// The plane, if `iss` and `sub` name the same one.
    pub fn plane(&self) -> Option<PlaneId> {
        let plane = self.iss.strip_prefix("plane:")?.parse().ok()?;
        (self.iss == self.sub).then_some(plane)
    }
}

macro_rules! registered {
    ($($name:ident $(with $nbf:ident)?),* $(,)?) => {$(
        impl Registered for $name {
            fn iss(&self) -> &str { &self.iss }
            fn aud(&self) -> &str { &self.aud }
            fn iat(&self) -> i64 { self.iat }
            $(fn nbf(&self) -> Option<i64> { Some(self.$nbf) })?
            fn exp(&self) -> i64 { self.exp }
            fn jti(&self) -> &str { &self.jti }
        }
    )*};
}

registered! {
    Access, Api with nbf, Direct with nbf, Federated with nbf, IdToken, Logout,
    Airflow3 with nbf, Airflow2 with nbf, PlaneAssertion,
}

/// A name: 1 to 255 printable ASCII characters, so that it is safe in a header, a log and a cache.
fn short<'de, D: Deserializer<'de>>(reader: D) -> Result<String, D::Error> {
    let text = String::deserialize(reader)?;
    let safe = text.bytes().all(|byte| byte.is_ascii_graphic());
    if safe && (1..=255).contains(&text.len()) {
        Ok(text)
    } else {
        Err(D::Error::custom("not a name"))
    }
}

fn absent<'de, D: Deserializer<'de>>(reader: D) -> Result<(), D::Error> {
    IgnoredAny::deserialize(reader)?;
    Err(D::Error::custom("must not be present"))
}
