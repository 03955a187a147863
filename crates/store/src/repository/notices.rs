//! What people should hear of their API tokens, each thing once.

use std::time::Duration;

use aeolus_model::{OrganizationId, Time, TokenId};

use super::Tokens;
use crate::StoreError;
use crate::engine::{Fields, bind};
use crate::unit::{Unit, Write};

/// The columns of a notice; `about` is the state that it is about.
macro_rules! due {
    ($about:literal, $kind:literal, $rest:expr) => {
        concat!(
            "SELECT id, organization, name, expires_at, ",
            $about,
            " FROM tokens WHERE id > $2 AND id <= $3 AND deleted_at IS NULL AND expires_at > $1
            AND NOT EXISTS
            (SELECT 1 FROM notices WHERE token = tokens.id AND kind = ",
            $kind,
            " AND about = ",
            $about,
            ") AND (",
            $rest,
            ") ORDER BY id"
        )
    };
}

/// Whether whoever answers for a token is disabled, or has no role in its organization any more.
macro_rules! owner_left {
    () => {
        "NOT EXISTS (SELECT 1 FROM users
            WHERE users.id = created_by AND disabled_at IS NULL)
        OR (NOT EXISTS (SELECT 1 FROM grants WHERE subject_kind = 'user'
                AND subject = created_by
                AND (grants.organization = tokens.organization OR resource_kind = 'system'))
            AND NOT EXISTS (SELECT 1 FROM team_members JOIN teams ON teams.id = team
                WHERE member = created_by AND teams.organization = tokens.organization))"
    };
}

statements! {
    EXPIRING = due!("jti", "$4", "expires_at > $5 AND expires_at <= $6
        AND expires_at - COALESCE(rotated_at, created_at) > $7");
    UNUSED = due!(
        "CAST(COALESCE(last_used_at, created_at) AS TEXT)",
        "'unused'",
        "COALESCE(last_used_at, created_at) <= $4"
    );
    OLD = due!(
        "jti || '/' || CAST(($1 - COALESCE(rotated_at, created_at)) / $4 AS TEXT)",
        "'old'",
        "organization = $5 AND COALESCE(rotated_at, created_at) <= $1 - $4"
    );
    OWNER_LEFT = due!("'left'", "'owner_left'", owner_left!());
    OWNER_BACK = concat!("SELECT id FROM tokens JOIN notices ON token = id AND notices.kind = 'owner_left'
        WHERE id > $1 AND id <= $2 AND NOT (", owner_left!(), ") ORDER BY id");
    WINDOW = "SELECT id FROM tokens WHERE id > $1 ORDER BY id LIMIT 1 OFFSET $2";
    WINDOW_OF = "SELECT id FROM tokens WHERE organization = $3 AND id > $1 ORDER BY id LIMIT 1 OFFSET $2";
    SAID = "INSERT INTO notices (token, kind, about) VALUES ($1, $2, $3)
        ON CONFLICT (token, kind) DO UPDATE SET about = excluded.about
        WHERE notices.about <> excluded.about";
    FORGET = "DELETE FROM notices WHERE token = $1 AND kind = 'owner_left'";
}

/// What there may be to say of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeKind {
    /// Its value ends within this time, and not within the next shorter one.
    Expires {
        /// This time, which the value's whole life is longer than.
        within: Duration,
        /// The next shorter one.
        beyond: Duration,
    },
    /// Nobody used it for this time.
    Unused(Duration),
    /// Its value is so old, or a multiple of that, and its organization wants to hear of it.
    Old {
        /// Whose tokens.
        organization: OrganizationId,
        /// This old.
        after: Duration,
    },
    /// Whoever answers for it has no role in the organization any more, or is disabled.
    OwnerLeft,
}

impl NoticeKind {
    /// A stable name.
    fn name(self) -> String {
        match self {
            Self::Expires { within, .. } => format!("expires_{}", within.as_secs()),
            Self::Unused(_) => "unused".to_owned(),
            Self::Old { .. } => "old".to_owned(),
            Self::OwnerLeft => "owner_left".to_owned(),
        }
    }
}

/// Something to say of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Of which.
    pub token: TokenId,
    /// Whose.
    pub organization: OrganizationId,
    /// Its name.
    pub name: String,
    /// When its newest value ends.
    pub expires_at: Time,
    /// The state of the token that it is about.
    about: String,
}

/// Tokens that are looked at together, by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenWindow {
    pub(super) after: TokenId,
    last: Option<TokenId>,
}

impl<U: Unit> Tokens<'_, U> {
    /// The first `size` tokens of all, or of an organization, or those after a window; none after the last.
    pub async fn window(
        &mut self,
        of: Option<OrganizationId>,
        before: Option<TokenWindow>,
        size: u32,
    ) -> Result<Option<TokenWindow>, StoreError> {
        let after = match before {
            None => TokenId::from_bytes([0; 16]),
            Some(TokenWindow { last: None, .. }) => return Ok(None),
            Some(TokenWindow { last: Some(id), .. }) => id,
        };
        let mut values = bind![after, size.saturating_sub(1)];
        let sql = match of {
            None => WINDOW,
            Some(organization) => {
                values.extend(bind![organization]);
                WINDOW_OF
            }
        };
        let row = self.0.tx().first(sql, values).await?;
        let last = row.map(|row| row.only()).transpose()?;
        Ok(Some(TokenWindow { after, last }))
    }

    /// What of a kind there is to say of the tokens of a window. Each is taken by saying it:
    /// [`Tokens::take_notice`].
    pub async fn due_notices(
        &mut self,
        kind: NoticeKind,
        window: TokenWindow,
        now: Time,
    ) -> Result<Vec<Notice>, StoreError> {
        let mut values = bind![now, window.after, window.last()];
        let sql = match kind {
            NoticeKind::Expires { within, beyond } => {
                let life = i64::try_from(within.as_millis()).unwrap_or(i64::MAX);
                values.extend(bind![kind.name(), now.plus(beyond), now.plus(within), life]);
                EXPIRING
            }
            NoticeKind::Unused(time) => {
                values.extend(bind![now.minus(time)]);
                UNUSED
            }
            NoticeKind::Old {
                organization,
                after,
            } => {
                let age = i64::try_from(after.as_millis()).unwrap_or(i64::MAX).max(1);
                values.extend(bind![age, organization]);
                OLD
            }
            NoticeKind::OwnerLeft => OWNER_LEFT,
        };
        let rows = self.0.tx().fetch(sql, values).await?;
        rows.iter().map(|row| notice(&mut row.fields())).collect()
    }

    /// The tokens of a window of whose owner was said that they left, and who are back:
    /// [`Tokens::forget_owner`].
    pub async fn owners_back(&mut self, window: TokenWindow) -> Result<Vec<TokenId>, StoreError> {
        let values = bind![window.after, window.last()];
        let rows = self.0.tx().fetch(OWNER_BACK, values).await?;
        rows.iter().map(|row| row.fields().take()).collect()
    }
}

impl Tokens<'_, Write> {
    /// Takes a notice: false if somebody else has said it. Until the transaction ends others wait.
    pub async fn take_notice(
        &mut self,
        kind: NoticeKind,
        notice: &Notice,
    ) -> Result<bool, StoreError> {
        let values = bind![notice.token, kind.name(), notice.about];
        Ok(self.0.note(SAID, values).await? > 0)
    }

    /// Somebody else answers for a token, or its owner is back: if they leave, that is news again.
    pub async fn forget_owner(&mut self, token: TokenId) -> Result<(), StoreError> {
        self.0.note(FORGET, bind![token]).await.map(|_| ())
    }
}

impl TokenWindow {
    pub(super) fn last(self) -> TokenId {
        self.last.unwrap_or(TokenId::from_bytes([0xff; 16]))
    }
}

fn notice(fields: &mut Fields<'_>) -> Result<Notice, StoreError> {
    Ok(Notice {
        token: fields.take()?,
        organization: fields.take()?,
        name: fields.take()?,
        expires_at: fields.take()?,
        about: fields.take()?,
    })
}
