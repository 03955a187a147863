//! Who, by id, address or name.

use aeolus_model::{
    Actor, BuiltIns, GrantedRole, OrganizationId, PermissionSet, Subject, TeamId, TokenId,
    TokenKind, direct_ceiling,
};
use aeolus_store::{Read, Unit as _};

use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::sessions;

/// Somebody with something to hold.
pub(super) struct Found {
    pub(super) subject: Subject,
    pub(super) name: String,
    pub(super) disabled: bool,
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
        let user = sessions::find(view, text).await?.ok_or_else(none)?;
        let own = ctx.actor == Actor::User(user.id);
        if !own && !sessions::belongs(view, organization, user.id).await? {
            let held = view.grants().effective(user.id).await?;
            // Who holds something in the whole installation reaches into every organization.
            if !held.iter().any(|record| record.organization.is_none()) {
                return Err(none());
            }
        }
        Ok(Self {
            disabled: user.disabled_at.is_some(),
            ..Self::new(Subject::User(user.id), user.email.to_string())
        })
    }
}
