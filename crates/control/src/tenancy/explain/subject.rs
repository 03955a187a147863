//! Who, by id, address or name.

use aeolus_model::{
    Actor, BuiltIns, GrantedRole, OrganizationId, Permission, PermissionSet, Subject, TeamId,
    TokenId, TokenKind, UserId, direct_ceiling,
};
use aeolus_store::{Read, Unit as _, User};

use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::sessions;

/// Somebody with something to hold.
pub(super) struct Found {
    pub(super) subject: Subject,
    pub(super) name: String,
    pub(super) disabled: bool,
    /// Whether nothing is told of what they hold in the whole installation.
    pub(super) here_alone: bool,
    /// For a direct access token: at most these of what its role is shipped with. Gates judge it alone.
    most: Option<PermissionSet>,
}

impl Found {
    /// A person by id or address, a team by id or `team:NAME`, a token by id. Those who are not of the
    /// organization are as unknown as nobody, but to themselves.
    pub(super) async fn find(
        ctx: &Ctx,
        view: &mut Read,
        organization: OrganizationId,
        text: &str,
    ) -> Result<Self, ApiError> {
        let team = match text.strip_prefix("team:").map(str::parse) {
            Some(Ok(name)) => view.teams().by_name(organization, &name).await?,
            Some(Err(_)) => None,
            None => match text.parse::<TeamId>() {
                Ok(id) => view.teams().get(id).await?,
                Err(_) => None,
            },
        };
        if let Some(team) = team.filter(|team| team.organization == organization) {
            return Ok(Self::new(Subject::Team(team.id), team.name.to_string()));
        }
        if let Ok(id) = text.parse::<TokenId>()
            && let Some(record) = view.tokens().get(id).await?
        {
            let token = record.token;
            let here = token.organization == organization && token.value().is_some();
            let none = ApiError::NotFound("subject");
            return here.then(|| Self::token(token)).ok_or(none);
        }
        Self::person(ctx, view, organization, text).await
    }

    /// What a role allows it.
    pub(super) fn allowed(&self, role: &GrantedRole, built_ins: &BuiltIns) -> PermissionSet {
        match (self.most, role) {
            (None, role) => role.permissions(built_ins),
            (Some(most), GrantedRole::BuiltIn(role)) => role.shipped().intersection(most),
            (Some(_), GrantedRole::Custom(_)) => PermissionSet::EMPTY,
        }
    }

    fn new(subject: Subject, name: String) -> Self {
        Self {
            subject,
            name,
            disabled: false,
            here_alone: false,
            most: None,
        }
    }

    fn token(token: aeolus_model::ApiToken) -> Self {
        let most = match token.kind {
            TokenKind::Standard => None,
            TokenKind::Direct { permissions } => Some(direct_ceiling(permissions.as_deref())),
        };
        Self {
            most,
            ..Self::new(Subject::Token(token.id), token.name)
        }
    }

    async fn person(
        ctx: &Ctx,
        view: &mut Read,
        organization: OrganizationId,
        text: &str,
    ) -> Result<Self, ApiError> {
        let none = || ApiError::NotFound("subject");
        let named = sessions::named(view, text).await?;
        let own = named.iter().find(|user| ctx.actor == Actor::User(user.id));
        if let Some(own) = own {
            return Self::of(ctx, view, organization, own.clone()).await;
        }
        if let Some(user) = sessions::find_in(view, organization, text).await? {
            return Self::of(ctx, view, organization, user).await;
        }
        let user = named.into_iter().next().ok_or_else(none)?;
        let held = view.grants().effective(user.id).await?;
        // Who holds something in the whole installation reaches into every organization. An address alone does not
        // tell those of the organization who that is (A1).
        let by_id = text.parse::<UserId>().is_ok();
        let reaches = held.iter().any(|record| record.organization.is_none());
        if reaches && (by_id || sees_all(ctx, view).await?) {
            return Self::of(ctx, view, organization, user).await;
        }
        Err(none())
    }

    /// Somebody who was added to the organization and hasn't come yet is told of as far as it holds there.
    async fn of(
        ctx: &Ctx,
        view: &mut Read,
        organization: OrganizationId,
        user: User,
    ) -> Result<Self, ApiError> {
        let unmet = view.introductions().name(organization, user.id).await?;
        let here_alone =
            unmet.is_some() && ctx.actor != Actor::User(user.id) && !sees_all(ctx, view).await?;
        Ok(Self {
            disabled: user.disabled_at.is_some() && !here_alone,
            here_alone,
            ..Self::new(Subject::User(user.id), user.email.to_string())
        })
    }
}

/// Whether the actor may know of everybody.
async fn sees_all(ctx: &Ctx, view: &mut Read) -> Result<bool, ApiError> {
    let authority = ctx.authority(view).await?;
    Ok(authority.may(Permission::SystemUsersGet, &[]))
}
