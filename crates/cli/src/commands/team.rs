//! `aeolus team`.

mod members;
mod sheet;

use aeolus_api::client::Wait;
use aeolus_api::team::{TeamCreate as Create, TeamShown};
use aeolus_api::tenancy::{Grant, Team, TeamSet};

use super::Context;
use super::grant::Names;
use super::org::gone;
use super::session::say_unconfirmed;
use crate::args::{TeamCommand, TeamCreate, TeamDelete, TeamList, TeamOne, TeamRename, TeamUpdate};
use crate::control_client::{all, organization, refused};
use crate::report::Failure;
use crate::ui::{self, Table};

/// Does what was asked about teams.
pub(super) async fn team(command: &TeamCommand, context: &Context) -> Result<(), Failure> {
    match command {
        TeamCommand::List(args) => list(args, context).await,
        TeamCommand::Show(args) => show(args, context).await,
        TeamCommand::Create(args) => create(args, context).await,
        TeamCommand::Update(args) => update(args, context).await,
        TeamCommand::Rename(args) => rename(args, context).await,
        TeamCommand::Delete(args) => delete(args, context).await,
        TeamCommand::Members(args) => members::list(args, context).await,
        TeamCommand::Add(args) => members::add(args, context).await,
        TeamCommand::Remove(args) => members::remove(args, context).await,
        TeamCommand::Import(args) => sheet::import(args, context).await,
        TeamCommand::Export(args) => sheet::export(args, context).await,
    }
}

async fn list(args: &TeamList, context: &Context) -> Result<(), Failure> {
    let client = args.target.client(&context.environment).await?;
    let organization = organization(&client, args.organization.as_ref()).await?;
    let teams = all(|cursor| {
        let (client, organization) = (client.clone(), organization.clone());
        async move { client.teams(&organization, cursor.as_deref()).await }
    })
    .await?;
    ui::answer(context.output, &teams, &table(&teams))
}

/// Its roles are the answer's rows; the rest is said beside them.
async fn show(args: &TeamOne, context: &Context) -> Result<(), Failure> {
    let client = args.target.client(&context.environment).await?;
    let organization = organization(&client, args.organization.as_ref()).await?;
    let shown = client.team(&organization, &args.team).await;
    let shown = shown.map_err(refused)?;
    let mut table = Table::new(&["ROLE", "WHERE", "GRANT"]);
    if !shown.roles.is_empty() {
        let names = Names::of_places(&client, &organization).await?;
        for Grant {
            id, role, resource, ..
        } in &shown.roles
        {
            table.row([role.to_string(), names.place(*resource), id.to_string()]);
        }
    }
    ui::answer(context.output, &shown, &table)?;
    ui::note(&summary(&shown));
    Ok(())
}

fn summary(shown: &TeamShown) -> String {
    let TeamShown {
        team,
        member_count,
        members,
        ..
    } = shown;
    let name = &team.name;
    let text = match member_count {
        None => format!("{name}: you may not see who is in it"),
        Some(0) => format!("{name}: nobody is in it"),
        Some(count) => {
            let people: Vec<_> = members.iter().map(|m| m.email.to_string()).collect();
            let named = u64::try_from(people.len()).unwrap_or(u64::MAX);
            let more = match count.saturating_sub(named) {
                0 => String::new(),
                more => format!(" and {more} more (`aeolus team members {name}`)"),
            };
            format!("{name}: {}{more}", people.join(", "))
        }
    };
    ui::plain(&match team.description.as_str() {
        "" => text,
        description => format!("{text}. For: {description}"),
    })
}

async fn create(args: &TeamCreate, context: &Context) -> Result<(), Failure> {
    let client = args.target.client(&context.environment).await?;
    let organization = organization(&client, args.organization.as_ref()).await?;
    let wanted = Create {
        name: args.name.clone(),
        description: args.description.clone(),
    };
    let made = client.create_team(&organization, &wanted).await;
    let made = made.map_err(refused)?;
    let shown = table(std::slice::from_ref(&made.item));
    ui::answer(context.output, &made, &shown)
}

async fn update(args: &TeamUpdate, context: &Context) -> Result<(), Failure> {
    let wanted = TeamSet {
        name: args.name.clone(),
        description: args.description.clone(),
    };
    set(&args.team, &wanted, context).await
}

async fn rename(args: &TeamRename, context: &Context) -> Result<(), Failure> {
    let wanted = TeamSet {
        name: Some(args.name.clone()),
        description: None,
    };
    set(&args.team, &wanted, context).await
}

async fn set(args: &TeamOne, wanted: &TeamSet, context: &Context) -> Result<(), Failure> {
    let client = args.target.client(&context.environment).await?;
    let organization = organization(&client, args.organization.as_ref()).await?;
    let changed = client.set_team(&organization, &args.team, wanted).await;
    let changed = changed.map_err(refused)?;
    let shown = table(std::slice::from_ref(&changed.team));
    ui::answer(context.output, &changed, &shown)
}

async fn delete(args: &TeamDelete, context: &Context) -> Result<(), Failure> {
    let TeamOne {
        team,
        organization: named,
        target,
    } = &args.team;
    let client = target.client(&context.environment).await?;
    let organization = organization(&client, named.as_ref()).await?;
    let wait = if args.no_wait { Wait::No } else { Wait::Planes };
    let deleted = client.delete_team(&organization, team, wait).await;
    let deleted = deleted.map_err(refused)?;
    ui::answer(context.output, &deleted, &gone("TEAM", team))?;
    say_unconfirmed(deleted.planes.as_ref());
    Ok(())
}

fn table(teams: &[Team]) -> Table {
    let mut table = Table::new(&[
        "NAME",
        "ID",
        "MEMBERS BY",
        "GROUP",
        "CALLED THERE",
        "DESCRIPTION",
    ]);
    for team in teams {
        let (by, group, called) = match &team.group {
            None => ("people here".to_owned(), String::new(), String::new()),
            Some(group) => {
                let gone = if group.gone_at.is_some() {
                    " (gone)"
                } else {
                    ""
                };
                let by = if group.provisioned { " (SCIM)" } else { "" };
                (
                    format!("{}{by}", group.connection),
                    format!("{}{gone}", group.id),
                    group.name.clone().unwrap_or_default(),
                )
            }
        };
        table.row([
            team.name.to_string(),
            team.id.to_string(),
            by,
            group,
            called,
            team.description.clone(),
        ]);
    }
    table
}
