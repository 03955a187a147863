//! What people call things: paths of names, and what they name at control.

use aeolus_api::client::Client;
use aeolus_api::tenancy::{Deployment, Workspace};
use aeolus_model::{Resource, Slug};

use crate::control_client::{all, refused};
use crate::report::{Failure, Report};

/// The names of a path that has to have so many.
pub(super) fn split<const N: usize>(path: &str, form: &str) -> Result<[Slug; N], Failure> {
    let wrong = |why: String| {
        Report::new("CLI-0036", format!("{path} is not of the form {form}"))
            .why(why)
            .help(format!("write {form}, such as acme/sales"))
            .usage()
    };
    let names: Result<Vec<Slug>, _> = path.split('/').map(Slug::parse).collect();
    let names = names.map_err(|error| wrong(format!("{error}.")))?;
    <[Slug; N]>::try_from(names).map_err(|names| wrong(format!("It has {} names.", names.len())))
}

/// What a path of one to three names is.
pub(super) async fn resource(client: &Client, path: &str) -> Result<Resource, Failure> {
    let names: Vec<&str> = path.split('/').collect();
    match *names {
        [organization] => {
            let found = client.organization(organization).await.map_err(refused)?;
            Ok(Resource::Organization(found.id))
        }
        [organization, workspace] => {
            let found = Named(client, organization).workspace(workspace).await?;
            Ok(Resource::Workspace(found.id))
        }
        [organization, workspace, name] => {
            let found = Named(client, organization)
                .deployment(workspace, name)
                .await?;
            Ok(Resource::Deployment(found.id))
        }
        _ => Err(split::<3>(path, "ORGANIZATION/WORKSPACE/DEPLOYMENT")
            .err()
            .unwrap_or_else(Failure::silent)),
    }
}

/// What is called something in an organization.
pub(super) struct Named<'a>(pub(super) &'a Client, pub(super) &'a str);

impl Named<'_> {
    pub(super) async fn workspaces(&self) -> Result<Vec<Workspace>, Failure> {
        all(|cursor| {
            let (client, organization) = (self.0.clone(), self.1.to_owned());
            async move { client.workspaces(&organization, cursor.as_deref()).await }
        })
        .await
    }

    pub(super) async fn deployments(&self) -> Result<Vec<Deployment>, Failure> {
        all(|cursor| {
            let (client, organization) = (self.0.clone(), self.1.to_owned());
            async move { client.deployments(&organization, cursor.as_deref()).await }
        })
        .await
    }

    pub(super) async fn workspace(&self, name: &str) -> Result<Workspace, Failure> {
        let mut found = self.workspaces().await?.into_iter();
        let found = found.find(|workspace| workspace.name.as_str() == name);
        found.ok_or_else(|| self.unknown(name))
    }

    pub(super) async fn deployment(
        &self,
        workspace: &str,
        name: &str,
    ) -> Result<Deployment, Failure> {
        let within = self.workspace(workspace).await?.id;
        let mut found = self.deployments().await?.into_iter();
        let found = found.find(|d| d.workspace_id == within && d.name.as_str() == name);
        found.ok_or_else(|| self.unknown(&format!("{workspace}/{name}")))
    }

    fn unknown(&self, path: &str) -> Failure {
        Report::new("CLI-0014", format!("there is no {}/{path}", self.1))
            .why("It does not exist, or you may not know of it.")
            .help("write ORGANIZATION/WORKSPACE/DEPLOYMENT as in the fleet document")
            .failed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_as_many_names_as_it_must() {
        let two = |path| split::<2>(path, "ORGANIZATION/WORKSPACE");
        let [organization, workspace] = two("acme/sales").unwrap();
        assert_eq!(
            (organization.as_str(), workspace.as_str()),
            ("acme", "sales")
        );
        for odd in [
            "acme",
            "acme/sales/etl",
            "acme/",
            "/sales",
            "",
            "acme/Sales!",
        ] {
            let failure = two(odd).unwrap_err();
            assert!(failure.render().contains("CLI-0036"), "{odd}");
            assert_eq!(failure.exit.code(), 2, "{odd}");
        }
    }
}
