//! API tokens.

use aeolus_model::{TokenId, UserId};
use http::Method;

use super::operations::Wait;
use super::{Call, Client, ClientError, escape};
use crate::token::{
    Token, TokenCreate, TokenCreated, TokenKind, TokenRoles, TokenRotate, TokenScope, TokenUpdate,
    TokensRevoke, TokensRevoked,
};
use crate::{Deleted, Page};

/// Which tokens are asked for: all that is given holds.
#[derive(Clone, Debug, Default)]
pub struct TokenQuery {
    /// They expire within so many days.
    pub expiring_within_days: Option<u32>,
    /// Their newest value is older than so many days.
    pub older_than_days: Option<u32>,
    /// Nobody used them for so many days.
    pub unused_for_days: Option<u32>,
    /// This person made them.
    pub created_by: Option<UserId>,
    /// They reach so far.
    pub scope: Option<TokenScope>,
    /// They were made for the organization, workspace or deployment with this id.
    pub entity_id: Option<String>,
    /// They are of this kind.
    pub kind: Option<TokenKind>,
}

impl TokenQuery {
    fn text(&self, cursor: Option<&str>) -> String {
        let days = |days: Option<u32>| days.map(|days| days.to_string());
        let all = [
            ("expiringWithinDays", days(self.expiring_within_days)),
            ("olderThanDays", days(self.older_than_days)),
            ("unusedForDays", days(self.unused_for_days)),
            ("createdBy", self.created_by.map(|id| id.to_string())),
            ("scope", self.scope.map(|scope| scope.name().to_owned())),
            ("entityId", self.entity_id.as_deref().map(escape)),
            ("kind", self.kind.map(|kind| kind.name().to_owned())),
            ("cursor", cursor.map(escape)),
            ("limit", Some("200".to_owned())),
        ];
        let given = all
            .into_iter()
            .filter_map(|(name, value)| Some(format!("{name}={}", value?)));
        given.collect::<Vec<_>>().join("&")
    }
}

impl Client {
    /// Makes an API token. The value is in this answer and nowhere else.
    pub async fn create_token(
        &self,
        organization: &str,
        token: &TokenCreate,
        wait: Wait,
    ) -> Result<TokenCreated, ClientError> {
        let path = format!("{}{}", all(organization), wait.query());
        self.json(Call::json(Method::POST, &path, token)?).await
    }

    /// Lists API tokens.
    pub async fn tokens(
        &self,
        organization: &str,
        query: &TokenQuery,
        cursor: Option<&str>,
    ) -> Result<Page<Token>, ClientError> {
        let path = format!("{}?{}", all(organization), query.text(cursor));
        self.json(Call::get(&path)).await
    }

    /// One API token.
    pub async fn token(&self, organization: &str, id: TokenId) -> Result<Token, ClientError> {
        self.json(Call::get(&one(organization, id))).await
    }

    /// Gives an API token another name or description.
    pub async fn update_token(
        &self,
        organization: &str,
        id: TokenId,
        wanted: &TokenUpdate,
    ) -> Result<Token, ClientError> {
        let path = one(organization, id);
        self.json(Call::json(Method::POST, &path, wanted)?).await
    }

    /// Gives an API token these roles and no others.
    pub async fn set_token_roles(
        &self,
        organization: &str,
        id: TokenId,
        wanted: &TokenRoles,
    ) -> Result<Token, ClientError> {
        let path = format!("{}/roles", one(organization, id));
        self.json(Call::json(Method::POST, &path, wanted)?).await
    }

    /// Gives an API token a new value, which is in this answer and nowhere else.
    pub async fn rotate_token(
        &self,
        organization: &str,
        id: TokenId,
        (wanted, wait): (&TokenRotate, Wait),
    ) -> Result<TokenCreated, ClientError> {
        let path = format!("{}/rotate{}", one(organization, id), wait.query());
        self.json(Call::json(Method::POST, &path, wanted)?).await
    }

    /// Ends the values from before an API token's last rotation.
    pub async fn end_token_grace(
        &self,
        organization: &str,
        id: TokenId,
        wait: Wait,
    ) -> Result<Deleted, ClientError> {
        let path = format!("{}/rotate/end{}", one(organization, id), wait.query());
        self.json(Call::new(Method::POST, &path)).await
    }

    /// Deletes an API token: connected planes refuse it within two seconds.
    pub async fn delete_token(
        &self,
        organization: &str,
        id: TokenId,
        wait: Wait,
    ) -> Result<Deleted, ClientError> {
        let path = format!("{}{}", one(organization, id), wait.query());
        self.json(Call::new(Method::DELETE, &path)).await
    }

    /// Deletes many API tokens in one step.
    pub async fn revoke_tokens(
        &self,
        organization: &str,
        which: &TokensRevoke,
        wait: Wait,
    ) -> Result<TokensRevoked, ClientError> {
        let path = format!("{}:revoke{}", all(organization), wait.query());
        let mut call = Call::json(Method::POST, &path, which)?;
        call.extra_wait = std::time::Duration::from_secs(50);
        self.json(call).await
    }
}

fn all(organization: &str) -> String {
    format!("/v1/organizations/{}/tokens", escape(organization))
}

fn one(organization: &str, id: TokenId) -> String {
    format!("{}/{id}", all(organization))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_asked_for_is_in_the_query() {
        assert_eq!(TokenQuery::default().text(None), "limit=200");
        let query = TokenQuery {
            scope: Some(TokenScope::Workspace),
            entity_id: Some("a&b".to_owned()),
            kind: Some(TokenKind::DirectAccess),
            ..TokenQuery::default()
        };
        assert_eq!(
            query.text(Some("c")),
            "scope=WORKSPACE&entityId=a%26b&kind=DIRECT_ACCESS&cursor=c&limit=200"
        );
    }
}
