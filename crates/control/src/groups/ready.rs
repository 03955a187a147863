//! What a sign-in says of somebody's groups, and the Teams that stand for them. They are there before the person is
//! looked at: whoever makes a Team waits for its organization, and nobody waits for one who keeps a person waiting.

use std::collections::BTreeSet;

use aeolus_model::{Actor, ConnectionId, OrganizationId};
use aeolus_oidc::{Connection, GroupList, Groups, Identity, SubjectClaim, TeamRules};
use aeolus_store::{GroupTeam, StoreError, Unit, Write};

use super::made::{self, New};
use super::{MOST_OF_PERSON, by_group, kept, provisioned};
use crate::app::App;
use crate::ctx::RequestInfo;

/// What a provider says of somebody's groups.
pub(crate) struct Said {
    pub(super) connection: ConnectionId,
    /// The Teams of those that become some.
    pub(super) teams: Vec<GroupTeam>,
    /// Whether they are all.
    pub(super) whole: bool,
}

/// The Teams of the groups that a provider says of somebody, made where they are missing; none where it doesn't say.
/// `first`: an organization that is to be waited for with them.
pub(crate) async fn ready(
    app: &App,
    info: &RequestInfo,
    write: &mut Write,
    (connection, provider): (ConnectionId, &Connection),
    (identity, first): (&Identity, Option<OrganizationId>),
) -> Result<Option<Said>, StoreError> {
    let (Some(rules), Groups::Listed(list)) = (provider.teams(), &identity.groups) else {
        return Ok(None);
    };
    let line = |action| info.event(app, Actor::System, action);
    let (wanted, whole) = counted(rules, list);
    let wanted = unprovisioned(write, connection, wanted).await?;
    let found = queue(write, (connection, rules), &wanted, first).await?;
    let subject = identity.subject.as_str();
    let tenants = provider.profile().subject == SubjectClaim::TidOid;
    let place = subject.split_once('/').filter(|_| tenants);
    let place = place.map_or("", |(tenant, _)| tenant);
    let (mut teams, mut missing) = (Vec::new(), Vec::new());
    for ((id, name), found) in wanted.into_iter().zip(found) {
        let Some(found) = found else {
            missing.push(New { id, name, place });
            continue;
        };
        let known = kept::there(write, found, name, &line).await?;
        // The name may be one that only the schedule has learnt.
        if rules.take(id, known.name.as_deref()) {
            teams.push(known);
        }
    }
    teams.extend(made::make(app, write, connection, &missing, &line).await?);
    Ok(Some(Said {
        connection,
        teams,
        whole,
    }))
}

type Wanted<'l> = (&'l str, Option<&'l str>);

/// The Teams that there are. Where one has to be made or changed, or another organization is to be waited for, those
/// who do the same are waited for, then the organizations, the lowest id first (note 003).
async fn queue(
    write: &mut Write,
    (connection, rules): (ConnectionId, &TeamRules),
    wanted: &[Wanted<'_>],
    first: Option<OrganizationId>,
) -> Result<Vec<Option<GroupTeam>>, StoreError> {
    let (mut all, mut places) = (Vec::new(), BTreeSet::from_iter(first));
    let mut missing = false;
    for (id, name) in wanted {
        let found = by_group(write, connection, id).await?;
        missing |= found.is_none();
        if let Some(found) = found.as_ref().filter(|found| kept::is_news(found, *name))
            && let Some(team) = write.teams().get(found.team).await?
        {
            places.insert(team.organization);
        }
        all.push(found);
    }
    if missing {
        places.extend(made::organization(write, rules).await?);
    }
    if missing || !places.is_empty() {
        write.group_teams().hold(connection).await?;
    }
    for place in places {
        write.organizations().lock(place).await?;
    }
    Ok(all)
}

/// What a provider should be asked beside its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// Nothing.
    None,
    /// What the groups are called: it names one by its id that nobody knows here.
    Names,
    /// Which groups there are.
    Groups,
    /// Which of these the person is still in: it doesn't say.
    Still(BTreeSet<String>),
}

/// What is missing in what a provider says of somebody's groups.
pub(crate) async fn news(
    unit: &mut impl Unit,
    (connection, provider): (ConnectionId, &Connection),
    identity: &Identity,
) -> Result<News, StoreError> {
    let Some(rules) = provider.teams() else {
        return Ok(News::None);
    };
    let list = match &identity.groups {
        Groups::AskGraph => return Ok(News::Groups),
        Groups::Unknown => {
            let mut links = unit.identities();
            let link = links
                .find(connection, &identity.issuer, &identity.subject)
                .await?;
            let Some(link) = link else {
                return Ok(News::None);
            };
            let held = unit.group_teams().of_member(connection, link.user).await?;
            let id = |team: &GroupTeam| rules.id_of(&team.group, &team.place).into_owned();
            let held: BTreeSet<String> = held.iter().map(id).collect();
            return Ok(if held.is_empty() {
                News::None
            } else {
                News::Still(held)
            });
        }
        Groups::Listed(list) => list,
    };
    let wanted = unprovisioned(unit, connection, counted(rules, list).0).await?;
    for (id, name) in wanted {
        if name.is_none() && by_group(unit, connection, id).await?.is_none() {
            return Ok(News::Names);
        }
    }
    Ok(News::None)
}

/// Without those whose Teams the connection's provisioning client made: it says who is in them, whatever a sign-in says. A
/// Team that a sign-in made is the sign-ins' also where a client pushes the same group later: each has one who says who is in
/// it (note 033).
async fn unprovisioned<'l>(
    unit: &mut impl Unit,
    connection: ConnectionId,
    wanted: Vec<Wanted<'l>>,
) -> Result<Vec<Wanted<'l>>, StoreError> {
    if unit.scim_groups().count(connection).await? == 0 {
        return Ok(wanted);
    }
    let mut left = Vec::new();
    for (id, name) in wanted {
        let is_own = by_group(unit, connection, id).await?.is_some();
        if is_own || !provisioned::is(unit, connection, (id, name)).await? {
            left.push((id, name));
        }
    }
    Ok(left)
}

/// Those that become Teams, and whether that is all of them.
fn counted<'l>(rules: &TeamRules, list: &'l GroupList) -> (Vec<Wanted<'l>>, bool) {
    let taken = list.iter().filter(|(id, name)| rules.take(id, *name));
    let mut wanted: Vec<_> = taken.take(MOST_OF_PERSON + 1).collect();
    let whole = list.is_whole() && wanted.len() <= MOST_OF_PERSON;
    wanted.truncate(MOST_OF_PERSON);
    (wanted, whole)
}
