//! What only those need who come from another product.

use aeolus_api::schema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::registry::Registry;
use super::secret::SecretSource;
use super::types::OptionalSecret;

/// Settings for those who come from another product.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Compat {
    /// A cookie for all hosts below one domain, as the original sets it. It is for proxies that ask at
    /// `/v1/authorization` and can't hand `/.aeolus/` to the gate; every application below the domain
    /// gets to see it. Control and the gates need the same.
    pub(crate) parent_cookie: Option<ParentCookie>,
    /// Lets proxies ask control itself at `/v1/authorization`, for planes that have no gate.
    pub(crate) authorization: Authorization,
    /// The container registry whose clients get tokens at `/v1/registry/authorization`; absent: none do.
    pub(crate) registry: Option<Registry>,
}

/// Who may ask control itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Authorization {
    /// What a proxy sends as `X-Aeolus-Proxy-Secret`: 32 characters or more; absent: nobody may ask.
    /// Whoever knows it can turn a credential into a token that opens an Airflow.
    #[schemars(with = "OptionalSecret")]
    pub(crate) proxy_secret: Option<SecretSource>,
    /// The secret before this one, for as long as some proxies still send it.
    #[schemars(with = "OptionalSecret")]
    pub(crate) proxy_secret_before: Option<SecretSource>,
}

/// A cookie for all hosts below one domain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ParentCookie {
    /// The domain, such as `example.com`; control's public URL must be below it too.
    #[schemars(with = "schema::Host")]
    pub(crate) domain: aeolus_model::Host,
    /// Its name; absent: the original's, `astronomer_DOMAIN_auth` with `_` for dots and hyphens.
    pub(crate) name: Option<String>,
}

impl ParentCookie {
    /// The name in force; none if it can't be a cookie's.
    pub(crate) fn name(&self) -> Option<String> {
        let name = self.name.clone().unwrap_or_else(|| {
            let snake = self.domain.as_str().replace(['.', '-'], "_");
            format!("astronomer_{snake}_auth")
        });
        let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        (!name.is_empty() && name.len() <= 128 && name.bytes().all(fits)).then_some(name)
    }
}
