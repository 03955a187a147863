//! The sections of a snapshot as they travel: protobuf, so that an older gate skips fields it does
//! not know. Ids are their 16 bytes, times are seconds since the epoch, durations are seconds.
//!
//! Field numbers are final. A record is identified by its key (said at each section); sections are
//! encoded with their records sorted by key, so that equal content has equal bytes.

mod certificates;
mod changes;
mod connections;
mod rollout;

use prost::{Enumeration, Message};

pub use certificates::{Certificate, CertificateStage, Certificates};
pub use changes::{Changes, Gone};
pub use connections::{Connection, Connections, PlaneRegistration, ProviderKey, SessionTokens};
pub use rollout::{FallBack, Rollout, RolloutPath, Rollouts};

/// Section `deployments`: what lives on the plane. Key: deployment id.
#[derive(Clone, PartialEq, Message)]
pub struct Deployments {
    /// The deployments.
    #[prost(message, repeated, tag = "1")]
    pub deployments: Vec<Deployment>,
}

/// One deployment.
#[derive(Clone, PartialEq, Message)]
pub struct Deployment {
    /// Its id.
    #[prost(bytes = "vec", tag = "1")]
    pub id: Vec<u8>,
    /// Its organization's id.
    #[prost(bytes = "vec", tag = "2")]
    pub organization: Vec<u8>,
    /// Its workspace's id.
    #[prost(bytes = "vec", tag = "3")]
    pub workspace: Vec<u8>,
    /// Its place in the tree: `organization/workspace/deployment`, by slugs.
    #[prost(string, tag = "4")]
    pub name: String,
    /// Where it answers.
    #[prost(message, repeated, tag = "5")]
    pub routes: Vec<Route>,
    /// `http://host:port` that the built-in proxy forwards to; empty where another proxy does.
    #[prost(string, tag = "6")]
    pub upstream: String,
    /// Which paths mean what.
    #[prost(enumeration = "Profile", tag = "7")]
    pub profile: i32,
    /// The deployment's own path rules, in order.
    #[prost(message, repeated, tag = "8")]
    pub rules: Vec<PathRule>,
    /// Age of knowledge after which `stale_then` takes hold.
    #[prost(uint64, tag = "9")]
    pub max_stale: u64,
    /// Age after which every policy but `StaticAllow` is `Deny`.
    #[prost(uint64, tag = "10")]
    pub hard_stale: u64,
    /// What then.
    #[prost(enumeration = "StalePolicy", tag = "11")]
    pub stale_then: i32,
    /// CIDR blocks from which Airflow's own task tokens pass through; none means refused.
    #[prost(string, repeated, tag = "12")]
    pub task_execution_from: Vec<String>,
    /// From which networks, in CIDR notation, anybody may ask for what isn't public: its organization's.
    /// Empty: from anywhere.
    #[prost(string, repeated, tag = "13")]
    pub networks: Vec<String>,
    /// Whether its organization wants a second factor of people. Control lets no session without one in; a
    /// gate looks at what it doesn't come from: tokens of identity providers, and sessions that began here.
    #[prost(bool, tag = "14")]
    pub second_factor: bool,
}

/// A place where a deployment answers.
#[derive(Clone, PartialEq, Message)]
pub struct Route {
    /// Canonical host name.
    #[prost(string, tag = "1")]
    pub host: String,
    /// Canonical path prefix, or empty for the whole host.
    #[prost(string, tag = "2")]
    pub path_prefix: String,
}

/// A deployment's own rule.
#[derive(Clone, PartialEq, Message)]
pub struct PathRule {
    /// The pattern's text.
    #[prost(string, tag = "1")]
    pub path: String,
    /// Method names; none means all.
    #[prost(string, repeated, tag = "2")]
    pub methods: Vec<String>,
    /// A permission's name, `public` or `pass-through`.
    #[prost(string, tag = "3")]
    pub require: String,
}

/// The kind of application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enumeration)]
#[repr(i32)]
pub enum Profile {
    /// Never sent. A gate that reads it (or a number it doesn't know) refuses the deployment.
    Unspecified = 0,
    /// Airflow 3.
    Airflow3 = 1,
    /// Airflow 2.
    Airflow2 = 2,
    /// Only own rules.
    Custom = 3,
}

/// The staleness policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enumeration)]
#[repr(i32)]
pub enum StalePolicy {
    /// Never sent. A gate that reads it (or a number it doesn't know) takes `Deny`.
    Unspecified = 0,
    /// Refuse everything.
    Deny = 1,
    /// Good stays good until its own end.
    ServeUntilExp = 2,
    /// The same for reads only.
    ReadOnly = 3,
    /// The same without the hard bound.
    StaticAllow = 4,
}

/// Section `subjects`: who has any effective permission on this plane. Key: (kind, id).
#[derive(Clone, PartialEq, Message)]
pub struct Subjects {
    /// People and tokens.
    #[prost(message, repeated, tag = "1")]
    pub subjects: Vec<Subject>,
    /// The teams they are in.
    #[prost(message, repeated, tag = "2")]
    pub teams: Vec<Team>,
}

/// A person or an API token.
#[derive(Clone, PartialEq, Message)]
pub struct Subject {
    /// Its id.
    #[prost(bytes = "vec", tag = "1")]
    pub id: Vec<u8>,
    /// Which kind of id.
    #[prost(enumeration = "SubjectKind", tag = "2")]
    pub kind: i32,
    /// E-mail address of a person; empty for a token.
    #[prost(string, tag = "3")]
    pub email: String,
    /// Display name of a person, name of a token.
    #[prost(string, tag = "4")]
    pub name: String,
    /// Ids of the person's teams.
    #[prost(bytes = "vec", repeated, tag = "5")]
    pub teams: Vec<Vec<u8>>,
    /// HMAC(plane salt, connection ‖ issuer ‖ stable subject): how a plane finds a person who
    /// signs in while control is away.
    #[prost(bytes = "vec", repeated, tag = "6")]
    pub identities: Vec<Vec<u8>>,
}

/// What a subject's id is the id of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enumeration)]
#[repr(i32)]
pub enum SubjectKind {
    /// Never sent; the record is skipped.
    Unspecified = 0,
    /// A person.
    User = 1,
    /// An API token.
    Token = 2,
    /// A team (only in grants).
    Team = 3,
}

/// A team.
#[derive(Clone, PartialEq, Message)]
pub struct Team {
    /// Its id.
    #[prost(bytes = "vec", tag = "1")]
    pub id: Vec<u8>,
    /// Its slug, as it goes into the Airflow token's `teams`.
    #[prost(string, tag = "2")]
    pub name: String,
}

/// Section `grants`: who has what where. Key: (subject kind, subject, resource kind, resource).
#[derive(Clone, PartialEq, Message)]
pub struct GrantList {
    /// The grants, the roles already resolved to permissions.
    #[prost(message, repeated, tag = "1")]
    pub grants: Vec<Grant>,
}

/// Permissions that a subject holds on a resource and below it.
#[derive(Clone, PartialEq, Message)]
pub struct Grant {
    /// Which kind of subject.
    #[prost(enumeration = "SubjectKind", tag = "1")]
    pub subject_kind: i32,
    /// Who.
    #[prost(bytes = "vec", tag = "2")]
    pub subject: Vec<u8>,
    /// Which kind of resource.
    #[prost(enumeration = "ResourceKind", tag = "3")]
    pub resource_kind: i32,
    /// Where; empty for the system.
    #[prost(bytes = "vec", tag = "4")]
    pub resource: Vec<u8>,
    /// `PermissionSet::to_bytes`, trailing zero bytes cut.
    #[prost(bytes = "vec", tag = "5")]
    pub permissions: Vec<u8>,
}

/// What a resource's id is the id of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enumeration)]
#[repr(i32)]
pub enum ResourceKind {
    /// Never sent; the record is skipped.
    Unspecified = 0,
    /// The installation.
    System = 1,
    /// An organization.
    Organization = 2,
    /// A workspace.
    Workspace = 3,
    /// A deployment.
    Deployment = 4,
}

/// Section `revocations/ORG`: what of one organization is no longer good.
///
/// Credentials without an index (at most an hour old, or an identity provider's) obey the marks.
#[derive(Clone, PartialEq, Message)]
pub struct Revocations {
    /// Status bits, one per token value, least significant bit first: 1 is revoked. An index past
    /// the end is refused.
    #[prost(bytes = "vec", tag = "1")]
    pub status: Vec<u8>,
    /// Values that end earlier than their `exp`: rotation grace. Key: index.
    #[prost(message, repeated, tag = "2")]
    pub ends: Vec<End>,
    /// Nothing of this organization issued before this is good; 0 for none.
    #[prost(int64, tag = "3")]
    pub not_before: i64,
    /// Per subject: nothing issued before is good. Key: (kind, id).
    #[prost(message, repeated, tag = "4")]
    pub marks: Vec<Mark>,
    /// Ended sessions that would otherwise still be good. Key: session id.
    #[prost(message, repeated, tag = "5")]
    pub sessions: Vec<EndedSession>,
    /// Times of which control's database has lost the memory, by a restore from a backup. Nothing
    /// issued (a session: authenticated) within one is good.
    #[prost(message, repeated, tag = "6")]
    pub lost: Vec<Lost>,
}

/// A time that control does not remember.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Message)]
pub struct Lost {
    /// Its first second.
    #[prost(int64, tag = "1")]
    pub from: i64,
    /// The second after its last.
    #[prost(int64, tag = "2")]
    pub until: i64,
}

/// The end of one token value.
#[derive(Clone, PartialEq, Message)]
pub struct End {
    /// The value's place in the status bits.
    #[prost(uint32, tag = "1")]
    pub index: u32,
    /// Its last good second.
    #[prost(int64, tag = "2")]
    pub not_after: i64,
}

/// A not-before mark.
#[derive(Clone, PartialEq, Message)]
pub struct Mark {
    /// Which kind of subject.
    #[prost(enumeration = "SubjectKind", tag = "1")]
    pub subject_kind: i32,
    /// Who.
    #[prost(bytes = "vec", tag = "2")]
    pub subject: Vec<u8>,
    /// Nothing issued (a session: authenticated) before this second is good.
    #[prost(int64, tag = "3")]
    pub not_before: i64,
}

/// A session that was ended.
#[derive(Clone, PartialEq, Message)]
pub struct EndedSession {
    /// Its id.
    #[prost(bytes = "vec", tag = "1")]
    pub id: Vec<u8>,
    /// Its absolute end: the record may be dropped after it.
    #[prost(int64, tag = "2")]
    pub absolute_end: i64,
}

/// Section `keys`: whose signatures a gate accepts. Key: kid.
#[derive(Clone, PartialEq, Message)]
pub struct Keys {
    /// The issuer of every token these keys sign.
    #[prost(string, tag = "1")]
    pub issuer: String,
    /// The keys. Each signs one kind of token with one algorithm.
    #[prost(message, repeated, tag = "2")]
    pub keys: Vec<TokenKey>,
}

/// A key that signs tokens.
#[derive(Clone, PartialEq, Message)]
pub struct TokenKey {
    /// The kind it signs: `access`, `api`, `direct`, `federated`, `id`, `logout`, `status-list`.
    #[prost(string, tag = "1")]
    pub kind: String,
    /// The public key as a JSON Web Key.
    #[prost(string, tag = "2")]
    pub jwk: String,
}
