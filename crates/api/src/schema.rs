//! Stand-ins that describe the model's types in JSON Schemas: each text names its `format`, so that a reader
//! of the schema can tell a host from a role.

use std::borrow::Cow;

use aeolus_model::{
    AirflowRole, CustomScope, Method, Outcome, Permission, Profile, Role, RolloutPath, Scope,
    StalenessPolicy,
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident = $format:literal, $description:literal $(, $pattern:literal)?;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name;

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({
                    "type": "string",
                    "format": $format,
                    $("pattern": $pattern,)?
                    "x-means": $description,
                })
            }
        }
    )*};
}

texts! {
    /// [`aeolus_model::Slug`].
    Slug = "slug", "1 to 63 of a-z, 0-9 and '-'", "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$";
    /// [`aeolus_model::Email`].
    Email = "email", "an e-mail address";
    /// [`aeolus_model::Host`].
    Host = "host", "a host name without a port";
    /// [`aeolus_model::HostPattern`].
    HostPattern = "host-pattern", "a host name without a port, or *.DOMAIN";
    /// [`aeolus_model::PathPrefix`].
    PathPrefix = "path-prefix", "a path such as /etl, without a trailing slash";
    /// [`aeolus_model::PathPattern`].
    PathPattern = "path-pattern", "a path such as /plugin/x/**";
    /// [`aeolus_model::TreePlace`].
    TreePlace = "tree-place", "ORGANIZATION, ORGANIZATION/WORKSPACE or ORGANIZATION/WORKSPACE/DEPLOYMENT";
    /// [`crate::Period`].
    Period = "period", "a length of time such as 24h, 5m or 7d", "^[0-9]{1,9}[smhd]$";
    /// [`crate::Listen`].
    Listen = "listen", "host:port or unix:PATH";
    /// An absolute `http` or `https` URL.
    HttpUrl = "http-url", "an http or https URL";
    /// An IP network in CIDR notation.
    Cidr = "cidr", "a network such as 10.0.0.0/8";
    /// An id of the model, such as [`aeolus_model::UserId`].
    Id = "uuid", "a lower-case UUID";
    /// [`std::net::IpAddr`].
    Address = "ip", "an IP address";
    /// [`crate::Base64Bytes`].
    Bytes = "byte", "bytes in base64";
    /// `sqlite:PATH` or `postgres://…`.
    DatabaseUrl = "database-url", "sqlite:PATH or postgres://USER@HOST/DATABASE";
}

/// [`crate::quota::Share`].
#[derive(Debug)]
pub struct Percent;

impl JsonSchema for Percent {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Percent".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "integer", "minimum": 1, "maximum": 100})
    }
}

macro_rules! choices {
    ($($(#[$doc:meta])* $name:ident = $values:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name;

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                let values: Vec<String> = $values;
                json_schema!({"type": "string", "enum": values})
            }
        }
    )*};
}

/// The names by which serde knows some values.
fn names<T: serde::Serialize>(values: impl IntoIterator<Item = T>) -> Vec<String> {
    let name = |value: T| match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => Some(name),
        _ => None,
    };
    values.into_iter().filter_map(name).collect()
}

choices! {
    /// [`aeolus_model::Profile`].
    ProfileName = names([Profile::Airflow3, Profile::Airflow2, Profile::Custom]);
    /// [`aeolus_model::Method`].
    MethodName = names(Method::ALL);
    /// [`aeolus_model::StalenessPolicy`].
    StalenessPolicyName = names([
        StalenessPolicy::Deny,
        StalenessPolicy::ServeUntilExp,
        StalenessPolicy::ReadOnly,
        StalenessPolicy::StaticAllow,
    ]);
    /// [`aeolus_model::RolloutPath`].
    RolloutPathName = names(RolloutPath::ALL);
    /// [`aeolus_model::Permission`].
    PermissionName = names(Permission::ALL);
    /// [`aeolus_model::AirflowRole`].
    AirflowRoleName = names([
        AirflowRole::Viewer,
        AirflowRole::User,
        AirflowRole::Op,
        AirflowRole::Admin,
    ]);
    /// [`aeolus_model::Scope`].
    ScopeName = names([
        Scope::System,
        Scope::Organization,
        Scope::Workspace,
        Scope::Deployment,
    ]);
    /// [`aeolus_model::CustomScope`].
    CustomScopeName = names([
        CustomScope::Organization,
        CustomScope::Workspace,
        CustomScope::Deployment,
    ]);
    /// [`aeolus_model::Outcome`].
    OutcomeName = names([Outcome::Success, Outcome::Denied, Outcome::Failure]);
    /// [`aeolus_model::Requirement`].
    RequirementName = {
        let mut all = vec!["public".to_owned(), "pass-through".to_owned()];
        all.extend(Permission::ALL.iter().map(|permission| permission.name().to_owned()));
        all
    };
}

mod audit;
mod grant;

pub use audit::{Actor, AuditEvent};
pub use grant::{Resource, Subject};

/// [`aeolus_model::RoleName`], with the older generation's names.
#[derive(Debug)]
pub struct RoleName;

impl JsonSchema for RoleName {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "RoleName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let aliases = ["WORKSPACE_ADMIN", "WORKSPACE_EDITOR", "WORKSPACE_VIEWER"];
        let names = Role::ALL.iter().map(|role| role.name());
        let names: Vec<&str> = names.chain(aliases).collect();
        let means = "the name of a role that the organization made for itself";
        let own = json_schema!({"type": "string", "format": "slug", "x-means": means});
        json_schema!({"anyOf": [{"type": "string", "enum": names}, own]})
    }
}

/// [`aeolus_model::PathRule`].
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
pub struct PathRule {
    /// Which paths: `*` is one whole segment, a last `**` is everything below.
    #[schemars(with = "PathPattern")]
    path: (),
    /// Which methods; none means all.
    #[schemars(with = "Option<Vec<MethodName>>")]
    methods: (),
    /// What is asked for: a permission, `public`, or `pass-through`.
    #[schemars(with = "RequirementName")]
    require: (),
}
