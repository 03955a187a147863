//! What this server can do, as clients ask for it (RFC 7643 §5, RFC 9865 §3).

use serde_json::{Value, json};

use crate::event::Event;
use crate::limits::Limits;
use crate::schema::{RESOURCE_TYPES, ResourceType, Schema, uri};

/// How clients show who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authentication {
    /// A bearer token that was handed over.
    Bearer,
    /// HTTP Basic.
    Basic,
    /// A token from the token endpoint, by client credentials.
    ClientCredentials,
}

impl Authentication {
    fn to_json(self, primary: bool) -> Value {
        let (kind, name, description, specification) = match self {
            Self::Bearer => (
                "oauthbearertoken",
                "Bearer token",
                "A secret token of this connection in the header Authorization",
                "https://www.rfc-editor.org/info/rfc6750",
            ),
            Self::Basic => (
                "httpbasic",
                "HTTP Basic",
                "The name and secret of this connection in the header Authorization",
                "https://www.rfc-editor.org/info/rfc7617",
            ),
            Self::ClientCredentials => (
                "oauth2",
                "OAuth 2.0 client credentials",
                "A short-lived token from the token endpoint",
                "https://www.rfc-editor.org/info/rfc6749",
            ),
        };
        json!({
            "type": kind,
            "name": name,
            "description": description,
            "specUri": specification,
            "primary": primary,
        })
    }
}

/// The resource at `/ServiceProviderConfig`. The first way to authenticate is the preferred one. `events` are told to some
/// receiver (RFC 9967 §4); none where nobody is told.
pub fn service_provider_config(
    base: &str,
    limits: &Limits,
    ways: &[Authentication],
    events: &[Event],
) -> Value {
    let supported = json!({"supported": true});
    let ways: Vec<Value> = ways
        .iter()
        .enumerate()
        .map(|(at, way)| way.to_json(at == 0))
        .collect();
    let mut config = json!({
        "schemas": [uri::SERVICE_PROVIDER_CONFIG],
        "patch": supported,
        "bulk": {
            "supported": true,
            "maxOperations": limits.bulk_operations,
            "maxPayloadSize": limits.body,
        },
        "filter": {"supported": true, "maxResults": limits.page_max},
        "changePassword": {"supported": false},
        "sort": supported,
        "etag": supported,
        "pagination": {
            "cursor": true,
            "index": true,
            "defaultPaginationMethod": "index",
            "defaultPageSize": limits.page_default,
            "maxPageSize": limits.page_max,
            "cursorTimeout": limits.cursor_seconds,
        },
        "authenticationSchemes": ways,
        "meta": {
            "resourceType": "ServiceProviderConfig",
            "location": format!("{base}/ServiceProviderConfig"),
        },
    });
    let uris: Vec<&str> = events.iter().map(|event| event.uri()).collect();
    if let Some(config) = config.as_object_mut().filter(|_| !uris.is_empty()) {
        let said = json!({"asyncRequest": "none", "eventUris": uris});
        config.insert("securityEvents".to_owned(), said);
    }
    config
}

/// All schemas that are advertised.
pub fn schemas() -> impl Iterator<Item = &'static Schema> {
    RESOURCE_TYPES
        .into_iter()
        .flat_map(|kind| std::iter::once(kind.schema).chain(kind.extensions.iter().copied()))
}

/// The schema of that URN, in any case.
pub fn schema(id: &str) -> Option<&'static Schema> {
    schemas().find(|schema| schema.id.eq_ignore_ascii_case(id))
}

/// The resource type of that name.
pub fn resource_type(name: &str) -> Option<&'static ResourceType> {
    RESOURCE_TYPES
        .into_iter()
        .find(|kind| kind.name.eq_ignore_ascii_case(name))
}
