//! Somebody on their way out of an organization, and everything there that hangs on them.

use aeolus_api::FieldError;
use aeolus_api::offboard::{Offboarded, OffboardedGrant, OffboardedTeam, OffboardedToken};
use aeolus_model::{
    Action, Actor, ApiToken, AuditEvent, Email, OrganizationId, SessionId, Subject, TokenKind,
    UserId,
};
use aeolus_store::{ManagedBy, Organization, Unit as _, User, Write};

use crate::authority::{Authority, path_within};
use crate::ctx::{By, Ctx};
use crate::error::ApiError;
use crate::people::waiting;
use crate::scim::events;
use crate::sessions::{belongs, end_all_in, find_in, named};
use crate::tenancy::owners::Owners;

/// Ends everything in an organization (locked by now) that hangs on a person, named by id or address;
/// their tokens are given to another one if there is one. Their account stays: it may be in other
/// organizations. By an address that is who has it and who waits for it, or what the one waits with would come back
/// once the address is shown to be the other's (A11). The answer says what it was, as if it were not done yet.
pub(super) async fn show_out(
    ctx: &Ctx,
    write: &mut Write,
    (organization, user): (&Organization, &str),
    (action, heir): (Action, Option<&Email>),
) -> Result<Offboarded, ApiError> {
    let owners = Owners::of(write, organization).await?;
    let (first, rest) = theirs(ctx.by(), write, (organization.id, user)).await?;
    let heir = match heir {
        None => None,
        Some(email) => {
            let gone = std::iter::once(&first).chain(&rest).map(|user| user.id);
            let gone: Vec<UserId> = gone.collect();
            Some(heir_of(write, (organization.id, &gone), email).await?)
        }
    };
    let mut ended = end(ctx.by(), write, (organization.id, first), heir.as_ref()).await?;
    let mut ids = vec![ended.user_id];
    for user in rest {
        let more = end(ctx.by(), write, (organization.id, user), heir.as_ref()).await?;
        ids.push(more.user_id);
        ended.sessions.extend(more.sessions);
        ended.grants.extend(more.grants);
        ended.teams.extend(more.teams);
        ended.tokens.extend(more.tokens);
    }
    owners.require_one_left(write).await?;
    for id in ids {
        write.audit(ctx.event(action, Some(organization.id), id));
    }
    Ok(ended)
}

/// The same of somebody whom their identity provider takes out: nobody inherits, and nothing is refused.
pub(crate) async fn take_out(
    by: By<'_>,
    write: &mut Write,
    organization: OrganizationId,
    user: User,
) -> Result<Offboarded, ApiError> {
    end(by, write, (organization, user), None).await
}

async fn end(
    by: By<'_>,
    write: &mut Write,
    (organization, user): (OrganizationId, User),
    heir: Option<&User>,
) -> Result<Offboarded, ApiError> {
    let leaving = Leaving {
        by,
        write,
        organization,
        user,
    };
    leaving.end(heir).await
}

/// All of the organization who are meant, or who once were in it and still answer for tokens there: the first, and the
/// others. Nobody shows themselves out.
async fn theirs(
    by: By<'_>,
    write: &mut Write,
    (organization, text): (OrganizationId, &str),
) -> Result<(User, Vec<User>), ApiError> {
    let mut theirs = Vec::new();
    for user in named(write, text).await? {
        waiting::keep(write, user.id).await?;
        let inside = belongs(write, organization, user.id).await?;
        let mut tokens = write.tokens();
        if inside || !tokens.created_by(organization, user.id).await?.is_empty() {
            theirs.push(user);
        }
    }
    if theirs.iter().any(|user| *by.actor == Actor::User(user.id)) {
        let text = "Nobody takes themselves out; another owner does that.";
        return Err(ApiError::Conflict(text.to_owned()));
    }
    let mut theirs = theirs.into_iter();
    let first = theirs.next().ok_or(ApiError::NotFound("user"))?;
    Ok((first, theirs.collect()))
}

/// Who is to answer for the tokens.
async fn heir_of(
    write: &mut Write,
    (organization, gone): (OrganizationId, &[UserId]),
    email: &Email,
) -> Result<User, ApiError> {
    let wrong = |text: &str| ApiError::field("giveTokensTo", text);
    let found = find_in(write, organization, email.as_str()).await?;
    let heir = found.ok_or_else(|| wrong("there is nobody of this address in the organization"))?;
    waiting::keep(write, heir.id).await?;
    if gone.contains(&heir.id) {
        return Err(wrong("that is the person who leaves"));
    }
    let mut introductions = write.introductions();
    let unmet = introductions.name(organization, heir.id).await?;
    // Of who hasn't come here yet nothing is told that holds elsewhere.
    if heir.disabled_at.is_some() && unmet.is_none() {
        return Err(wrong("their account is disabled"));
    }
    Ok(heir)
}

/// Somebody on their way out.
struct Leaving<'a> {
    by: By<'a>,
    write: &'a mut Write,
    organization: OrganizationId,
    user: User,
}

impl Leaving<'_> {
    async fn end(mut self, heir: Option<&User>) -> Result<Offboarded, ApiError> {
        // Before what makes the person one of the organization's is gone.
        let sessions = self.sessions().await?;
        let tokens = self.tokens(heir).await?;
        let grants = self.grants().await?;
        let teams = self.teams().await?;
        let mut groups = self.write.group_teams();
        groups.show_out(self.organization, self.user.id).await?;
        Ok(Offboarded {
            user_id: self.user.id,
            email: self.user.email,
            sessions,
            grants,
            teams,
            tokens,
            done: false,
            seq: None,
            planes: None,
        })
    }

    async fn sessions(&mut self) -> Result<Vec<SessionId>, ApiError> {
        end_all_in(self.by, self.write, (self.organization, self.user.id)).await
    }

    /// Gives the tokens to another person, all of them or none, or else deletes them.
    async fn tokens(&mut self, heir: Option<&User>) -> Result<Vec<OffboardedToken>, ApiError> {
        let mut tokens = Vec::new();
        let ids = self
            .write
            .tokens()
            .created_by(self.organization, self.user.id)
            .await?;
        for id in ids {
            let record = self.write.tokens().get(id).await?;
            tokens.extend(record.map(|record| record.token));
        }
        if let Some(heir) = heir {
            self.require_covers(heir, &tokens).await?;
        }
        let mut shown = Vec::new();
        for token in tokens {
            if let Some(heir) = heir {
                self.write.tokens().give(token.id, heir.id).await?;
                let event = self.event(Action::TokenGive, token.id);
                self.write.audit(AuditEvent {
                    reason: format!("to:{}", heir.id),
                    ..event
                });
            } else {
                let now = self.by.app.clock.now();
                self.write.tokens().delete(token.id, now).await?;
                let event = self.event(Action::TokenDelete, token.id);
                self.write.audit(event);
            }
            shown.push(OffboardedToken {
                id: token.id,
                name: token.name,
                given_to: heir.map(|heir| heir.email.clone()),
            });
        }
        Ok(shown)
    }

    /// Refuses with every token that may do what the heir may not.
    async fn require_covers(&mut self, heir: &User, tokens: &[ApiToken]) -> Result<(), ApiError> {
        let authority = Authority::load(self.by.app, self.write, &Actor::User(heir.id)).await?;
        let mut wrong = Vec::new();
        for token in tokens {
            if token.kind != TokenKind::Standard
                && authority.require_owner(self.organization).is_err()
            {
                wrong.push(FieldError {
                    at: "giveTokensTo".to_owned(),
                    message: format!(
                        "{} does not own the organization, as the maker of direct access token {:?} ({}) has to",
                        heir.email, token.name, token.id
                    ),
                });
            }
            for record in self.write.grants().of(Subject::Token(token.id)).await? {
                let (role, resource) = (&record.grant.role, record.grant.resource);
                let path = path_within(self.write, self.organization, resource).await?;
                let covered = path.is_some_and(|p| authority.require_covers(role, &p).is_ok());
                if !covered {
                    let (name, id) = (&token.name, token.id);
                    wrong.push(FieldError {
                        at: "giveTokensTo".to_owned(),
                        message: format!(
                            "{} does not hold {role} as token {name:?} ({id}) does",
                            heir.email
                        ),
                    });
                }
            }
        }
        if wrong.is_empty() {
            Ok(())
        } else {
            Err(ApiError::Invalid(wrong))
        }
    }

    /// Takes back what they were granted themselves, also by a fleet document.
    async fn grants(&mut self) -> Result<Vec<OffboardedGrant>, ApiError> {
        let held = self.write.grants().of(Subject::User(self.user.id)).await?;
        let mut shown = Vec::new();
        for record in held {
            if record.organization != Some(self.organization) {
                continue;
            }
            self.write.grants().delete(record.grant.id).await?;
            let event = self.event(Action::GrantDelete, record.grant.id);
            self.write.audit(event);
            shown.push(OffboardedGrant {
                grant: record.grant.into(),
                in_document: record.managed_by == ManagedBy::Apply,
            });
        }
        Ok(shown)
    }

    /// Takes them out of every team, also where a fleet document put them in: access ends now, and the
    /// answer says what has to be changed there.
    async fn teams(&mut self) -> Result<Vec<OffboardedTeam>, ApiError> {
        let mut shown = Vec::new();
        for team in self.write.teams().of(self.user.id).await? {
            if team.organization != self.organization {
                continue;
            }
            let members = self.write.teams().members(team.id).await?;
            let membership = members.iter().find(|member| member.user == self.user.id);
            shown.push(OffboardedTeam {
                id: team.id,
                name: team.name,
                in_document: membership.is_some_and(|m| m.managed_by == ManagedBy::Apply),
            });
            self.write.teams().remove(team.id, self.user.id).await?;
            events::taken_out(self.by.app, self.write, team.id).await?;
        }
        Ok(shown)
    }

    fn event(&self, action: Action, target: impl std::fmt::Display) -> AuditEvent {
        self.by.event(action, Some(self.organization), target)
    }
}
