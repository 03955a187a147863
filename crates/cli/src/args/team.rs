//! Arguments of `team`.

use std::path::PathBuf;

use aeolus_model::Slug;
use clap::{ArgGroup, Args, Subcommand};

use super::Target;

/// Teams of an organization: whoever is in one has the roles that it has (`grant add team:NAME …`).
#[derive(Debug, Subcommand)]
pub(crate) enum TeamCommand {
    /// List teams, and the groups of identity providers that some of them stand for.
    List(TeamList),
    /// Show a team, the roles that it has and who is in it.
    Show(TeamOne),
    /// Make a team, with nobody in it and without roles.
    Create(TeamCreate),
    /// Say of a team what it is for, or give it another name.
    Update(TeamUpdate),
    /// Give a team another name. One that stands for a group keeps that, whatever the group is called.
    Rename(TeamRename),
    /// Delete a team with its roles. One that stands for a group only if nobody is in it, or its connection says no
    /// more who is.
    Delete(TeamDelete),
    /// List who is in a team.
    Members(TeamMembers),
    /// Put people of the organization into a team that has no role which you couldn't give them.
    Add(TeamAdd),
    /// Take somebody out of a team.
    Remove(TeamRemove),
    /// Make teams, put people in and give roles, as a CSV file says: all of it or nothing. Nothing is taken away.
    Import(TeamImport),
    /// Print the organization's own teams in the form that `import` reads.
    Export(TeamList),
}

/// `team list` and `team export`.
#[derive(Debug, Args)]
pub(crate) struct TeamList {
    /// Of this organization; absent: the only one there is.
    #[arg(long, value_name = "ORGANIZATION")]
    pub(crate) organization: Option<String>,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// `team show`, and which team the others are about.
#[derive(Debug, Args)]
pub(crate) struct TeamOne {
    /// Its name or id.
    pub(crate) team: String,
    /// Of this organization; absent: the only one there is.
    #[arg(long, value_name = "ORGANIZATION")]
    pub(crate) organization: Option<String>,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// `team create`.
#[derive(Debug, Args)]
pub(crate) struct TeamCreate {
    /// Its name.
    pub(crate) name: Slug,
    /// What it is for.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) description: String,
    /// In this organization; absent: the only one there is.
    #[arg(long, value_name = "ORGANIZATION")]
    pub(crate) organization: Option<String>,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// `team update`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").required(true).multiple(true).args(["name", "description"]))]
pub(crate) struct TeamUpdate {
    #[command(flatten)]
    pub(crate) team: TeamOne,
    /// Another name.
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<Slug>,
    /// What it is for.
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: Option<String>,
}

/// `team rename`.
#[derive(Debug, Args)]
pub(crate) struct TeamRename {
    #[command(flatten)]
    pub(crate) team: TeamOne,
    /// Its name from now on.
    pub(crate) name: Slug,
}

/// `team delete`.
#[derive(Debug, Args)]
pub(crate) struct TeamDelete {
    #[command(flatten)]
    pub(crate) team: TeamOne,
    /// Don't wait (up to 2 s) until planes obey.
    #[arg(long)]
    pub(crate) no_wait: bool,
}

/// `team members`.
#[derive(Debug, Args)]
pub(crate) struct TeamMembers {
    #[command(flatten)]
    pub(crate) team: TeamOne,
    /// As CSV, for a spreadsheet.
    #[arg(long)]
    pub(crate) csv: bool,
}

/// `team add`.
#[derive(Debug, Args)]
pub(crate) struct TeamAdd {
    #[command(flatten)]
    pub(crate) team: TeamOne,
    /// Whom, by e-mail address or id: up to 200.
    #[arg(required = true, value_name = "PERSON")]
    pub(crate) people: Vec<String>,
    /// Don't wait (up to 2 s) until planes have heard of it.
    #[arg(long)]
    pub(crate) no_wait: bool,
}

/// `team remove`.
#[derive(Debug, Args)]
pub(crate) struct TeamRemove {
    #[command(flatten)]
    pub(crate) team: TeamOne,
    /// Whom, by e-mail address or id.
    pub(crate) person: String,
    /// Don't wait (up to 2 s) until planes obey.
    #[arg(long)]
    pub(crate) no_wait: bool,
}

/// `team import`.
#[derive(Debug, Args)]
pub(crate) struct TeamImport {
    /// CSV with a first line that names its columns: team, and any of email, role and place.
    pub(crate) file: PathBuf,
    /// Change nothing; say what would happen.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Into this organization; absent: the only one there is.
    #[arg(long, value_name = "ORGANIZATION")]
    pub(crate) organization: Option<String>,
    #[command(flatten)]
    pub(crate) target: Target,
}
