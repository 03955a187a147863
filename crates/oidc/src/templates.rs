//! Which role a provisioned group's Team is given, by the group's name (note 033).
//!
//! `{match: 'airflow-(.+)-ops', role: WORKSPACE_OPERATOR, workspace: '$1'}`: the first template whose pattern is the whole
//! name counts. Patterns are run in time linear in the name, so whoever may name groups can't keep anybody busy.

mod place;

use aeolus_model::{Role, RoleName, Scope};
use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

use self::place::Text;

/// Most templates of a connection.
pub const MAX_TEMPLATES: usize = 200;
/// Longest pattern in bytes, and the most that it may take compiled.
const MAX_PATTERN: usize = 512;
const MAX_COMPILED: usize = 64 * 1_024;
/// Longest name of a group, in bytes, that a template can be for.
const MAX_NAME: usize = 255;

/// One template, as it is written. In the places, `$1` or `${name}` is what the pattern's group of that number or name
/// matched, and `$$` is a dollar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TeamTemplate {
    /// A regular expression that the whole name of the group has to be.
    #[serde(rename = "match")]
    pub pattern: String,
    /// A built-in role's name, or that of one of the organization's own.
    pub role: String,
    /// The organization that the Team is made in; absent: the connection's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// The workspace that the role is given at, or that the deployment is in; absent: the role is given at the organization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    /// The deployment that the role is given at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<String>,
}

/// What is wrong with a template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("teamTemplates[{index}].{member}: {message}")]
pub struct TemplateError {
    /// Which one, counted from 0.
    pub index: usize,
    /// Which part of it.
    pub member: &'static str,
    /// What is wrong.
    pub message: String,
}

/// The templates of a connection, read.
#[derive(Clone, Debug, Default)]
pub struct TeamTemplates(Vec<Template>);

#[derive(Clone, Debug)]
struct Template {
    pattern: Regex,
    role: RoleName,
    organization: Option<Text>,
    workspace: Option<Text>,
    deployment: Option<Text>,
}

/// What a group's Team is given. The places are names that may or may not be somebody's: what was matched is in lower case,
/// as names here are, and nothing else was made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Templated {
    /// Which template it was, counted from 0.
    pub index: usize,
    /// The role.
    pub role: RoleName,
    /// The organization, where the template names one.
    pub organization: Option<String>,
    /// The workspace, where the role isn't given at the organization itself.
    pub workspace: Option<String>,
    /// The deployment in it, where the role is given at one.
    pub deployment: Option<String>,
}

impl TeamTemplates {
    /// Reads what is written; all that is wrong is said at once.
    pub fn read(written: &[TeamTemplate]) -> Result<Self, Vec<TemplateError>> {
        if written.len() > MAX_TEMPLATES {
            return Err(vec![TemplateError {
                index: MAX_TEMPLATES,
                member: "match",
                message: format!("a connection has {MAX_TEMPLATES} templates at most"),
            }]);
        }
        let (mut templates, mut errors) = (Vec::new(), Vec::new());
        for (index, written) in written.iter().enumerate() {
            match Template::read(written) {
                Ok(template) => templates.push(template),
                Err((member, message)) => errors.push(TemplateError {
                    index,
                    member,
                    message,
                }),
            }
        }
        if errors.is_empty() {
            Ok(Self(templates))
        } else {
            Err(errors)
        }
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What the Team of a group of this name is given; none where no template is for it.
    pub fn of(&self, name: &str) -> Option<Templated> {
        if name.len() > MAX_NAME {
            return None;
        }
        let mut all = self.0.iter().enumerate();
        all.find_map(|(index, template)| {
            let found = template.pattern.captures(name)?;
            let place = |text: &Option<Text>| text.as_ref().map(|text| text.fill(&found));
            Some(Templated {
                index,
                role: template.role.clone(),
                organization: place(&template.organization),
                workspace: place(&template.workspace),
                deployment: place(&template.deployment),
            })
        })
    }
}

impl Template {
    fn read(written: &TeamTemplate) -> Result<Self, (&'static str, String)> {
        let pattern = pattern(&written.pattern).map_err(|message| ("match", message))?;
        let role: RoleName = written
            .role
            .parse()
            .map_err(|_| ("role", format!("{:?} is no role", written.role)))?;
        let scope = match (&written.workspace, &written.deployment) {
            (None, None) => Scope::Organization,
            (Some(_), None) => Scope::Workspace,
            (Some(_), Some(_)) => Scope::Deployment,
            (None, Some(_)) => {
                let what = "name the workspace that the deployment is in";
                return Err(("deployment", what.to_owned()));
            }
        };
        if let RoleName::BuiltIn(role) = &role {
            fits(*role, scope)?;
        }
        let text = |member, text: &Option<String>| {
            let read = text.as_deref().map(|text| Text::read(text, &pattern));
            read.transpose().map_err(|message| (member, message))
        };
        Ok(Self {
            organization: text("organization", &written.organization)?,
            workspace: text("workspace", &written.workspace)?,
            deployment: text("deployment", &written.deployment)?,
            role,
            pattern,
        })
    }
}

/// Roles in the whole installation are said by groups' ids (`teams.systemRoles`), never by a name that whoever provisions
/// chooses.
fn fits(role: Role, scope: Scope) -> Result<(), (&'static str, String)> {
    if role.scope() == scope {
        return Ok(());
    }
    Err(match role.scope() {
        Scope::System => {
            let what = format!("{role} is for the whole installation, which no template gives");
            ("role", what)
        }
        Scope::Organization => {
            let what = format!("{role} is given at an organization: leave this out");
            ("workspace", what)
        }
        Scope::Workspace if scope == Scope::Deployment => {
            let what = format!("{role} is given at a workspace: leave this out");
            ("deployment", what)
        }
        Scope::Workspace => {
            let what = format!("{role} is given at a workspace: name it");
            ("workspace", what)
        }
        Scope::Deployment => {
            let what = format!("{role} is given at a deployment: name it, and its workspace");
            ("deployment", what)
        }
    })
}

/// A pattern that the whole name has to be. It has to be one by itself, so that none closes what is put around it.
fn pattern(text: &str) -> Result<Regex, String> {
    if text.is_empty() || text.len() > MAX_PATTERN {
        return Err(format!("use 1 to {MAX_PATTERN} bytes"));
    }
    compiled(text)?;
    compiled(&format!(r"\A(?:{text})\z"))
}

fn compiled(text: &str) -> Result<Regex, String> {
    let built = RegexBuilder::new(text)
        .size_limit(MAX_COMPILED)
        .dfa_size_limit(MAX_COMPILED)
        .build();
    built.map_err(|error| {
        // The engine draws the place on lines of its own.
        let text = error.to_string();
        let why = text.lines().last().unwrap_or_default().trim();
        format!("it is no regular expression here: {why}")
    })
}

#[cfg(test)]
mod tests;
