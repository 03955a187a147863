//! `aeolus grant`.

use std::collections::BTreeMap;

use aeolus_api::client::Client;
use aeolus_api::tenancy::{Grant, GrantCreate};
use aeolus_model::{DeploymentId, Resource, Subject, UserId, WorkspaceId};

use super::Context;
use super::org::gone;
use super::place::{Named, resource};
use crate::args::{GrantAdd, GrantCommand, GrantList, GrantRemove};
use crate::control_client::{all, organization, refused};
use crate::report::Failure;
use crate::ui::{self, Table};

/// Does what was asked about roles that somebody has.
pub(super) async fn grant(command: &GrantCommand, context: &Context) -> Result<(), Failure> {
    match command {
        GrantCommand::List(args) => list(args, context).await,
        GrantCommand::Add(args) => add(args, context).await,
        GrantCommand::Remove(args) => remove(args, context).await,
    }
}

async fn list(args: &GrantList, context: &Context) -> Result<(), Failure> {
    let client = args.target.client(&context.environment).await?;
    let organization = organization(&client, args.organization.as_ref()).await?;
    let only = match &args.subject {
        Some(text) => {
            let found = client.explain(text, &organization, None).await;
            Some(found.map_err(refused)?.subject)
        }
        None => None,
    };
    let mut grants = all(|cursor| {
        let (client, organization) = (client.clone(), organization.clone());
        async move { client.grants(&organization, cursor.as_deref()).await }
    })
    .await?;
    grants.retain(|grant| only.is_none_or(|only| grant.subject == only));
    let names = Names::of(&client, &organization).await?;
    ui::answer(context.output, &grants, &table(&grants, &names))
}

/// Control knows what the names stand for, and whether whoever asks may know.
async fn add(args: &GrantAdd, context: &Context) -> Result<(), Failure> {
    let client = args.target.client(&context.environment).await?;
    let organization = args.place.split('/').next().unwrap_or_default();
    let subject = client.explain(&args.subject, organization, None).await;
    let subject = subject.map_err(refused)?;
    let resource = resource(&client, &args.place).await?;
    let wanted = GrantCreate {
        subject: subject.subject,
        role: args.role.clone(),
        resource,
    };
    let made = client.create_grant(organization, &wanted).await;
    let made = made.map_err(refused)?;
    let mut table = Table::new(&["WHO", "ROLE", "WHERE", "ID"]);
    let id = made.item.id.to_string();
    table.row([
        subject.name,
        made.item.role.to_string(),
        args.place.clone(),
        id,
    ]);
    ui::answer(context.output, &made, &table)
}

async fn remove(args: &GrantRemove, context: &Context) -> Result<(), Failure> {
    let client = args.target.client(&context.environment).await?;
    let organization = organization(&client, args.organization.as_ref()).await?;
    let deleted = client.delete_grant(&organization, args.id).await;
    let deleted = deleted.map_err(refused)?;
    ui::answer(
        context.output,
        &deleted,
        &gone("GRANT", &args.id.to_string()),
    )
}

/// What ids stand for in an organization.
pub(super) struct Names {
    organization: String,
    people: BTreeMap<UserId, String>,
    workspaces: BTreeMap<WorkspaceId, String>,
    deployments: BTreeMap<DeploymentId, String>,
}

impl Names {
    async fn of(client: &Client, organization: &str) -> Result<Self, Failure> {
        let places = Self::of_places(client, organization).await?;
        let people = all(|cursor| {
            let (client, organization) = (client.clone(), organization.to_owned());
            async move { client.users(&organization, cursor.as_deref()).await }
        });
        let people = people
            .await?
            .into_iter()
            .map(|user| (user.id, user.email.to_string()));
        Ok(Self {
            people: people.collect(),
            ..places
        })
    }

    /// Without people.
    pub(super) async fn of_places(client: &Client, organization: &str) -> Result<Self, Failure> {
        let named = Named(client, organization);
        let workspaces = named.workspaces().await?.into_iter();
        let workspaces: BTreeMap<_, _> = workspaces
            .map(|w| (w.id, format!("{organization}/{}", w.name)))
            .collect();
        let deployments = named.deployments().await?.into_iter();
        let deployments = deployments.filter_map(|d| {
            let workspace = workspaces.get(&d.workspace_id)?;
            Some((d.id, format!("{workspace}/{}", d.name)))
        });
        Ok(Self {
            organization: organization.to_owned(),
            people: BTreeMap::new(),
            deployments: deployments.collect(),
            workspaces,
        })
    }

    fn subject(&self, subject: Subject) -> String {
        match subject {
            Subject::User(id) => self
                .people
                .get(&id)
                .cloned()
                .unwrap_or_else(|| format!("user {id}")),
            Subject::Team(id) => format!("team {id}"),
            Subject::Token(id) => format!("token {id}"),
        }
    }

    pub(super) fn place(&self, resource: Resource) -> String {
        match resource {
            Resource::System => "*".to_owned(),
            Resource::Organization(_) => self.organization.clone(),
            Resource::Workspace(id) => {
                let known = self.workspaces.get(&id).cloned();
                known.unwrap_or_else(|| format!("workspace {id}"))
            }
            Resource::Deployment(id) => {
                let known = self.deployments.get(&id).cloned();
                known.unwrap_or_else(|| format!("deployment {id}"))
            }
        }
    }
}

fn table(grants: &[Grant], names: &Names) -> Table {
    let mut table = Table::new(&["WHO", "ROLE", "WHERE", "ID"]);
    for grant in grants {
        table.row([
            names.subject(grant.subject),
            grant.role.to_string(),
            names.place(grant.resource),
            grant.id.to_string(),
        ]);
    }
    table
}
