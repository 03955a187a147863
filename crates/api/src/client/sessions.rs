//! Sessions of people, and the end of their access.

use aeolus_model::SessionId;
use http::Method;

use super::{Call, Client, ClientError, Wait, escape};
use crate::Page;
use crate::offboard::{OffboardRequest, Offboarded};
use crate::session::{SecondFactorReset, Session, SessionsEnded};

/// Whose sessions are meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionsOf {
    /// Of this person, by id or address; none: one's own, or everybody's in the organization.
    pub user: Option<String>,
    /// As far as they reach into this organization, by id or name.
    pub organization: Option<String>,
}

impl SessionsOf {
    fn query(&self, more: &[(&str, &str)]) -> String {
        let own = [("user", &self.user), ("organization", &self.organization)];
        let own = own
            .iter()
            .filter_map(|(name, value)| Some((*name, value.as_deref()?)));
        let pairs = own.chain(more.iter().copied());
        let pairs: Vec<_> = pairs
            .map(|(name, value)| format!("{name}={}", escape(value)))
            .collect();
        if pairs.is_empty() {
            String::new()
        } else {
            format!("?{}", pairs.join("&"))
        }
    }
}

impl Client {
    /// Live sessions, oldest first.
    pub async fn sessions(
        &self,
        of: &SessionsOf,
        cursor: Option<&str>,
    ) -> Result<Page<Session>, ClientError> {
        let more: Vec<_> = cursor.iter().map(|cursor| ("cursor", *cursor)).collect();
        let path = format!("/v1/sessions{}", of.query(&more));
        self.json(Call::get(&path)).await
    }

    /// Ends one session: everywhere, or in an organization.
    pub async fn end_session(
        &self,
        id: SessionId,
        organization: Option<&str>,
        wait: Wait,
    ) -> Result<SessionsEnded, ClientError> {
        let of = SessionsOf {
            user: None,
            organization: organization.map(str::to_owned),
        };
        let path = format!("/v1/sessions/{id}{}", of.query(wait.pair()));
        self.json(Call::new(Method::DELETE, &path)).await
    }

    /// Ends all of somebody, or with `others` all of one's own but the one that asks.
    pub async fn end_sessions(
        &self,
        of: &SessionsOf,
        others: bool,
        wait: Wait,
    ) -> Result<SessionsEnded, ClientError> {
        let others: &[_] = if others { &[("others", "true")] } else { &[] };
        let more = [others, wait.pair()].concat();
        let path = format!("/v1/sessions{}", of.query(&more));
        self.json(Call::new(Method::DELETE, &path)).await
    }

    /// Ends everything in an organization that hangs on a person (by id or address), or says what
    /// would be ended.
    pub async fn offboard(
        &self,
        organization: &str,
        user: &str,
        request: &OffboardRequest,
        wait: Wait,
    ) -> Result<Offboarded, ClientError> {
        let path = format!(
            "/v1/organizations/{}/users/{}/offboard{}",
            escape(organization),
            escape(user),
            wait.query()
        );
        self.json(Call::json(Method::POST, &path, request)?).await
    }

    /// Removes somebody's second factor (by id or address) and ends their sessions.
    pub async fn reset_second_factor(&self, user: &str) -> Result<SecondFactorReset, ClientError> {
        let path = format!("/v1/users/{}/second-factor", escape(user));
        self.json(Call::new(Method::DELETE, &path)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_about_stays_one_value() {
        let of = SessionsOf {
            user: Some("a&b@example.com".to_owned()),
            organization: Some("acme".to_owned()),
        };
        assert_eq!(
            of.query(Wait::Planes.pair()),
            "?user=a%26b%40example%2Ecom&organization=acme&wait=planes"
        );
        assert_eq!(SessionsOf::default().query(Wait::No.pair()), "");
    }
}
