//! What can go wrong, in words an operator can act on.

/// Which unique thing exists already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Taken {
    /// An organization of this name.
    Organization,
    /// A workspace of this name in the organization.
    Workspace,
    /// A deployment of this name in the workspace.
    Deployment,
    /// A deployment at this host and path prefix.
    Route,
    /// A plane of this name.
    Plane,
    /// A user with this e-mail address.
    User,
    /// A team of this name in the organization.
    Team,
    /// A connection of this name.
    Connection,
    /// A group of this name of the connection's provisioning client.
    ScimGroup,
    /// Somebody who is this subject of an identity provider.
    Identity,
    /// Somebody of this `userName` in the connection, or a connection whose word the account goes by.
    ScimName,
    /// A rollout of this name.
    Rollout,
    /// A role of this name in the organization.
    Role,
    /// The same grant.
    Grant,
    /// A record with the same identity: an id, a digest or a key used twice.
    Record,
    /// An active key of this kind.
    ActiveKey,
    /// An announced key of this kind.
    AnnouncedKey,
}

impl Taken {
    /// The thing's name in a sentence.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Organization => "an organization of this name",
            Self::Workspace => "a workspace of this name in the organization",
            Self::Deployment => "a deployment of this name in the workspace",
            Self::Route => "a deployment at this host and path prefix",
            Self::Plane => "a plane of this name",
            Self::User => "a user with this e-mail address",
            Self::Team => "a team of this name in the organization",
            Self::Connection => "a connection of this name",
            Self::ScimGroup => "a group of this name at the connection",
            Self::Identity => "somebody who is this subject of the identity provider",
            Self::ScimName => {
                "somebody of this userName, or somebody else who looks after the account"
            }
            Self::Rollout => "a rollout of this name",
            Self::Role => "a role of this name in the organization",
            Self::Grant => "the same grant",
            Self::Record => "the same record",
            Self::ActiveKey => "an active key of this kind",
            Self::AnnouncedKey => "an announced key of this kind",
        }
    }
}

/// Why the database didn't do what was asked. After any of them drop the unit of work.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Something unique exists already.
    #[error("DB-TAKEN: there already is {}", .0.name())]
    Taken(Taken),
    /// The host belongs to another organization.
    #[error(
        "DB-HOST: the host belongs to another organization; give each organization hosts of its own"
    )]
    ForeignHost,
    /// Somebody else changed the record since it was read, or it is gone.
    #[error("DB-CONFLICT: the record was changed or removed meanwhile; read it again and retry")]
    Conflict,
    /// It names something that doesn't exist, or something still depends on it.
    #[error(
        "DB-REFERENCE: it names something that does not exist, or something else still depends on it"
    )]
    Reference,
    /// Another transaction is in the way; the same request may succeed now.
    #[error("DB-BUSY: another transaction holds the same records; retry")]
    Busy,
    /// No answer within the deadline.
    #[error("DB-TIMEOUT: the database did not answer in time; look at its load and locks")]
    Timeout,
    /// An earlier statement of the transaction failed, so nothing of it is stored.
    #[error("DB-ABORTED: an earlier statement of the transaction failed, so nothing was stored")]
    Aborted,
    /// The database can't be reached.
    #[error(
        "DB-UNAVAILABLE: the database cannot be reached ({0}); check that it runs and that the address and credentials are right"
    )]
    Unavailable(String),
    /// No room left.
    #[error("DB-FULL: the database's disk is full, so nothing was stored; free some space")]
    Full,
    /// The file or server doesn't take writes.
    #[error(
        "DB-READ-ONLY: the database cannot be opened for writing ({0}); check the owner and mode of the file and its folder, or that the server is the primary"
    )]
    ReadOnly(String),
    /// The content is damaged.
    #[error(
        "DB-CORRUPT: the database is damaged or not one of ours ({0}); stop, keep a copy of it and restore the last backup"
    )]
    Corrupt(String),
    /// A newer program made the schema, and this one can't work with it (row F66).
    #[error(
        "DB-NEWER: the database has schema version {found}, which programs from version {oldest} on work with; this one knows {known}; start the newer program, or restore the backup from before the upgrade"
    )]
    Newer {
        /// The database's version.
        found: i64,
        /// The oldest version whose programs work with it.
        oldest: i64,
        /// The newest this program knows.
        known: i64,
    },
    /// The schema isn't what this program's migrations made.
    #[error(
        "DB-SCHEMA: migration {0} of the database is not the one this program has; it was made by another build, so use that one or restore a backup"
    )]
    Schema(i64),
    /// The account lacks rights.
    #[error("DB-ACCESS: the database refuses this account ({0}); grant it rights on the schema")]
    Access(String),
    /// Anything else the engine says.
    #[error("DB-ENGINE: the database reported an error: {0}")]
    Engine(String),
}

impl StoreError {
    /// The stable code, as in the documentation.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Taken(_) => "DB-TAKEN",
            Self::ForeignHost => "DB-HOST",
            Self::Conflict => "DB-CONFLICT",
            Self::Reference => "DB-REFERENCE",
            Self::Busy => "DB-BUSY",
            Self::Timeout => "DB-TIMEOUT",
            Self::Aborted => "DB-ABORTED",
            Self::Unavailable(_) => "DB-UNAVAILABLE",
            Self::Full => "DB-FULL",
            Self::ReadOnly(_) => "DB-READ-ONLY",
            Self::Corrupt(_) => "DB-CORRUPT",
            Self::Newer { .. } => "DB-NEWER",
            Self::Schema(_) => "DB-SCHEMA",
            Self::Access(_) => "DB-ACCESS",
            Self::Engine(_) => "DB-ENGINE",
        }
    }

    /// Whether the cause lies with the database rather than with the request: answer 503.
    pub const fn is_outage(&self) -> bool {
        !matches!(
            self,
            Self::Taken(_) | Self::ForeignHost | Self::Conflict | Self::Reference
        )
    }

    /// Whether the same unit of work may succeed when run again.
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Busy | Self::Timeout | Self::Unavailable(_))
    }
}
