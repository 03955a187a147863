//! From the names that people write to the ids that control wants.

use aeolus_api::client::Client;
use aeolus_api::tenancy::User;
use aeolus_model::Resource;

use crate::commands::place::resource;
use crate::control_client::all;
use crate::report::{Failure, Report};

/// The organization's name and the id of what a path names in it.
pub(in crate::commands) async fn resolve(
    client: &Client,
    path: &str,
) -> Result<(String, Option<String>), Failure> {
    let organization = path.split('/').next().unwrap_or_default().to_owned();
    let entity = match path.split('/').count() {
        1 => None,
        _ => match resource(client, path).await? {
            Resource::Workspace(id) => Some(id.to_string()),
            Resource::Deployment(id) => Some(id.to_string()),
            Resource::System | Resource::Organization(_) => None,
        },
    };
    Ok((organization, entity))
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
