//! `aeolus workspace`.

use aeolus_api::tenancy::{NamedCreate, Workspace};

use super::Context;
use super::org::gone;
use super::place::{Named, split};
use crate::args::{WorkspaceCommand, WorkspaceList, WorkspaceOne};
use crate::control_client::{all, organization, refused};
use crate::report::Failure;
use crate::ui::{self, Table};

/// Does what was asked about workspaces.
pub(super) async fn workspace(
    command: &WorkspaceCommand,
    context: &Context,
) -> Result<(), Failure> {
    match command {
        WorkspaceCommand::List(args) => list(args, context).await,
        WorkspaceCommand::Create(args) => create(args, context).await,
        WorkspaceCommand::Delete(args) => delete(args, context).await,
    }
}

async fn list(args: &WorkspaceList, context: &Context) -> Result<(), Failure> {
    let client = args.target.client(&context.environment).await?;
    let organization = organization(&client, args.organization.as_ref()).await?;
    let workspaces = all(|cursor| {
        let (client, organization) = (client.clone(), organization.clone());
        async move { client.workspaces(&organization, cursor.as_deref()).await }
    })
    .await?;
    ui::answer(context.output, &workspaces, &table(&workspaces))
}

async fn create(args: &WorkspaceOne, context: &Context) -> Result<(), Failure> {
    let [organization, name] = split(&args.path, "ORGANIZATION/WORKSPACE")?;
    let client = args.target.client(&context.environment).await?;
    let made = client
        .create_workspace(organization.as_str(), &NamedCreate { name })
        .await;
    let made = made.map_err(refused)?;
    ui::answer(
        context.output,
        &made,
        &table(std::slice::from_ref(&made.item)),
    )
}

async fn delete(args: &WorkspaceOne, context: &Context) -> Result<(), Failure> {
    let [organization, name] = split(&args.path, "ORGANIZATION/WORKSPACE")?;
    let client = args.target.client(&context.environment).await?;
    let workspace = Named(&client, organization.as_str())
        .workspace(name.as_str())
        .await?;
    let deleted = client
        .delete_workspace(organization.as_str(), workspace.id)
        .await;
    let deleted = deleted.map_err(refused)?;
    ui::answer(context.output, &deleted, &gone("WORKSPACE", &args.path))
}

fn table(workspaces: &[Workspace]) -> Table {
    let mut table = Table::new(&["NAME", "ID"]);
    for workspace in workspaces {
        table.row([workspace.name.to_string(), workspace.id.to_string()]);
    }
    table
}
