//! What a person is told of API tokens: what of which token, and one message of it all.

use std::fmt::Write as _;

use aeolus_model::{OrganizationId, Resource, Role, TokenStage, UserId, moment};
use aeolus_store::{Notice, NoticeKind, Organization, StoreError, Unit, User};
use serde::{Deserialize, Serialize};

use crate::policy;
use crate::tenancy::holders;

/// So many owners are told of what is nobody's.
const OWNERS: usize = 20;
/// So many tokens are named in one message.
const NAMED: usize = 100;

/// What there is to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum News {
    OwnerLeft,
    Ends,
    Unused,
    Old,
}

/// One thing to tell, as it is kept until a message is made of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Told {
    organization: OrganizationId,
    news: News,
    token: String,
    name: String,
    short: String,
    scope: String,
    ends: i64,
}

impl Told {
    pub(super) const fn organization(&self) -> OrganizationId {
        self.organization
    }
}

/// What is told of a notice, and to whom: to whoever made the token, if they are still there, else to the
/// organization's owners. Nothing, if the organization wants no e-mails.
pub(crate) async fn told_of(
    unit: &mut impl Unit,
    (kind, notice): (NoticeKind, &Notice),
) -> Result<Option<(Told, Vec<UserId>)>, StoreError> {
    let organization = unit.organizations().get(notice.organization).await?;
    let record = unit.tokens().get(notice.token).await?;
    let (Some(organization), Some(record)) = (organization, record) else {
        return Ok(None);
    };
    let TokenStage::Active(value) = &record.token.stage else {
        return Ok(None);
    };
    if !wanted(&organization) {
        return Ok(None);
    }
    let maker = record.token.created_by;
    let mut recipients = Vec::new();
    if kind != NoticeKind::OwnerLeft && is_here(unit, maker, organization.id).await? {
        recipients.push(maker);
    } else {
        owners(unit, organization.id, &mut recipients).await?;
    }
    let told = Told {
        organization: organization.id,
        news: match kind {
            NoticeKind::Expires { .. } => News::Ends,
            NoticeKind::Unused(_) => News::Unused,
            NoticeKind::Old { .. } => News::Old,
            NoticeKind::OwnerLeft => News::OwnerLeft,
        },
        token: notice.token.to_string(),
        name: line(&record.token.name),
        short: value.short().to_owned(),
        scope: scope(unit, record.token.scope.resource()).await?,
        ends: notice.expires_at.secs(),
    };
    Ok(Some((told, recipients)))
}

/// Whether an organization's policy lets people be told by e-mail. A policy of a newer version is none of
/// ours to read: then nobody is.
fn wanted(organization: &Organization) -> bool {
    policy::of(organization).is_ok_and(|policy| policy.notices.unwrap_or_default().email)
}

/// Whether somebody may sign in and has a place in an organization.
pub(super) async fn is_here(
    unit: &mut impl Unit,
    user: UserId,
    organization: OrganizationId,
) -> Result<bool, StoreError> {
    let record = unit.users().get(user).await?;
    if record.is_none_or(|user| user.disabled_at.is_some()) {
        return Ok(false);
    }
    let grants = unit.grants().effective(user).await?;
    let here = |at: Option<OrganizationId>| at.is_none_or(|id| id == organization);
    if grants.iter().any(|record| here(record.organization)) {
        return Ok(true);
    }
    let teams = unit.teams().of(user).await?;
    Ok(teams.iter().any(|team| team.organization == organization))
}

/// Those who may sign in and own an organization, themselves or through a team.
async fn owners(
    unit: &mut impl Unit,
    organization: OrganizationId,
    found: &mut Vec<UserId>,
) -> Result<(), StoreError> {
    let resource = Resource::Organization(organization);
    for id in holders(unit, resource, Role::OrganizationOwner).await? {
        let user = unit.users().get(id).await?;
        let good = user.is_some_and(|user: User| user.disabled_at.is_none());
        if good && found.len() < OWNERS && !found.contains(&id) {
            found.push(id);
        }
    }
    Ok(())
}

/// How far a token reaches, in words.
async fn scope(unit: &mut impl Unit, resource: Resource) -> Result<String, StoreError> {
    let named = match resource {
        Resource::System => Some("the installation".to_owned()),
        Resource::Organization(_) => Some("the organization".to_owned()),
        Resource::Workspace(id) => {
            let workspace = unit.workspaces().get(id).await?;
            workspace.map(|workspace| format!("workspace {}", workspace.name))
        }
        Resource::Deployment(id) => {
            let deployment = unit.deployments().get(id).await?;
            deployment.map(|deployment| format!("deployment {}", deployment.name))
        }
    };
    Ok(named.unwrap_or_else(|| "something that is no more".to_owned()))
}

/// The subject and the text of one message about all of it. `organizations` are the names of those that the
/// recipient is in; what is told of others is left out. Nothing, if nothing is left.
pub(super) fn message(
    told: &[Told],
    organizations: &[(OrganizationId, String)],
    issuer: &str,
) -> Option<(String, String)> {
    let name_of = |told: &Told| {
        let found = organizations
            .iter()
            .find(|(id, _)| *id == told.organization);
        found.map(|(_, name)| name.as_str())
    };
    let mut told: Vec<(&str, &Told)> = told
        .iter()
        .filter_map(|told| Some((name_of(told)?, told)))
        .collect();
    told.sort_by_key(|(organization, told)| (*organization, told.news, told.ends));
    let subject = match told.as_slice() {
        [] => return None,
        [(_, one)] => match one.news {
            News::Ends => "An API token ends soon".to_owned(),
            News::Unused => "An API token is not used".to_owned(),
            News::Old => "An API token needs a new value".to_owned(),
            News::OwnerLeft => "Nobody answers for an API token".to_owned(),
        },
        many => format!("{} API tokens need a look", many.len()),
    };
    let mut text = String::new();
    let mut under = None;
    for (organization, told) in told.iter().take(NAMED) {
        if under != Some((organization, told.news)) {
            under = Some((organization, told.news));
            heading(&mut text, organization, told.news);
        }
        paragraph(&mut text, told);
    }
    if let Some(more) = told.len().checked_sub(NAMED).filter(|more| *more > 0) {
        // Writing to a text can't fail.
        let _ = writeln!(text, "And {more} more: `aeolus token list` shows all.\n");
    }
    let _ = write!(
        text,
        "--\nSent by Aeolus at {issuer}, where you can sign in.\n\
         An organization's owners can turn these messages off in its rules (notices).\n"
    );
    Some((subject, text))
}

fn heading(text: &mut String, organization: &str, news: News) {
    let (what, then) = match news {
        News::Ends => (
            "These API tokens end soon",
            "Whatever uses one is refused from then on. Give it a new value and put that in its place:\n\
             \n    aeolus token rotate ID --grace 24h\n\
             \nor delete it, if nothing uses it any more:\n\
             \n    aeolus token delete ID",
        ),
        News::Unused => (
            "Nobody has used these API tokens for 90 days",
            "What isn't used is best deleted, before somebody finds it:\n\
             \n    aeolus token delete ID",
        ),
        News::Old => (
            "The values of these API tokens are older than your organization wants them to be",
            "They go on working. Give each a new value and put that in the place of the old one:\n\
             \n    aeolus token rotate ID --grace 24h",
        ),
        News::OwnerLeft => (
            "Whoever answered for these API tokens has left",
            "They go on working. Delete one that nobody needs, or give those of a person to somebody:\n\
             \n    aeolus token delete ID\n    aeolus user offboard EMAIL --give-tokens-to EMAIL",
        ),
    };
    let _ = writeln!(text, "Organization {organization}: {what}.\n\n{then}\n");
}

fn paragraph(text: &mut String, told: &Told) {
    let ends = moment(told.ends);
    let Told {
        name,
        token,
        short,
        scope,
        ..
    } = told;
    let _ = writeln!(
        text,
        "  {name}\n    id     {token}\n    value  {short}…\n    for    {scope}\n    ends   {ends}\n"
    );
}

/// A name as it may stand in a line: on one, and without the braces in which a link's place would be.
fn line(name: &str) -> String {
    let plain = |c: char| {
        if c.is_control() || "{}".contains(c) {
            ' '
        } else {
            c
        }
    };
    let plain = name.chars().map(plain);
    plain.take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn a_name_is_on_one_line_and_no_place_of_a_link() {
        assert_eq!(line("ci\n  id  x"), "ci   id  x");
        assert_eq!(line("{{invitation:1}}"), "  invitation:1  ");
    }
}
