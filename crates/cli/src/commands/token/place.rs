//! From the names that people write to the ids that control wants.

use aeolus_api::client::Client;
use aeolus_api::tenancy::User;

use crate::control_client::all;
use crate::report::{Failure, Report};

/// The organization's name and the id of what a path names in it.
pub(in crate::commands) async fn resolve(
    client: &Client,
    path: &str,
) -> Result<(String, Option<String>), Failure> {
    let mut names = path.split('/');
    let organization = names.next().unwrap_or_default().to_owned();
    let Some(workspace) = names.next() else {
        return Ok((organization, None));
    };
    let unknown = || {
        Report::new("CLI-0014", format!("there is no {path}"))
            .why("It does not exist, or you may not know of it.")
            .help("write ORGANIZATION/WORKSPACE/DEPLOYMENT as in the fleet document")
            .failed()
    };
    let workspaces = all(|cursor| {
        let (client, organization) = (client.clone(), organization.clone());
        async move { client.workspaces(&organization, cursor.as_deref()).await }
    })
    .await?;
    let workspace = workspaces
        .into_iter()
        .find(|w| w.name.as_str() == workspace)
        .ok_or_else(unknown)?;
    let Some(name) = names.next() else {
        return Ok((organization, Some(workspace.id.to_string())));
    };
    let deployments = all(|cursor| {
        let (client, organization) = (client.clone(), organization.clone());
        async move { client.deployments(&organization, cursor.as_deref()).await }
    })
    .await?;
    let deployment = deployments
        .into_iter()
        .find(|d| d.workspace_id == workspace.id && d.name.as_str() == name)
        .ok_or_else(unknown)?;
    Ok((organization, Some(deployment.id.to_string())))
}

/// The id of a person of an organization, by e-mail address or id.
pub(super) async fn person(
    client: &Client,
    organization: &str,
    person: &str,
) -> Result<aeolus_model::UserId, Failure> {
    if let Ok(id) = person.parse() {
        return Ok(id);
    }
    let people: Vec<User> = all(|cursor| {
        let (client, organization) = (client.clone(), organization.to_owned());
        async move { client.users(&organization, cursor.as_deref()).await }
    })
    .await?;
    let found = people
        .iter()
        .find(|user| user.email.as_str().eq_ignore_ascii_case(person));
    let found = found.map(|user| user.id);
    found.ok_or_else(|| {
        Report::new(
            "CLI-0017",
            format!("there is nobody called {person} in {organization}"),
        )
        .help("write an e-mail address as control knows it, or an id")
        .failed()
    })
}
