//! Units of work: a consistent view, or a transaction that ends in the feed.

use std::collections::BTreeSet;

use aeolus_model::{AuditEvent, OrganizationId, Subject};

use crate::StoreError;
use crate::engine::{Tx, Value};
use crate::repository::{
    AuditLog, AuditSinks, Batches, ChangedSubjects, Codes, Connections, Deployments, DeviceCodes,
    Emails, FirstAdminCodes, GrantRepository, GroupTeams, IdempotencyKeys, Identities,
    Introductions, Invitations, Keys, Organizations, PasswordResets, Planes, ProviderKeySets,
    Publications, RefreshTokens, Replicas, Revocations, Roles, Rollouts, Roots, ScimCredentials,
    ScimEvent, ScimEvents, ScimGroups, ScimRequests, ScimUsers, SecondFactors, SessionHints,
    Sessions, Settings, Teams, Throttles, Tokens, Users, WaitingAddresses, Workspaces, audit_chain,
    changed_subjects, revocations, scim_events, settings,
};

mod ending;

pub use ending::Ending;

mod sealed {
    use crate::engine::Tx;

    pub trait Sealed: Send {
        fn tx(&mut self) -> &mut Tx;
    }
}
pub(crate) use sealed::Sealed;

/// A consistent view of everything; changes nothing.
#[derive(Debug)]
pub struct Read {
    tx: Tx,
}

/// A transaction. Its audit events and the feed's next position are part of it.
#[derive(Debug)]
pub struct Write {
    tx: Tx,
    events: Vec<AuditEvent>,
    /// What receivers are to be told of it.
    scim_events: Vec<ScimEvent>,
    changed: Changed,
    /// Who changed, as long as nothing else has.
    subjects: BTreeSet<Subject>,
    /// Of which organizations token values were revoked.
    revoked: BTreeSet<OrganizationId>,
}

/// What a transaction has changed of what snapshots are made from. The later includes the earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Changed {
    Nothing,
    /// Only what is no longer good: planes are told without waiting for the rest.
    Revocations,
    /// Single people and programs beside: planes are told of those.
    Subjects,
    Records,
}

/// With more of them a transaction counts as a change of everything.
const MOST_SUBJECTS: usize = 256;

impl Sealed for Read {
    fn tx(&mut self) -> &mut Tx {
        &mut self.tx
    }
}

impl Sealed for Write {
    fn tx(&mut self) -> &mut Tx {
        &mut self.tx
    }
}

macro_rules! repositories {
    ($($(#[$doc:meta])* $name:ident: $repository:ident,)*) => {
        /// What a view and a transaction both have: the repositories.
        ///
        /// Take `&mut impl Unit` where either will do.
        pub trait Unit: Sealed + Sized {
            $($(#[$doc])* fn $name(&mut self) -> $repository<'_, Self> {
                $repository(self)
            })*
        }
    };
}

repositories! {
    /// The feed's position and the settings kept with the data.
    settings: Settings,
    /// Organizations.
    organizations: Organizations,
    /// Workspaces.
    workspaces: Workspaces,
    /// Deployments and where they answer.
    deployments: Deployments,
    /// Planes and how far they are enrolled.
    planes: Planes,
    /// The gates of planes, as they report themselves.
    replicas: Replicas,
    /// People.
    users: Users,
    /// Teams and who is in them.
    teams: Teams,
    /// Teams that stand for groups of identity providers.
    group_teams: GroupTeams,
    /// Teams that are groups of provisioning clients.
    scim_groups: ScimGroups,
    /// Roles that organizations made for themselves.
    roles: Roles,
    /// Who has which role where.
    grants: GrantRepository,
    /// Configured identity providers.
    connections: Connections,
    /// Who people are at identity providers.
    identities: Identities,
    /// Who is invited to where.
    invitations: Invitations,
    /// What people are called where they haven't come yet.
    introductions: Introductions,
    /// Who waits for an address that somebody else has unproved.
    waiting_addresses: WaitingAddresses,
    /// Links that set a new password.
    password_resets: PasswordResets,
    /// What makes the first administrator.
    first_admin_code: FirstAdminCodes,
    /// What identity providers last said of themselves.
    provider_keys: ProviderKeySets,
    /// People as identity providers wrote them by SCIM.
    scim_users: ScimUsers,
    /// With what identity providers provision.
    scim_credentials: ScimCredentials,
    /// The last requests of provisioning clients.
    scim_requests: ScimRequests,
    /// What receivers are to be told of people and groups that are provisioned.
    scim_events: ScimEvents,
    /// What people have beside their passwords.
    second_factors: SecondFactors,
    /// Signed-in sessions.
    sessions: Sessions,
    /// What goes with sessions until they end.
    session_hints: SessionHints,
    /// Authorization codes.
    codes: Codes,
    /// Machines that ask to be signed in.
    device_codes: DeviceCodes,
    /// Refresh tokens and their families.
    refresh_tokens: RefreshTokens,
    /// Counters of attempts.
    throttles: Throttles,
    /// API tokens.
    tokens: Tokens,
    /// What is no longer good, per organization.
    revocations: Revocations,
    /// Control's signing keys.
    keys: Keys,
    /// Which deployments take which path.
    rollouts: Rollouts,
    /// Root documents.
    roots: Roots,
    /// Manifests as published, and the blobs they name.
    publications: Publications,
    /// The audit log, which is the feed.
    audit_log: AuditLog,
    /// The places that the audit log is copied to.
    audit_sinks: AuditSinks,
    /// E-mails on their way out.
    emails: Emails,
    /// Answers to requests that may be sent twice.
    idempotency_keys: IdempotencyKeys,
    /// Event batches from gates.
    batches: Batches,
    /// Who changed since planes were told everything.
    changed_subjects: ChangedSubjects,
}

impl Unit for Read {}
impl Unit for Write {}

impl Read {
    pub(crate) const fn new(tx: Tx) -> Self {
        Self { tx }
    }

    /// Reads what has no bound (all that reaches a plane) so many rows at a time: the same records,
    /// from other statements.
    #[must_use]
    pub fn in_pages_of(mut self, rows: u32) -> Self {
        self.tx.set_page(rows);
        self
    }
}

impl Write {
    pub(crate) const fn new(tx: Tx) -> Self {
        let events = Vec::new();
        Self {
            tx,
            events,
            scim_events: Vec::new(),
            changed: Changed::Nothing,
            subjects: BTreeSet::new(),
            revoked: BTreeSet::new(),
        }
    }

    /// Adds a line to the audit log; it is written at commit, in this transaction.
    pub fn audit(&mut self, event: AuditEvent) {
        self.events.push(event);
    }

    /// Lets a receiver know of something; it is written at commit, in this transaction.
    pub fn tell(&mut self, event: ScimEvent) {
        self.scim_events.push(event);
    }

    /// Commits and returns the feed's position: a new one if something changed that snapshots are
    /// made from, or if there are audit events, else the current one.
    ///
    /// The feed's row is locked last and until the commit is done, so whoever sees position `n`
    /// sees every change up to `n`. After an error nothing is stored, but for
    /// [`StoreError::Timeout`] and [`StoreError::Unavailable`], where it can't be known.
    pub async fn commit(self) -> Result<u64, StoreError> {
        self.end().await?.commit().await
    }

    /// The first half of [`Write::commit`]: takes the position, so that an answer that names it can be
    /// kept in the same transaction.
    pub async fn end(mut self) -> Result<Ending, StoreError> {
        if self.subjects.len() > MOST_SUBJECTS {
            self.changed = Changed::Records;
        }
        let nothing = self.events.is_empty() && self.scim_events.is_empty();
        let position = if self.changed == Changed::Nothing && nothing {
            self.settings().feed().await?.position
        } else {
            let position = settings::advance(&mut self.tx, self.changed).await?;
            if self.changed == Changed::Subjects {
                let subjects = std::mem::take(&mut self.subjects);
                changed_subjects::append(&mut self.tx, position, subjects).await?;
            }
            audit_chain::append(&mut self.tx, position, &self.events).await?;
            scim_events::append(&mut self.tx, position, &self.scim_events).await?;
            revocations::note(&mut self.tx, position, &self.revoked).await?;
            position
        };
        Ok(Ending {
            write: self,
            position,
        })
    }

    /// Takes a position of the feed although nothing has changed: one at which a plane can be told
    /// more than it was at the last.
    pub fn step(&mut self) {
        self.changed = self.changed.max(Changed::Revocations);
    }

    /// Waits for every transaction that is about to commit, and keeps the next from it until this one has ended: what is
    /// looked at from here on, nobody overtakes who looks in the same way. The last of all locks: no row may be waited for
    /// after it.
    pub async fn go_last(&mut self) -> Result<(), StoreError> {
        settings::hold(&mut self.tx).await
    }

    /// Takes everything back. Dropping does the same, a little later.
    pub async fn rollback(self) -> Result<(), StoreError> {
        self.tx.rollback().await
    }

    pub(crate) const fn tx(&mut self) -> &mut Tx {
        &mut self.tx
    }

    /// Runs a statement that changes what snapshots are made from, and says how many rows changed.
    pub(crate) async fn change(
        &mut self,
        sql: &'static str,
        values: Vec<Value>,
    ) -> Result<u64, StoreError> {
        self.run(sql, values, Changed::Records).await
    }

    /// As [`Write::change`], where all that changes is what snapshots say of one person or program. What
    /// they say of a team, they say of everybody in it.
    pub(crate) async fn change_of(
        &mut self,
        subject: Subject,
        sql: &'static str,
        values: Vec<Value>,
    ) -> Result<u64, StoreError> {
        let rows = self.tx.execute(sql, values).await?;
        if rows > 0 {
            self.has_changed(subject);
        }
        Ok(rows)
    }

    /// As [`Write::change_of`], where exactly one row must change: else somebody was faster.
    pub(crate) async fn change_one_of(
        &mut self,
        subject: Subject,
        sql: &'static str,
        values: Vec<Value>,
    ) -> Result<(), StoreError> {
        match self.change_of(subject, sql, values).await? {
            0 => Err(StoreError::Conflict),
            _ => Ok(()),
        }
    }

    /// Somebody is no more as snapshots say.
    pub(crate) fn has_changed(&mut self, subject: Subject) {
        let changes = match subject {
            Subject::Team(_) => Changed::Records,
            Subject::User(_) | Subject::Token(_) => Changed::Subjects,
        };
        self.changed = self.changed.max(changes);
        // One more than may be is enough to know.
        if changes == Changed::Subjects && self.subjects.len() <= MOST_SUBJECTS {
            self.subjects.insert(subject);
        }
    }

    /// As [`Write::change`], where all that changes is what is no longer good.
    pub(crate) async fn revoke(
        &mut self,
        sql: &'static str,
        values: Vec<Value>,
    ) -> Result<u64, StoreError> {
        self.run(sql, values, Changed::Revocations).await
    }

    /// As [`Write::revoke`], where all that changes is token values of one organization.
    pub(crate) async fn revoke_values(
        &mut self,
        organization: OrganizationId,
        sql: &'static str,
        values: Vec<Value>,
    ) -> Result<u64, StoreError> {
        let rows = self.revoke(sql, values).await?;
        if rows > 0 {
            self.revoked.insert(organization);
        }
        Ok(rows)
    }

    /// The same for a statement that returns whose they are.
    pub(crate) async fn revoke_whose(
        &mut self,
        sql: &'static str,
        values: Vec<Value>,
    ) -> Result<u64, StoreError> {
        let rows = self.tx.fetch(sql, values).await?;
        for row in &rows {
            self.revoked.insert(row.only()?);
            self.changed = self.changed.max(Changed::Revocations);
        }
        Ok(rows.len() as u64)
    }

    async fn run(
        &mut self,
        sql: &'static str,
        values: Vec<Value>,
        changes: Changed,
    ) -> Result<u64, StoreError> {
        let rows = self.tx.execute(sql, values).await?;
        if rows > 0 {
            self.changed = self.changed.max(changes);
        }
        Ok(rows)
    }

    /// As [`Write::change`], where exactly one row must change: else somebody was faster.
    pub(crate) async fn change_one(
        &mut self,
        sql: &'static str,
        values: Vec<Value>,
    ) -> Result<(), StoreError> {
        match self.change(sql, values).await? {
            0 => Err(StoreError::Conflict),
            _ => Ok(()),
        }
    }

    /// Runs a statement that only does control's own bookkeeping; the feed stays where it is.
    pub(crate) async fn note(
        &mut self,
        sql: &'static str,
        values: Vec<Value>,
    ) -> Result<u64, StoreError> {
        self.tx.execute(sql, values).await
    }
}
