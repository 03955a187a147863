//! The audit log.

use http::Method;

use super::{Call, Client, ClientError, escape};
use crate::Page;
use crate::audit::{AuditCheckpoint, AuditLine};

/// Which lines of the audit log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditQuery {
    /// Of this organization, by id or name; none: of the whole installation.
    pub organization: Option<String>,
    /// What else is asked for, as parameters.
    pub parameters: Vec<(&'static str, String)>,
}

impl AuditQuery {
    fn path(&self, what: &str, more: &[(&'static str, String)]) -> String {
        let mut path = match &self.organization {
            Some(name) => format!("/v1/organizations/{}/audit{what}", escape(name)),
            None => format!("/v1/audit{what}"),
        };
        for (n, (name, value)) in self.parameters.iter().chain(more).enumerate() {
            path.push(if n == 0 { '?' } else { '&' });
            path.push_str(name);
            path.push('=');
            path.push_str(&escape(value));
        }
        path
    }
}

impl Client {
    /// Lines of the log.
    pub async fn audit(
        &self,
        query: &AuditQuery,
        cursor: Option<&str>,
    ) -> Result<Page<AuditLine>, ClientError> {
        let cursor = cursor.map(|cursor| ("cursor", cursor.to_owned()));
        let path = query.path("", cursor.as_slice());
        self.json(Call::get(&path)).await
    }

    /// Control's signed word of how far the log goes.
    pub async fn audit_checkpoint(
        &self,
        query: &AuditQuery,
    ) -> Result<AuditCheckpoint, ClientError> {
        self.json(Call::get(&query.path(":checkpoint", &[]))).await
    }

    /// The log as a file, in pieces as they come. Ends early where `piece` says `false`.
    pub async fn audit_export(
        &self,
        query: &AuditQuery,
        piece: impl FnMut(&[u8]) -> bool,
    ) -> Result<(), ClientError> {
        let path = query.path(":export", &[]);
        self.stream(Call::new(Method::GET, &path), piece).await
    }

    /// What control finds when it follows the chain: lines of JSON, in pieces as they come.
    pub async fn audit_verify(
        &self,
        query: &AuditQuery,
        piece: impl FnMut(&[u8]) -> bool,
    ) -> Result<(), ClientError> {
        let path = query.path(":verify", &[]);
        self.stream(Call::new(Method::GET, &path), piece).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_about_stays_one_value() {
        let query = AuditQuery {
            organization: Some("a/b".to_owned()),
            parameters: vec![("target", "x&y".to_owned())],
        };
        assert_eq!(
            query.path(":export", &[("since", "1".to_owned())]),
            "/v1/organizations/a%2Fb/audit:export?target=x%26y&since=1"
        );
        assert_eq!(AuditQuery::default().path("", &[]), "/v1/audit");
    }
}
