//! What of an organization hangs on one person, beside what they hold.

use aeolus_model::{OrganizationId, TokenId, UserId};

use super::Tokens;
use crate::StoreError;
use crate::engine::{Row, bind};
use crate::unit::{Unit, Write};

statements! {
    CREATED_BY = "SELECT id FROM tokens
        WHERE organization = $1 AND created_by = $2 AND deleted_at IS NULL ORDER BY id";
    ALL_BY = "SELECT id, organization FROM tokens
        WHERE created_by = $1 AND deleted_at IS NULL ORDER BY id";
    GIVE = "UPDATE tokens SET created_by = $2 WHERE id = $1 AND deleted_at IS NULL";
}

impl<U: Unit> Tokens<'_, U> {
    /// Those of an organization that a person answers for and that aren't deleted, by age.
    pub async fn created_by(
        &mut self,
        organization: OrganizationId,
        user: UserId,
    ) -> Result<Vec<TokenId>, StoreError> {
        let values = bind![organization, user];
        let rows = self.0.tx().fetch(CREATED_BY, values).await?;
        rows.iter().map(Row::only).collect()
    }
}

impl Tokens<'_, Write> {
    /// Those that a person answers for and that aren't deleted, wherever they are. Looks at every token there is.
    pub async fn all_by(
        &mut self,
        user: UserId,
    ) -> Result<Vec<(TokenId, OrganizationId)>, StoreError> {
        let rows = self.0.tx().fetch(ALL_BY, bind![user]).await?;
        let pair = |row: &Row| {
            let mut fields = row.fields();
            Ok((fields.take()?, fields.take()?))
        };
        rows.iter().map(pair).collect()
    }

    /// Lets another person answer for one; its value stays good. Says whether there is such a token.
    /// No snapshot says who made a token, so the feed moves only for its audit event.
    pub async fn give(&mut self, id: TokenId, to: UserId) -> Result<bool, StoreError> {
        self.forget_owner(id).await?;
        Ok(self.0.note(GIVE, bind![id, to]).await? > 0)
    }
}
