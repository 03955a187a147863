//! Which role a provisioned group's Team is given, by the group's name (note 033).
//!
//! `{match: 'airflow-(.+)-ops', role: WORKSPACE_OPERATOR, workspace: '$1'}`: the first template whose pattern is the whole
//! name counts. Patterns are run in time linear in the name, so whoever may name groups can't keep anybody busy.

mod place;

use aeolus_api::scim::ScimTeamTemplate;
use aeolus_model::{Role, RoleName, Scope};
use regex::{Regex, RegexBuilder};

use self::place::Text;

/// Most templates of a connection.
const MAX_TEMPLATES: usize = 200;
/// Longest pattern in bytes, and the most that it may take compiled.
const MAX_PATTERN: usize = 512;
const MAX_COMPILED: usize = 64 * 1_024;
/// Longest name of a group, in bytes, that a template can be for.
const MAX_NAME: usize = 255;

/// What is wrong with a template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("teamTemplates[{index}].{member}: {message}")]
pub(crate) struct TemplateError {
    /// Which one, counted from 0.
    pub(crate) index: usize,
    /// Which part of it.
    pub(crate) member: &'static str,
    /// What is wrong.
    pub(crate) message: String,
}

/// The templates of a connection, read.
#[derive(Clone, Debug, Default)]
pub(crate) struct TeamTemplates(Vec<Template>);

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
pub(crate) struct Templated {
    /// Which template it was, counted from 0.
    pub(crate) index: usize,
    /// The role.
    pub(crate) role: RoleName,
    /// The organization, where the template names one.
    pub(crate) organization: Option<String>,
    /// The workspace, where the role isn't given at the organization itself.
    pub(crate) workspace: Option<String>,
    /// The deployment in it, where the role is given at one.
    pub(crate) deployment: Option<String>,
}

impl TeamTemplates {
    /// Reads what is written; all that is wrong is said at once.
    pub(crate) fn read(written: &[ScimTeamTemplate]) -> Result<Self, Vec<TemplateError>> {
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

    /// What the Team of a group of this name is given; none where no template is for it.
    pub(crate) fn of(&self, name: &str) -> Option<Templated> {
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
    fn read(written: &ScimTeamTemplate) -> Result<Self, (&'static str, String)> {
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
