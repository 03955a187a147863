//! `aeolus deployment`.

use std::collections::BTreeMap;

use aeolus_api::tenancy::{Deployment, DeploymentCreate as Wanted, Route};
use aeolus_model::{PlaneId, Profile, Slug, WorkspaceId};

use super::Context;
use super::org::gone;
use super::place::{Named, split};
use crate::args::{DeploymentCommand, DeploymentCreate, DeploymentDelete, DeploymentList};
use crate::control_client::{all, organization, refused};
use crate::report::Failure;
use crate::ui::{self, Table};

const PATH: &str = "ORGANIZATION/WORKSPACE/DEPLOYMENT";

/// Does what was asked about deployments.
pub(super) async fn deployment(
    command: &DeploymentCommand,
    context: &Context,
) -> Result<(), Failure> {
    match command {
        DeploymentCommand::List(args) => list(args, context).await,
        DeploymentCommand::Create(args) => create(args, context).await,
        DeploymentCommand::Delete(args) => delete(args, context).await,
    }
}

async fn list(args: &DeploymentList, context: &Context) -> Result<(), Failure> {
    let client = args.target.client(&context.environment).await?;
    let organization = organization(&client, args.organization.as_ref()).await?;
    let named = Named(&client, &organization);
    let deployments = named.deployments().await?;
    let workspaces = named
        .workspaces()
        .await?
        .into_iter()
        .map(|w| (w.id, w.name))
        .collect();
    // Whoever may not know of planes sees ids.
    let planes = all(|cursor| {
        let client = client.clone();
        async move { client.planes(cursor.as_deref()).await }
    });
    let planes = planes
        .await
        .unwrap_or_default()
        .into_iter()
        .map(|p| (p.id, p.name))
        .collect();
    ui::answer(
        context.output,
        &deployments,
        &table(&deployments, &workspaces, &planes),
    )
}

async fn create(args: &DeploymentCreate, context: &Context) -> Result<(), Failure> {
    let [organization, workspace, name] = split(&args.path, PATH)?;
    let client = args.target.client(&context.environment).await?;
    let workspace = Named(&client, organization.as_str())
        .workspace(workspace.as_str())
        .await?;
    let plane_id = if let Ok(id) = args.plane.parse::<PlaneId>() {
        id
    } else {
        client.plane(&args.plane).await.map_err(refused)?.id
    };
    let wanted = Wanted {
        workspace_id: workspace.id,
        plane_id,
        name,
        routes: args.hosts.iter().map(|host| route(host)).collect(),
        upstream: args.upstream.clone(),
        profile: args.profile,
        rules: Vec::new(),
        staleness: None,
    };
    let made = client
        .create_deployment(organization.as_str(), &wanted)
        .await;
    let made = made.map_err(refused)?;
    let workspaces = BTreeMap::from([(workspace.id, workspace.name)]);
    let shown = table(
        std::slice::from_ref(&made.item),
        &workspaces,
        &BTreeMap::new(),
    );
    ui::answer(context.output, &made, &shown)
}

async fn delete(args: &DeploymentDelete, context: &Context) -> Result<(), Failure> {
    let [organization, workspace, name] = split(&args.path, PATH)?;
    let client = args.target.client(&context.environment).await?;
    let named = Named(&client, organization.as_str());
    let deployment = named.deployment(workspace.as_str(), name.as_str()).await?;
    let deleted = client
        .delete_deployment(organization.as_str(), deployment.id)
        .await;
    let deleted = deleted.map_err(refused)?;
    ui::answer(context.output, &deleted, &gone("DEPLOYMENT", &args.path))
}

/// `HOST` or `HOST/PREFIX`.
fn route(text: &str) -> Route {
    let (host, prefix) = text
        .split_once('/')
        .map_or((text, None), |(host, prefix)| (host, Some(prefix)));
    Route {
        host: host.to_owned(),
        path_prefix: prefix.map(|prefix| format!("/{prefix}")),
    }
}

fn table(
    deployments: &[Deployment],
    workspaces: &BTreeMap<WorkspaceId, Slug>,
    planes: &BTreeMap<PlaneId, Slug>,
) -> Table {
    let mut table = Table::new(&["WORKSPACE", "NAME", "PLANE", "PROFILE", "HOSTS", "ID"]);
    for deployment in deployments {
        let workspace = workspaces.get(&deployment.workspace_id);
        let plane = planes.get(&deployment.plane_id);
        let hosts = deployment.routes.iter().map(shown);
        let profile = match deployment.profile {
            Profile::Airflow3 => "airflow3",
            Profile::Airflow2 => "airflow2",
            Profile::Custom => "custom",
        };
        table.row([
            workspace.map_or_else(|| deployment.workspace_id.to_string(), ToString::to_string),
            deployment.name.to_string(),
            plane.map_or_else(|| deployment.plane_id.to_string(), ToString::to_string),
            profile.to_owned(),
            hosts.collect::<Vec<_>>().join(" "),
            deployment.id.to_string(),
        ]);
    }
    table
}

fn shown(route: &Route) -> String {
    format!(
        "{}{}",
        route.host,
        route.path_prefix.as_deref().unwrap_or_default()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_after_the_host() {
        for text in [
            "a.example.com",
            "*.example.com",
            "a.example.com/etl",
            "a.example.com/x/y",
        ] {
            assert_eq!(shown(&route(text)), text);
        }
        assert_eq!(route("a/b").path_prefix.as_deref(), Some("/b"));
    }
}
