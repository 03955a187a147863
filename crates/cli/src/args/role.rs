//! Arguments of `role`.

use aeolus_model::{CustomScope, Permission, RoleName, Slug};
use clap::{ArgGroup, Args, Subcommand};

use super::Target;

/// Roles: the built-in ones, and those that an organization makes for itself.
#[derive(Debug, Subcommand)]
pub(crate) enum RoleCommand {
    /// List the roles that can be given in an organization.
    List(RoleList),
    /// Show a role with everything that it allows.
    Show(RoleOne),
    /// List every permission that a role can have.
    Permissions(RolePermissions),
    /// Make a role of the organization's own, with no more than you hold there.
    Create(RoleCreate),
    /// Change a role for everybody who has it.
    Update(RoleUpdate),
    /// Delete a role.
    Delete(RoleDelete),
}

/// `role list`.
#[derive(Debug, Args)]
pub(crate) struct RoleList {
    /// Of this organization; absent: the only one there is.
    #[arg(long, value_name = "ORGANIZATION")]
    pub(crate) organization: Option<String>,
    /// Only the organization's own.
    #[arg(long)]
    pub(crate) custom: bool,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// `role permissions`.
#[derive(Debug, Args)]
pub(crate) struct RolePermissions {
    /// Only those that a role of this scope can have.
    #[arg(long, value_name = "SCOPE", value_parser = scope)]
    pub(crate) scope: Option<CustomScope>,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// `role show`.
#[derive(Debug, Args)]
pub(crate) struct RoleOne {
    /// Its name or id.
    pub(crate) role: RoleName,
    /// Of this organization; absent: the only one there is.
    #[arg(long, value_name = "ORGANIZATION")]
    pub(crate) organization: Option<String>,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// `role create`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").required(true).multiple(true).args(["permissions", "like"]))]
pub(crate) struct RoleCreate {
    /// Its name.
    pub(crate) name: Slug,
    /// Where it is given: ORGANIZATION, WORKSPACE or DEPLOYMENT. That never changes.
    #[arg(long, value_name = "SCOPE", value_parser = scope)]
    pub(crate) scope: CustomScope,
    /// A permission that it has. Can be repeated.
    #[arg(long = "permission", value_name = "PERMISSION")]
    pub(crate) permissions: Vec<Permission>,
    /// Begin with what this role allows, as far as the scope admits.
    #[arg(long, value_name = "ROLE")]
    pub(crate) like: Option<RoleName>,
    /// A permission of that role that it doesn't have. Can be repeated.
    #[arg(long = "without", value_name = "PERMISSION", requires = "like")]
    pub(crate) without: Vec<Permission>,
    /// What it is for.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) description: String,
    /// A workspace in which alone it can be given. Can be repeated.
    #[arg(long = "workspace", value_name = "NAME")]
    pub(crate) workspaces: Vec<Slug>,
    /// Of this organization; absent: the only one there is.
    #[arg(long, value_name = "ORGANIZATION")]
    pub(crate) organization: Option<String>,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// `role update`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").required(true).multiple(true)
    .args(["name", "description", "allow", "without", "workspaces", "everywhere"]))]
pub(crate) struct RoleUpdate {
    #[command(flatten)]
    pub(crate) role: RoleOne,
    /// Another name.
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<Slug>,
    /// What it is for.
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: Option<String>,
    /// A permission that it has from now on. Can be repeated.
    #[arg(long = "permission", value_name = "PERMISSION")]
    pub(crate) allow: Vec<Permission>,
    /// A permission that it has no more. Can be repeated.
    #[arg(long, value_name = "PERMISSION")]
    pub(crate) without: Vec<Permission>,
    /// A workspace in which alone it can be given, in place of those of before. Can be repeated.
    #[arg(long = "workspace", value_name = "NAME")]
    pub(crate) workspaces: Vec<Slug>,
    /// It can be given in all workspaces.
    #[arg(long, conflicts_with = "workspaces")]
    pub(crate) everywhere: bool,
    /// End grants of it outside of its workspaces.
    #[arg(long)]
    pub(crate) end_grants: bool,
    /// Don't wait (up to 2 s) until planes obey.
    #[arg(long)]
    pub(crate) no_wait: bool,
}

/// `role delete`.
#[derive(Debug, Args)]
pub(crate) struct RoleDelete {
    #[command(flatten)]
    pub(crate) role: RoleOne,
    /// Take it from everybody who has it.
    #[arg(long)]
    pub(crate) end_grants: bool,
    /// Don't wait (up to 2 s) until planes obey.
    #[arg(long)]
    pub(crate) no_wait: bool,
}

fn scope(text: &str) -> Result<CustomScope, String> {
    match text.to_ascii_uppercase().as_str() {
        "ORGANIZATION" => Ok(CustomScope::Organization),
        "WORKSPACE" => Ok(CustomScope::Workspace),
        "DEPLOYMENT" => Ok(CustomScope::Deployment),
        _ => Err("use ORGANIZATION, WORKSPACE or DEPLOYMENT".to_owned()),
    }
}
