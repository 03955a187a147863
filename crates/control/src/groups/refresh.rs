//! Groups that a provider is asked for on a schedule: who is in them, what they are called, whether they are there.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use aeolus_model::{Action, AuditEvent, IdentitySubject, Secret, UserId};
use aeolus_oidc::entra::Application;
use aeolus_oidc::{Discovery, TeamRules, graph};
use aeolus_store::{GroupTeam, ManagedBy, Member, StoreError, Unit as _, Write};
use tokio_util::sync::CancellationToken;

use super::{age, follow, kept};
use crate::app::App;
use crate::connections::{self, SignIn};
use crate::federation::graph::{self as ask, Carrier, Known, Unheard};

/// How often is looked whether something is due.
const LOOK: Duration = Duration::from_secs(30);
/// Who asked in vain asks again after this.
const AGAIN: Duration = Duration::from_secs(300);

/// Asks what is due until shutdown. Of several replicas one does.
pub(crate) async fn run(app: App, shutdown: CancellationToken) {
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
        let asking = async {
            if let Err(error) = tend(&app).await {
                tracing::warn!(%error, "groups could not be refreshed; trying again");
            }
        };
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = asking => {}
        }
    }
}

/// One round over all connections.
pub(crate) async fn tend(app: &App) -> Result<(), StoreError> {
    let mut view = app.store.read().await?;
    let all = connections::all(app, &mut view).await?;
    drop(view);
    for sign_in in &all {
        let Some((rules, every)) = due_by(sign_in) else {
            continue;
        };
        let now = app.clock.now();
        let mut view = app.store.read().await?;
        let due = view.group_teams().due(sign_in.id).await?;
        drop(view);
        if due.is_some_and(|due| now < due) {
            continue;
        }
        let mut write = app.store.write().await?;
        let next = now.plus(every);
        let ours = write.group_teams().claim(sign_in.id, (now, next)).await?;
        app.commit(write).await?;
        if !ours {
            continue;
        }
        let asked = match ask::with(app, sign_in, now).await {
            Ok((carrier, discovery)) => {
                refresh(app, (sign_in, rules), (&carrier, &discovery)).await?
            }
            Err(cause) => Err(cause),
        };
        if let Err(cause) = asked {
            let connection = sign_in.connection.name().as_str();
            tracing::warn!(connection, %cause, "Graph does not tell a connection's groups; trying again");
            let mut write = app.store.write().await?;
            let again = app.clock.now().plus(AGAIN.min(every));
            write.group_teams().postpone(sign_in.id, again).await?;
            app.commit(write).await?;
        }
    }
    Ok(())
}

/// Where groups are refreshed, and how often.
fn due_by(sign_in: &SignIn) -> Option<(&TeamRules, Duration)> {
    let connection = &sign_in.connection;
    let rules = connection.teams()?;
    let asked = graph(connection).is_some() && connection.client_secret().is_some();
    rules
        .refresh()
        .filter(|_| asked)
        .map(|every| (rules, every))
}

/// Every Team of a connection. A group that can't be asked for doesn't keep the others from it.
pub(super) async fn refresh(
    app: &App,
    (sign_in, rules): (&SignIn, &TeamRules),
    (carrier, discovery): (&impl Carrier, &Discovery),
) -> Result<Result<(), Unheard>, StoreError> {
    let issuer = sign_in.connection.discovery().issuer();
    let mut view = app.store.read().await?;
    let teams = view.group_teams().of_connection(sign_in.id).await?;
    let known = view.identities().of_connection(sign_in.id, issuer).await?;
    drop(view);
    let people: HashMap<IdentitySubject, UserId> = known.into_iter().collect();
    let mut tenants: BTreeMap<String, Result<(Application, Secret<String>), ()>> = BTreeMap::new();
    let mut failed = None;
    for team in teams {
        if !tenants.contains_key(&team.place) {
            let begun = application((sign_in, discovery), carrier, &team.place).await;
            let begun = begun.map_err(|cause| failed = Some(cause));
            tenants.insert(team.place.clone(), begun);
        }
        let Some(Ok((application, token))) = tenants.get(&team.place) else {
            continue;
        };
        // By a claim of one's own, as it is told at sign-ins alone.
        if application.group(&team.group).is_none() {
            continue;
        }
        let before = members(app, &team).await?;
        let asked = (token, team.group.as_str());
        match ask::group(carrier, application, asked).await {
            Ok(known) => take(app, (team, rules), known, (&people, &before)).await?,
            Err(cause) => failed = Some(cause),
        }
    }
    Ok(failed.map_or(Ok(()), Err))
}

async fn application(
    (sign_in, discovery): (&SignIn, &Discovery),
    carrier: &impl Carrier,
    tenant: &str,
) -> Result<(Application, Secret<String>), Unheard> {
    let none = || format!("{tenant:?} is no tenant that can be asked");
    let application = Application::at(&sign_in.connection, discovery, tenant).ok_or_else(none)?;
    let token = carrier.token(&application).await?;
    Ok((application, token))
}

async fn members(app: &App, team: &GroupTeam) -> Result<BTreeSet<UserId>, StoreError> {
    let mut view = app.store.read().await?;
    let members = view.teams().members(team.team).await?;
    Ok(members.into_iter().map(|member| member.user).collect())
}

/// What Graph says of one group. Only who was in before it was asked is taken out: somebody may have signed in
/// since.
async fn take(
    app: &App,
    (team, rules): (GroupTeam, &TeamRules),
    known: Option<Known>,
    (people, before): (&HashMap<IdentitySubject, UserId>, &BTreeSet<UserId>),
) -> Result<(), StoreError> {
    let now = app.clock.now();
    let line = |action: Action| AuditEvent::of_system(now, action);
    let Some(known) = known else {
        if team.gone_at.is_none() || !before.is_empty() {
            let mut write = app.store.write().await?;
            kept::gone(&mut write, team, now, &line).await?;
            app.commit(write).await?;
        }
        return Ok(());
    };
    let name = known.name.as_deref();
    let id = rules.id_of(&team.group, &team.place);
    let called = name.or(team.name.as_deref());
    let taken = rules.take(&id, called);
    let subjects = known.members.iter().filter(|_| taken);
    let wanted: BTreeSet<UserId> = subjects
        .filter_map(|subject| people.get(subject).copied())
        .collect();
    let whole = known.whole || !taken;
    let recent = age::recent(now, rules.confirm_within());
    let mut view = app.store.read().await?;
    let mut groups = view.group_teams();
    let aged = whole && groups.wants_confirming(team.team, recent).await?;
    drop(view);
    if *before == wanted && !kept::is_news(&team, name) && !aged {
        return Ok(());
    }
    let mut write = app.store.write().await?;
    // By now it may have been removed.
    let Some(team) = write.group_teams().get(team.team).await? else {
        return Ok(());
    };
    let team = kept::there(&mut write, team, name, &line).await?;
    let mut changes = Vec::new();
    for user in coming(&mut write, &team, wanted.difference(before)).await? {
        let new = Member {
            team: team.team,
            user,
            managed_by: ManagedBy::Configuration,
        };
        if write.teams().add(&new).await? {
            changes.push((user, true));
        }
    }
    for user in before.difference(&wanted).filter(|_| whole) {
        if write.teams().remove(team.team, *user).await? {
            changes.push((*user, false));
        }
    }
    if whole {
        let mut groups = write.group_teams();
        groups.confirm_team(team.team, (now, recent)).await?;
    }
    for (user, is_in) in changes {
        let change = BTreeMap::from([(team.team, is_in)]);
        let event = line(Action::TeamMembers);
        let event = follow::changed(&mut write, event, user, &change).await?;
        write.audit(event);
    }
    app.commit(write).await?;
    Ok(())
}

/// Those who may come in: not who was shown out of the organization, until they come themselves.
async fn coming(
    write: &mut Write,
    team: &GroupTeam,
    named: impl Iterator<Item = &UserId>,
) -> Result<Vec<UserId>, StoreError> {
    let named: Vec<UserId> = named.copied().collect();
    let mut coming = Vec::new();
    let Some(place) = write
        .teams()
        .get(team.team)
        .await?
        .filter(|_| !named.is_empty())
    else {
        return Ok(coming);
    };
    // Whoever shows somebody out at this moment is waited for, or finds them in.
    write.organizations().lock(place.organization).await?;
    for user in named {
        let mut groups = write.group_teams();
        let out = groups.is_shown_out(place.organization, user).await?;
        if !out && is_linked(write, team, user).await? {
            coming.push(user);
        }
    }
    Ok(coming)
}

/// Whether the provider still knows somebody here: their link may have gone since the round began.
async fn is_linked(write: &mut Write, team: &GroupTeam, user: UserId) -> Result<bool, StoreError> {
    let links = write.identities().of_user(user).await?;
    Ok(links.iter().any(|link| link.connection == team.connection))
}
