//! `aeolus team`.

use aeolus_api::tenancy::{Team, TeamSet};

use super::Context;
use crate::args::{TeamCommand, TeamDelete, TeamList, TeamRename};
use crate::control_client::{all, organization, refused};
use crate::report::Failure;
use crate::ui::{self, Table};

/// Does what was asked about teams.
pub(super) async fn team(command: &TeamCommand, context: &Context) -> Result<(), Failure> {
    match command {
        TeamCommand::List(args) => list(args, context).await,
        TeamCommand::Rename(args) => rename(args, context).await,
        TeamCommand::Delete(args) => delete(args, context).await,
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

async fn rename(args: &TeamRename, context: &Context) -> Result<(), Failure> {
    let client = args.target.client(&context.environment).await?;
    let organization = organization(&client, args.organization.as_ref()).await?;
    let wanted = TeamSet {
        name: args.name.clone(),
    };
    let changed = client.set_team(&organization, &args.team, &wanted).await;
    let changed = changed.map_err(refused)?;
    let shown = table(std::slice::from_ref(&changed.team));
    ui::answer(context.output, &changed, &shown)
}

async fn delete(args: &TeamDelete, context: &Context) -> Result<(), Failure> {
    let client = args.target.client(&context.environment).await?;
    let organization = organization(&client, args.organization.as_ref()).await?;
    let deleted = client.delete_team(&organization, &args.team).await;
    deleted.map_err(refused)?;
    ui::note(&format!("{} is deleted", args.team));
    Ok(())
}

fn table(teams: &[Team]) -> Table {
    let mut table = Table::new(&["NAME", "ID", "MEMBERS BY", "GROUP", "CALLED THERE"]);
    for team in teams {
        let id = team.id.to_string();
        let Some(group) = &team.group else {
            let people = "people here".to_owned();
            table.row([
                team.name.to_string(),
                id,
                people,
                String::new(),
                String::new(),
            ]);
            continue;
        };
        let gone = if group.gone_at.is_some() {
            " (gone)"
        } else {
            ""
        };
        table.row([
            team.name.to_string(),
            id,
            group.connection.to_string(),
            format!("{}{gone}", group.id),
            group.name.clone().unwrap_or_default(),
        ]);
    }
    table
}
