//! Somebody who signs in, and stays as they were judged until it is done.

use aeolus_model::{Secret, UserId};
use aeolus_store::{StoreError, Unit as _, User, Write};

/// Somebody who may sign in. Their record is held: whoever disables them, or gives them another password, waits
/// for the end of this transaction, and so ends the session that begins in it (A12). No session begins
/// without one.
///
/// Locks are taken in one order: what many wait for, then the person, then their second factor, then sessions
/// (note 003).
#[derive(Debug)]
pub(crate) struct Standing(User);

impl Standing {
    /// A person as they are when nobody changes them any more; none if they may not sign in.
    pub(crate) async fn of(write: &mut Write, id: UserId) -> Result<Option<Self>, StoreError> {
        write.users().hold(id).await?;
        let user = write.users().get(id).await?;
        let user = user.filter(|user| user.disabled_at.is_none());
        Ok(user.map(Self))
    }

    /// The same of somebody whose password was right, which took a while to judge; none if it is another one
    /// by now.
    pub(crate) async fn by_password(
        write: &mut Write,
        judged: &User,
    ) -> Result<Option<Self>, StoreError> {
        let there = Self::of(write, judged.id).await?;
        Ok(there.filter(|there| hash(&there.0) == hash(judged)))
    }

    /// Who it is.
    pub(crate) const fn user(&self) -> &User {
        &self.0
    }
}

fn hash(user: &User) -> Option<&String> {
    user.password_hash.as_ref().map(Secret::expose)
}
