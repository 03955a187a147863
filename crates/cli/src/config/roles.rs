//! What built-in roles allow in this installation (row F12).

use std::borrow::Cow;
use std::collections::BTreeMap;

use aeolus_api::nearest;
use aeolus_model::{BuiltIns, Permission, Role};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::report::{Exit, Failure, Report};

/// The names that older installations use.
const ALIASES: [&str; 3] = ["WORKSPACE_ADMIN", "WORKSPACE_EDITOR", "WORKSPACE_VIEWER"];

/// Changes to built-in roles, as they are written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Roles(BTreeMap<String, Changed>);

/// What one of them allows, or no more.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Changed {
    permissions: BTreeMap<String, bool>,
}

impl JsonSchema for Roles {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Roles".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let roles: Vec<&str> = roles().collect();
        let permissions: Vec<&str> = permissions().collect();
        json_schema!({
            "type": "object",
            "propertyNames": {"enum": roles},
            "additionalProperties": {
                "type": "object",
                "properties": {
                    "permissions": {
                        "type": "object",
                        "description": "Whether the role allows each of these.",
                        "propertyNames": {"enum": permissions},
                        "additionalProperties": {"type": "boolean"},
                    },
                },
                "required": ["permissions"],
                "additionalProperties": false,
            },
        })
    }
}

impl Roles {
    /// As the server is told, or everything that is wrong.
    pub(crate) fn read(&self) -> Result<BuiltIns, Failure> {
        let mut here = BuiltIns::default();
        let mut reports = Vec::new();
        let mut seen: BTreeMap<Role, &str> = BTreeMap::new();
        for (name, changed) in &self.0 {
            let Ok(role) = name.parse::<Role>() else {
                reports.push(unknown("role", name, roles()));
                continue;
            };
            if let Some(other) = seen.insert(role, name) {
                let what = format!("control.roles: {other} and {name} are one role");
                reports.push(Report::new("CFG-0012", what).help(format!("write {role} once")));
            }
            for (permission, allows) in &changed.permissions {
                let Ok(permission) = permission.parse::<Permission>() else {
                    reports.push(unknown("permission", permission, permissions()));
                    continue;
                };
                if let Err(fault) = here.customise(role, permission, *allows) {
                    let what = format!("control.roles.{name}: {fault}");
                    reports.push(Report::new("CFG-0012", what).help("take it out"));
                }
            }
        }
        if reports.is_empty() {
            return Ok(here);
        }
        Err(Failure {
            reports,
            exit: Exit::Usage,
        })
    }
}

fn unknown<'a>(kind: &str, name: &str, all: impl Iterator<Item = &'a str>) -> Report {
    let help = match nearest(name, all) {
        Some(near) => format!("did you mean {near}?"),
        None => "`aeolus role list` and `aeolus role permissions` show which there are".to_owned(),
    };
    Report::new("CFG-0012", format!("control.roles: {name:?} is no {kind}")).help(help)
}

fn roles() -> impl Iterator<Item = &'static str> {
    Role::ALL.iter().map(|role| role.name()).chain(ALIASES)
}

fn permissions() -> impl Iterator<Item = &'static str> {
    Permission::ALL.iter().map(|permission| permission.name())
}

#[cfg(test)]
mod tests {
    use aeolus_model::PermissionSet;

    use super::*;

    fn read(text: &str) -> Result<BuiltIns, String> {
        let roles: Roles = serde_json::from_str(text).unwrap();
        roles.read().map_err(|failure| failure.render())
    }

    #[test]
    fn an_older_name_customises_the_role_that_it_means() {
        let text = r#"{"WORKSPACE_EDITOR": {"permissions": {"deployment.images.push": false}}}"#;
        let here = read(text).unwrap();
        let push = PermissionSet::EMPTY.with(Permission::DeploymentImagesPush);
        let operator = Role::WorkspaceOperator;
        assert_eq!(here.of(operator), operator.shipped().without(push));
        let others = Role::ALL.iter().filter(|role| **role != operator);
        for role in others {
            assert!(!here.is_customised(*role), "{role}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_the_nearest() {
        for (text, words) in [
            (
                r#"{"DEPLOYMENT_EDITR": {"permissions": {}}}"#,
                "did you mean DEPLOYMENT_EDITOR?",
            ),
            (
                r#"{"DEPLOYMENT_EDITOR": {"permissions": {"deployment.image.push": true}}}"#,
                "did you mean deployment.images.push?",
            ),
            (r#"{"USER": {"permissions": {}}}"#, "aeolus role list"),
            (
                r#"{"WORKSPACE_EDITOR": {"permissions": {}}, "WORKSPACE_OPERATOR": {"permissions": {}}}"#,
                "write WORKSPACE_OPERATOR once",
            ),
            (
                r#"{"SYSTEM_ADMIN": {"permissions": {"system.iam.update": false}}}"#,
                "SYSTEM_ADMIN keeps system.iam.update",
            ),
            (
                r#"{"DEPLOYMENT_ADMIN": {"permissions": {"workspace.iam.update": true}}}"#,
                "too far down",
            ),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(words), "no {words:?} in {error}");
        }
    }
}
