//! Which repository is which deployment's.
//!
//! A name must lead to one deployment in one way: where two tenants' names could make the same repository, one
//! would push what the other runs. So each part of a template is a whole component of the repository's name.

use std::fmt;
use std::str::FromStr;

use aeolus_api::registry::{Repository, is_component};
use aeolus_model::{DeploymentId, Host, Slug};
use aeolus_store::{Deployment, Read, StoreError, Unit as _};

/// The rule by which repositories belong to deployments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Repositories {
    /// By the deployment's names or id.
    Named(Template),
    /// The repository's name is the path below which the deployment answers on this host, as in the original:
    /// `RELEASE/airflow` is what answers at `https://HOST/RELEASE/airflow`. No other path is a repository's name,
    /// and only who runs the installation gives deployments paths there (row J1).
    PathsOn(Host),
}

impl Default for Repositories {
    fn default() -> Self {
        Self::Named(Template::default())
    }
}

/// A repository's name with parts that stand for a deployment: `{id}/airflow`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(String),
    Organization,
    Workspace,
    Deployment,
    Id,
}

/// A text that is no such template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A component that is neither fixed nor a placeholder as a whole.
    #[error(
        "each part between '/' is fixed text of a-z and 0-9, or one of {{organization}}, {{workspace}}, {{deployment}} and {{id}} as a whole"
    )]
    Component,
    /// Parts that don't lead to one deployment.
    #[error(
        "use {{organization}}, {{workspace}} and {{deployment}}, each once, or {{id}} once in their place: anything less could be two deployments'"
    )]
    Ambiguous,
}

/// By the id, which is never used again: the images of a deployment that was deleted stay in the registry, and
/// by its name the next one of that name would have them (T37).
impl Default for Template {
    fn default() -> Self {
        Self(vec![Part::Id, Part::Literal("airflow".to_owned())])
    }
}

impl FromStr for Template {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Self, TemplateError> {
        let parts: Result<Vec<Part>, TemplateError> = text.split('/').map(Part::read).collect();
        let parts = parts?;
        let count = |part: &Part| parts.iter().filter(|found| *found == part).count();
        let names = [Part::Organization, Part::Workspace, Part::Deployment].map(|p| count(&p));
        match (names, count(&Part::Id)) {
            ([1, 1, 1], 0) | ([0, 0, 0], 1) => Ok(Self(parts)),
            _ => Err(TemplateError::Ambiguous),
        }
    }
}

impl Repositories {
    /// The host whose paths are names of repositories.
    pub(crate) const fn host(&self) -> Option<&Host> {
        match self {
            Self::Named(_) => None,
            Self::PathsOn(host) => Some(host),
        }
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<&str> = self.0.iter().map(Part::text).collect();
        f.write_str(&parts.join("/"))
    }
}

impl Part {
    fn read(text: &str) -> Result<Self, TemplateError> {
        Ok(match text {
            "{organization}" => Self::Organization,
            "{workspace}" => Self::Workspace,
            "{deployment}" => Self::Deployment,
            "{id}" => Self::Id,
            fixed if is_component(fixed) => Self::Literal(fixed.to_owned()),
            _ => return Err(TemplateError::Component),
        })
    }

    fn text(&self) -> &str {
        match self {
            Self::Literal(text) => text,
            Self::Organization => "{organization}",
            Self::Workspace => "{workspace}",
            Self::Deployment => "{deployment}",
            Self::Id => "{id}",
        }
    }
}

/// What a repository's name says of a deployment.
#[derive(Debug, PartialEq, Eq)]
enum Named {
    Id(DeploymentId),
    Names([Slug; 3]),
}

impl Template {
    fn read(&self, repository: &Repository) -> Option<Named> {
        let said: Vec<&str> = repository.components().collect();
        if said.len() != self.0.len() {
            return None;
        }
        let mut pairs = self.0.iter().zip(&said);
        let fixed = |(part, text): (&Part, &&str)| match part {
            Part::Literal(fixed) => fixed == text,
            _ => true,
        };
        if !pairs.all(fixed) {
            return None;
        }
        let of = |wanted: &Part| {
            let mut pairs = self.0.iter().zip(&said);
            pairs
                .find(|(part, _)| *part == wanted)
                .map(|(_, text)| *text)
        };
        if let Some(text) = of(&Part::Id) {
            let id: DeploymentId = text.parse().ok()?;
            // An id has other spellings, which would be other repositories.
            return (id.to_string() == text).then_some(Named::Id(id));
        }
        let slug = |part| Slug::parse(of(part)?).ok();
        Some(Named::Names([
            slug(&Part::Organization)?,
            slug(&Part::Workspace)?,
            slug(&Part::Deployment)?,
        ]))
    }
}

impl Repositories {
    /// The deployment whose repository has this name, if there is one.
    pub(super) async fn deployment(
        &self,
        view: &mut Read,
        repository: &Repository,
    ) -> Result<Option<Deployment>, StoreError> {
        match self {
            Self::Named(template) => match template.read(repository) {
                None => Ok(None),
                Some(Named::Id(id)) => view.deployments().get(id).await,
                Some(Named::Names(names)) => by_names(view, &names).await,
            },
            Self::PathsOn(host) => {
                let Some(path) = path_of(repository) else {
                    return Ok(None);
                };
                let found = view.deployments().on_host(host).await?;
                let mut found = found.into_iter().filter(|(_, prefix)| {
                    let prefix = prefix.as_ref();
                    prefix.is_some_and(|prefix| prefix.as_str() == path)
                });
                match found.next() {
                    Some((id, _)) => view.deployments().get(id).await,
                    None => Ok(None),
                }
            }
        }
    }
}

/// The path that a repository of the original is named by: a release's, which ends with `/airflow`. A path of
/// another form names nothing, or a deployment at `/library/nginx` would have what others pull by that name.
fn path_of(repository: &Repository) -> Option<String> {
    let mut components = repository.components();
    let (release, fixed) = (components.next()?, components.next()?);
    let is_release = fixed == "airflow" && components.next().is_none();
    is_release.then(|| format!("/{release}/airflow"))
}

async fn by_names(
    view: &mut Read,
    [organization, workspace, deployment]: &[Slug; 3],
) -> Result<Option<Deployment>, StoreError> {
    let Some(organization) = view.organizations().by_name(organization).await? else {
        return Ok(None);
    };
    let found = view
        .workspaces()
        .by_name(organization.id, workspace)
        .await?;
    match found {
        Some(workspace) => view.deployments().by_name(workspace.id, deployment).await,
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(template: &str, name: &str) -> Option<Named> {
        let template: Template = template.parse().unwrap();
        template.read(&name.parse().unwrap())
    }

    #[test]
    fn a_template_leads_to_one_deployment() {
        for good in [
            "{organization}/{workspace}/{deployment}/airflow",
            "prod/{organization}/{workspace}/{deployment}",
            "{id}",
            "deployments/{id}/airflow",
        ] {
            assert_eq!(good.parse::<Template>().unwrap().to_string(), good);
        }
        for ambiguous in [
            "{deployment}/airflow",
            "{organization}/{deployment}",
            "airflow",
            "{id}/{id}",
            "{organization}/{workspace}/{deployment}/{id}",
            "{organization}/{workspace}/{deployment}/{deployment}",
        ] {
            let parsed = ambiguous.parse::<Template>();
            assert_eq!(parsed, Err(TemplateError::Ambiguous), "{ambiguous}");
        }
        // `a-b` and `c`, or `a` and `b-c`?
        for part in [
            "{organization}-{workspace}-{deployment}",
            "{organization}/{workspace}/{deployment}/",
            "{organization}/{workspace}/{deployment}/Airflow",
            "{organization}//{workspace}/{deployment}",
            "{id}/..",
            "{release}/airflow",
            "",
        ] {
            let parsed = part.parse::<Template>();
            assert_eq!(parsed, Err(TemplateError::Component), "{part}");
        }
        assert_eq!(
            Template::default().to_string().parse(),
            Ok(Template::default())
        );
    }

    #[test]
    fn j1_only_a_releases_path_names_a_repository() {
        let path = |name: &str| path_of(&name.parse().unwrap());
        assert_eq!(
            path("quasar-1234/airflow").as_deref(),
            Some("/quasar-1234/airflow")
        );
        for other in [
            "library/nginx",
            "quasar-1234",
            "airflow",
            "quasar-1234/airflow/more",
            "a/quasar-1234/airflow",
            "quasar-1234/flower",
        ] {
            assert_eq!(path(other), None, "{other}");
        }
    }

    #[test]
    fn a_name_is_read_in_one_way() {
        let names = "{organization}/{workspace}/{deployment}/airflow";
        let slug = |text: &str| Slug::parse(text).unwrap();
        let all = [slug("acme"), slug("sales"), slug("etl")];
        assert_eq!(
            read(names, "acme/sales/etl/airflow"),
            Some(Named::Names(all))
        );
        for other in [
            "acme/sales/etl",
            "acme/sales/etl/airflow/more",
            "acme/sales/etl/other",
            "acme/sales/e_tl/airflow",
            "acme/sales/e.tl/airflow",
        ] {
            assert_eq!(read(names, other), None, "{other}");
        }
        let id = "0190c5b2-0000-7000-8000-000000000001";
        assert_eq!(
            read("{id}/airflow", &format!("{id}/airflow")),
            Some(Named::Id(id.parse().unwrap()))
        );
        let plain = id.replace('-', "");
        assert_eq!(read("{id}/airflow", &format!("{plain}/airflow")), None);
    }
}
