//! Arguments of `deployment`.

use aeolus_model::Profile;
use clap::{Args, Subcommand};

use super::Target;

/// Deployments of an organization.
#[derive(Debug, Subcommand)]
pub(crate) enum DeploymentCommand {
    /// List those that you may see.
    List(DeploymentList),
    /// Make one. What these options don't say, a fleet document does: `aeolus apply`.
    Create(DeploymentCreate),
    /// Delete one: its gates answer 404 for it, and the API tokens that were made for it end.
    Delete(DeploymentDelete),
}

/// `deployment list`.
#[derive(Debug, Args)]
pub(crate) struct DeploymentList {
    /// Of this organization; absent: the only one there is.
    #[arg(long, value_name = "ORGANIZATION")]
    pub(crate) organization: Option<String>,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// `deployment create`.
#[derive(Debug, Args)]
pub(crate) struct DeploymentCreate {
    /// Which: ORGANIZATION/WORKSPACE/DEPLOYMENT.
    #[arg(value_name = "PATH")]
    pub(crate) path: String,
    /// The plane it lives on: its name or id.
    #[arg(long, value_name = "PLANE")]
    pub(crate) plane: String,
    /// Where it answers: HOST, `*.DOMAIN`, or HOST/PREFIX on a shared host. Can be repeated.
    #[arg(long = "host", value_name = "HOST", required = true)]
    pub(crate) hosts: Vec<String>,
    /// Where the built-in proxy forwards to, such as `http://127.0.0.1:8080`.
    #[arg(long, value_name = "URL")]
    pub(crate) upstream: Option<String>,
    /// The kind of application: airflow3 or airflow2.
    #[arg(long, value_name = "PROFILE", default_value = "airflow3", value_parser = profile)]
    pub(crate) profile: Profile,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// `deployment delete`.
#[derive(Debug, Args)]
pub(crate) struct DeploymentDelete {
    /// Which: ORGANIZATION/WORKSPACE/DEPLOYMENT.
    #[arg(value_name = "PATH")]
    pub(crate) path: String,
    #[command(flatten)]
    pub(crate) target: Target,
}

fn profile(text: &str) -> Result<Profile, String> {
    match text {
        "airflow3" => Ok(Profile::Airflow3),
        "airflow2" => Ok(Profile::Airflow2),
        _ => Err("use airflow3 or airflow2; a fleet document knows more".to_owned()),
    }
}
