//! `aeolus team members`, `add` and `remove`.

use aeolus_api::client::{Client, Wait};
use aeolus_api::team::{TeamAdd as Add, TeamMember};

use super::super::Context;
use super::super::session::say_unconfirmed;
use crate::args::{TeamAdd, TeamMembers, TeamRemove};
use crate::control_client::{all, organization, refused};
use crate::report::Failure;
use crate::ui::{self, Table};

/// Lists who is in a team.
pub(super) async fn list(args: &TeamMembers, context: &Context) -> Result<(), Failure> {
    let client = args.team.target.client(&context.environment).await?;
    let organization = organization(&client, args.team.organization.as_ref()).await?;
    let members = of(&client, &organization, &args.team.team).await?;
    if args.csv {
        let header = ["email", "name", "disabled", "in_document", "id"];
        return ui::spreadsheet(&header, members.iter().map(row));
    }
    ui::answer(context.output, &members, &table(&members))
}

/// Everybody who is in a team.
pub(super) async fn of(
    client: &Client,
    organization: &str,
    team: &str,
) -> Result<Vec<TeamMember>, Failure> {
    all(|cursor| {
        let (client, organization) = (client.clone(), organization.to_owned());
        async move {
            let cursor = cursor.as_deref();
            client.team_members(&organization, team, cursor).await
        }
    })
    .await
}

/// Puts people into a team.
pub(super) async fn add(args: &TeamAdd, context: &Context) -> Result<(), Failure> {
    let client = args.team.target.client(&context.environment).await?;
    let organization = organization(&client, args.team.organization.as_ref()).await?;
    let wait = if args.no_wait { Wait::No } else { Wait::Planes };
    let wanted = Add {
        users: args.people.clone(),
    };
    let team = &args.team.team;
    let added = client.add_to_team(&organization, team, (&wanted, wait));
    let added = added.await.map_err(refused)?;
    ui::answer(context.output, &added, &table(&added.added))?;
    if added.added.is_empty() {
        ui::note("nothing was changed: they are all in it");
    }
    for plane in added.planes.iter().flat_map(|planes| &planes.unconfirmed) {
        ui::note(&format!(
            "warning: plane {} has not said that it has heard of it",
            plane.name
        ));
    }
    Ok(())
}

/// Takes somebody out.
pub(super) async fn remove(args: &TeamRemove, context: &Context) -> Result<(), Failure> {
    let client = args.team.target.client(&context.environment).await?;
    let organization = organization(&client, args.team.organization.as_ref()).await?;
    let wait = if args.no_wait { Wait::No } else { Wait::Planes };
    let (team, person) = (&args.team.team, &args.person);
    let removed = client.remove_from_team(&organization, team, (person, wait));
    let removed = removed.await.map_err(refused)?;
    let mut table = Table::new(&["TEAM", "PERSON", "THEN"]);
    table.row([team, person, "taken out"]);
    ui::answer(context.output, &removed, &table)?;
    say_unconfirmed(removed.planes.as_ref());
    Ok(())
}

fn table(members: &[TeamMember]) -> Table {
    let mut table = Table::new(&["E-MAIL", "NAME", "DISABLED", "IN DOCUMENT", "ID"]);
    for member in members {
        table.row(row(member));
    }
    table
}

fn row(member: &TeamMember) -> [String; 5] {
    let yes = |is: bool| if is { "yes" } else { "no" }.to_owned();
    [
        member.email.to_string(),
        member.name.clone(),
        yes(member.disabled),
        yes(member.in_document),
        member.id.to_string(),
    ]
}
