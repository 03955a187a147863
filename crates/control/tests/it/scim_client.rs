//! A provisioning client, as the router hears it.

use aeolus_keys::digest::SecretDigest;
use aeolus_model::{Clock as _, ConnectionId, ScimCredentialId, UserId};
use aeolus_store::{
    Connection, ManagedBy, ScimCredential, ScimCredentialKind, ScimSecret, Unit as _, User,
};
use axum::body::Body;
use http::Request;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use serde_json::{Value, json};

use crate::fixture::{Answer, Fixture};

pub(crate) const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub(crate) const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
pub(crate) const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
pub(crate) const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
pub(crate) const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// A client of one connection.
pub(crate) struct Client<'f> {
    pub(crate) f: &'f Fixture,
    pub(crate) connection: ConnectionId,
    pub(crate) base: String,
    secret: String,
}

/// A control plane with an organization, its people and nobody from outside.
pub(crate) async fn fixture(name: &str, database: Option<String>) -> Fixture {
    let f = Fixture::pair(name, database).await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    f
}

impl<'f> Client<'f> {
    /// Of a new connection, whose people are put into organization acme.
    pub(crate) async fn new(f: &'f Fixture, name: &str, kind: &str) -> Self {
        let config = json!({
            "clientId": "aeolus",
            "discoveryUrl": format!("https://{name}.test/v2.0"),
            "provision": {"domains": ["corp.test"], "organization": "acme"},
            "scim": {"organization": "acme"},
        });
        Self::with(f, name, kind, config).await
    }

    /// Of a new connection with settings of its own.
    pub(crate) async fn with(f: &'f Fixture, name: &str, kind: &str, config: Value) -> Self {
        let (clock, rng) = (&*f.clock, &*f.rng);
        let connection = Connection {
            id: ConnectionId::new(clock, rng),
            name: name.parse().unwrap(),
            kind: kind.to_owned(),
            config: config.to_string(),
            managed_by: ManagedBy::Api,
            revision: 0,
        };
        let store = f.store().await;
        let mut write = store.write().await.unwrap();
        write.connections().insert(&connection).await.unwrap();
        write.commit().await.unwrap();
        Self::of(f, name).await
    }

    /// Of a connection that is there.
    pub(crate) async fn of(f: &'f Fixture, name: &str) -> Self {
        let (clock, rng) = (&*f.clock, &*f.rng);
        let secret = format!("secret-of-{name}");
        let store = f.store().await;
        let mut write = store.write().await.unwrap();
        let connection = write.connections().by_name(&name.parse().unwrap()).await;
        let connection = connection.unwrap().unwrap();
        let admin = crate::fixture::ADMIN.parse().unwrap();
        let admin = write.users().by_email(&admin).await.unwrap().unwrap();
        let credential = ScimCredential {
            id: ScimCredentialId::new(clock, rng),
            connection: connection.id,
            kind: ScimCredentialKind::Bearer,
            name: "test".to_owned(),
            created_by: admin.id,
            created_at: clock.now(),
            rotated_at: None,
            last_used_at: None,
        };
        let digest = SecretDigest::new("scim credential", secret.as_bytes());
        let kept = ScimSecret {
            digest: *digest.as_bytes(),
            credential: credential.id,
            created_at: clock.now(),
            ends_at: None,
        };
        let mut credentials = write.scim_credentials();
        credentials.insert(&credential, &kept).await.unwrap();
        write.commit().await.unwrap();
        Self {
            f,
            connection: connection.id,
            base: format!("/v1/scim/v2/{name}"),
            secret,
        }
    }

    pub(crate) async fn send(
        &self,
        (method, path): (&str, &str),
        headers: &[(&str, &str)],
        body: Option<String>,
    ) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header(AUTHORIZATION, format!("Bearer {}", self.secret));
        if body.is_some() && headers.iter().all(|(name, _)| *name != "content-type") {
            request = request.header(CONTENT_TYPE, "application/scim+json; charset=utf-8");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = body.map_or_else(Body::empty, Body::from);
        self.f.send(request.body(body).unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(("GET", path), &[], None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(("POST", path), &[], Some(body.to_string())).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        self.send(("PUT", path), &[], Some(body.to_string())).await
    }

    /// A PATCH with these operations.
    pub(crate) async fn patch(&self, path: &str, operations: Value) -> Answer {
        let body = json!({"schemas": [PATCH], "Operations": operations});
        self.send(("PATCH", path), &[], Some(body.to_string()))
            .await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send(("DELETE", path), &[], None).await
    }

    /// Makes somebody with an address in the connection's domain; returns their path.
    pub(crate) async fn make(&self, name: &str) -> String {
        let made = self.post("/Users", user(name)).await.expect(201).json();
        format!("/Users/{}", made["id"].as_str().unwrap())
    }

    /// What a filter finds.
    pub(crate) async fn found(&self, filter: &str) -> Vec<Value> {
        let answer = self.filtered(filter).await.expect(200).json();
        let found = answer["Resources"].as_array().unwrap().clone();
        assert_eq!(answer["totalResults"], found.len(), "{answer}");
        found
    }

    pub(crate) async fn filtered(&self, filter: &str) -> Answer {
        let query: String = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect();
        self.get(&format!("/Users?filter={query}")).await
    }

    /// The account behind a path.
    pub(crate) async fn account(&self, path: &str) -> Option<User> {
        let id: UserId = path.rsplit('/').next().unwrap().parse().unwrap();
        let store = self.f.store().await;
        let mut read = store.read().await.unwrap();
        read.users().get(id).await.unwrap()
    }
}

/// Somebody of the connection's domain, as Okta writes them.
pub(crate) fn user(name: &str) -> Value {
    json!({
        "schemas": [USER],
        "userName": format!("{name}@corp.test"),
        "externalId": format!("00u-{name}"),
        "name": {"givenName": name, "familyName": "Byron"},
        "displayName": name,
        "emails": [{"value": format!("{name}@corp.test"), "type": "work", "primary": true}],
        "active": true,
    })
}

/// Refused with a status and a `scimType`, in the form that clients read.
#[track_caller]
pub(crate) fn refused(answer: Answer, status: u16, kind: Option<&str>) -> Value {
    let answer = answer.expect(status);
    assert_eq!(answer.header("content-type"), "application/scim+json");
    let body = answer.json();
    assert_eq!(body["schemas"], json!([ERROR]), "{body}");
    assert_eq!(body["status"], status.to_string(), "{body}");
    assert_eq!(body.get("scimType").and_then(Value::as_str), kind, "{body}");
    assert_ne!(body["detail"].as_str().unwrap_or_default(), "", "{body}");
    body
}
