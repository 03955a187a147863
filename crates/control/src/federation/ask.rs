//! Asking a provider in the course of one sign-in.

use aeolus_api::egress::{Egress, Reach, reach_of};
use aeolus_model::{Secret, Time};
use aeolus_oidc::{Attempt, Connection, Discovery, Redirects, TokenRequest, Tokens, UserInfo};
use bytes::Bytes;

use super::provider::Provider;
use super::refused::{OrRefused as _, Stop};
use super::trouble::Trouble;

/// One sign-in's provider: whom to ask, and on which terms.
pub(super) struct Asked<'a> {
    pub(super) egress: &'a Egress,
    pub(super) provider: &'a Provider,
    pub(super) connection: &'a Connection,
    pub(super) discovery: &'a Discovery,
    pub(super) attempt: &'a Attempt,
    pub(super) now: Time,
}

impl Asked<'_> {
    /// How far to go for a URL: what the provider's document names is only trusted to be public, unless it
    /// stays where the operator pointed.
    pub(super) fn reach(&self, url: &str) -> Reach {
        reach_of(url, &self.connection.discovery().document())
    }

    /// What a code is good for.
    pub(super) async fn exchange(
        &self,
        redirects: &Redirects,
        code: &Secret<String>,
    ) -> Result<Tokens, Stop> {
        let parts = (self.connection, self.discovery);
        let request = TokenRequest::new(parts, self.attempt, redirects, code);
        let missing = aeolus_oidc::DiscoveryError::Endpoint("token_endpoint");
        let request = request.ok_or(Trouble::Document(missing)).or_refused()?;
        let form = request.form.iter();
        let form: Vec<(&str, &str)> = form
            .map(|(name, value)| (*name, value.expose().as_str()))
            .collect();
        let authorization = request.authorization.as_ref();
        let reach = self.reach(&request.url);
        let answered = self
            .egress
            .post_form_for_answer(&request.url, &form, authorization, reach)
            .await;
        let answered = answered
            .map_err(Trouble::unreachable("token"))
            .or_refused()?;
        Tokens::parse(&answered.body).or_refused()
    }

    /// What it says of whoever has an access token.
    pub(super) async fn user_info(&self, token: &Secret<String>) -> Result<UserInfo, Stop> {
        let url = self.discovery.userinfo_endpoint().unwrap_or_default();
        let body = self.get(url, "userinfo", token).await.or_refused()?;
        UserInfo::parse(&body).map_err(Trouble::from).or_refused()
    }

    /// Something that is asked for in somebody's name.
    pub(super) async fn get(
        &self,
        url: &str,
        what: &'static str,
        token: &Secret<String>,
    ) -> Result<Bytes, Trouble> {
        let answered = self.egress.get_with_bearer(url, token, self.reach(url));
        answered.await.map_err(Trouble::unreachable(what))
    }
}
