//! Whoever has changed since a plane was told everything, as they are now: what a change of one person costs
//! doesn't depend on how many others there are.

use std::collections::{BTreeMap, BTreeSet};

use aeolus_model::{OrganizationId, PlaneId, Resource, Subject, TeamId, TokenId, UserId};
use aeolus_model::{Time, TokenStage};
use aeolus_snapshot::section::{self, Changes, Gone};
use aeolus_store::{GrantRecord, Read, StoreError, Unit as _};

use super::records;
use crate::app::App;
use crate::connections::Providers;

/// With more, everything is read instead.
const MOST: u32 = 512;
/// With more, everything is read in its turn: until then, each change reads all of these again.
const MANY: usize = 128;
/// With more, revocations go out before they are read.
const FEW: usize = 16;

/// Whoever has changed, by id alone.
pub(super) enum Who {
    /// All of them.
    These(Vec<Subject>),
    /// Too many, or from before it was noted.
    Unknown,
}

impl Who {
    /// Whoever changed after a position.
    pub(super) async fn since(
        view: &mut Read,
        (plane, position): (PlaneId, u64),
    ) -> Result<Self, StoreError> {
        let changed = view
            .changed_subjects()
            .since((plane, position), MOST)
            .await?;
        let fits = |changed: &Vec<Subject>| changed.len() <= MOST as usize;
        Ok(changed.filter(fits).map_or(Self::Unknown, Self::These))
    }

    /// Whether they are read in no time.
    pub(super) const fn are_few(&self) -> bool {
        match self {
            Self::These(subjects) => subjects.len() <= FEW,
            Self::Unknown => true,
        }
    }
}

/// What is known of who changed.
pub(super) enum Since {
    /// All of them.
    All(Changes),
    /// The same, and it is time that everything is read.
    Many(Changes),
    /// Too many, or from before it was noted.
    Unknown,
}

impl Since {
    /// What a plane is told; none: it goes by what it was told before.
    pub(super) fn into_changes(self) -> Option<Changes> {
        match self {
            Self::All(changes) | Self::Many(changes) => Some(changes),
            Self::Unknown => None,
        }
    }
}

/// Whoever changed, as they are now, of those that a plane may hear of: people, and programs of the
/// organizations that have a deployment there. What can't be read holds nothing else up: it is part of
/// everything, whose turn comes.
pub(super) async fn of(
    app: &App,
    view: &mut Read,
    who: Who,
    (plane, organizations, now): (PlaneId, &BTreeSet<OrganizationId>, Time),
) -> Since {
    match read(app, view, who, (plane, organizations, now)).await {
        Ok(since) => since,
        Err(error) => {
            unread(plane, &error);
            Since::Unknown
        }
    }
}

/// Says that it isn't known who has changed.
pub(super) fn unread(plane: PlaneId, error: &dyn std::fmt::Display) {
    tracing::warn!(
        %plane,
        %error,
        "who has changed could not be read: revocations go out without, and the plane is told everything in its turn"
    );
}

async fn read(
    app: &App,
    view: &mut Read,
    who: Who,
    (plane, organizations, now): (PlaneId, &BTreeSet<OrganizationId>, Time),
) -> Result<Since, StoreError> {
    let Who::These(changed) = who else {
        return Ok(Since::Unknown);
    };
    let many = changed.len() > MANY;
    let mut reader = Reader {
        app,
        plane,
        organizations,
        now,
        teams: BTreeMap::new(),
        providers: None,
        grants: Vec::new(),
        changes: Changes::default(),
    };
    for subject in changed {
        match subject {
            Subject::User(id) => reader.user(view, id).await?,
            Subject::Token(id) => reader.token(view, id).await?,
            // What a team has is everybody's in it, and counts as a change of everything.
            Subject::Team(_) => {}
        }
    }
    let built_ins = app.built_ins.in_force(view).await?.roles;
    let changes = Changes {
        grants: records::grants(&reader.grants, &built_ins),
        ..reader.changes
    };
    Ok(if many {
        Since::Many(changes)
    } else {
        Since::All(changes)
    })
}

struct Reader<'a> {
    app: &'a App,
    plane: PlaneId,
    organizations: &'a BTreeSet<OrganizationId>,
    now: Time,
    /// What of each team's reaches the plane, as far as it was asked.
    teams: BTreeMap<TeamId, Vec<GrantRecord>>,
    /// Under which salt the plane knows people's identities.
    providers: Option<Providers>,
    /// What those who are there hold themselves.
    grants: Vec<GrantRecord>,
    changes: Changes,
}

impl Reader<'_> {
    async fn token(&mut self, view: &mut Read, id: TokenId) -> Result<(), StoreError> {
        let record = view.tokens().get(id).await?;
        let Some(token) = record.map(|record| record.token) else {
            return Ok(());
        };
        if !self.organizations.contains(&token.organization) {
            return Ok(());
        }
        let subject = Subject::Token(id);
        let held = view.grants().reaching_of(self.plane, subject).await?;
        let good = match &token.stage {
            TokenStage::Active(value) => value.expires_at > self.now,
            TokenStage::Deleted { .. } => false,
        };
        if good && !held.is_empty() {
            self.changes.subjects.push(records::program(&token));
            self.grants.extend(held);
        } else {
            self.gone(subject);
        }
        Ok(())
    }

    async fn user(&mut self, view: &mut Read, id: UserId) -> Result<(), StoreError> {
        let subject = Subject::User(id);
        let user = view.users().get(id).await?;
        let Some(user) = user.filter(|user| user.disabled_at.is_none()) else {
            self.gone(subject);
            return Ok(());
        };
        let held = view.grants().reaching_of(self.plane, subject).await?;
        let mut reached = !held.is_empty();
        let mut teams = Vec::new();
        for team in view.teams().of(id).await? {
            let through = self.of_team(view, team.id).await?;
            reached |= !through.is_empty();
            let system = through
                .iter()
                .any(|held| held.grant.resource == Resource::System);
            if system || self.organizations.contains(&team.organization) {
                teams.push(team.id);
            }
        }
        if !reached {
            self.gone(subject);
            return Ok(());
        }
        let identities = self.identities(view, id).await?;
        self.changes.subjects.push(section::Subject {
            identities,
            ..records::person(&user, Some(&teams))
        });
        self.grants.extend(held);
        Ok(())
    }

    async fn of_team(
        &mut self,
        view: &mut Read,
        team: TeamId,
    ) -> Result<Vec<GrantRecord>, StoreError> {
        if let Some(known) = self.teams.get(&team) {
            return Ok(known.clone());
        }
        let subject = Subject::Team(team);
        let held = view.grants().reaching_of(self.plane, subject).await?;
        self.teams.insert(team, held.clone());
        Ok(held)
    }

    async fn identities(
        &mut self,
        view: &mut Read,
        user: UserId,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        let all = view.identities().of_user(user).await?;
        if all.is_empty() {
            return Ok(Vec::new());
        }
        let providers = if let Some(providers) = self.providers.take() {
            providers
        } else {
            let connections = view.connections().list().await?;
            let held = view.provider_keys().list().await?;
            let record = view.planes().get(self.plane).await?;
            let record = record.ok_or(StoreError::Reference)?;
            let salted = (&self.app.identity_salt, &record);
            Providers::of(&connections, &held, salted, (self.app.session, self.now))
        };
        let mut found = providers.identities(&all);
        self.providers = Some(providers);
        Ok(found.remove(&user).unwrap_or_default())
    }

    fn gone(&mut self, subject: Subject) {
        let (kind, id) = records::subject_parts(subject);
        self.changes.gone.push(Gone {
            kind: kind.into(),
            id,
        });
    }
}
