//! The code that makes the first administrator: proof that somebody runs the installation.

use aeolus_keys::digest;
use aeolus_model::{
    Action, Actor, AuditEvent, Change, Clock, Grant, GrantId, Resource, Rng, Role, Secret, Subject,
};
use aeolus_store::{
    DatabaseUrl, Digest, GrantRecord, ManagedBy, Store, StoreError, Unit, User, Write,
};

use super::{Arrival, Refused, account};
use crate::app::App;
use crate::bootstrap::ControlError;
use crate::ctx::RequestInfo;
use crate::error::ApiError;

/// Characters of a code: 100 bits, in groups of four.
const LENGTH: usize = 20;
const ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// Whether a text that an attempt began with has the form of such a code.
pub(crate) fn is_one(value: &Secret<String>) -> bool {
    normal(value).len() == LENGTH
}

/// As people copy it: in any case, with or without its hyphens.
fn normal(value: &Secret<String>) -> String {
    let characters = value.expose().chars().take(2 * LENGTH + 1);
    let kept = characters.filter(|c| !c.is_whitespace() && *c != '-');
    kept.map(|c| c.to_ascii_uppercase()).collect()
}

fn digest_of(value: &Secret<String>) -> Digest {
    digest::sha256(normal(value).as_bytes())
}

fn random(rng: &dyn Rng) -> Secret<String> {
    let mut bytes = [0; LENGTH];
    rng.fill(&mut bytes);
    let letter = |byte: &u8| {
        ALPHABET
            .get(usize::from(byte % 32))
            .copied()
            .map(char::from)
    };
    let letters: Vec<char> = bytes.iter().filter_map(letter).collect();
    let groups = letters
        .chunks(4)
        .map(|group| group.iter().collect::<String>());
    Secret::new(groups.collect::<Vec<_>>().join("-"))
}

/// Makes a code where the installation has no administrator and no code yet; it is told once, here.
pub(crate) async fn keep(
    store: &Store,
    clock: &dyn Clock,
    rng: &dyn Rng,
) -> Result<Option<Secret<String>>, StoreError> {
    let mut write = store.write().await?;
    write.grants().lock_system().await?;
    if has_administrator(&mut write).await? {
        return Ok(None);
    }
    let code = random(rng);
    let mut codes = write.first_admin_code();
    let kept = codes.keep(&digest_of(&code), clock.now()).await?;
    write.commit().await?;
    Ok(kept.then_some(code))
}

/// Makes another code in place of any that there is. None where there is an administrator.
pub(crate) async fn replace(
    store: &Store,
    clock: &dyn Clock,
    rng: &dyn Rng,
) -> Result<Option<Secret<String>>, StoreError> {
    let mut write = store.write().await?;
    if has_administrator(&mut write).await? {
        return Ok(None);
    }
    let code = random(rng);
    let mut codes = write.first_admin_code();
    codes.replace(&digest_of(&code), clock.now()).await?;
    write.commit().await?;
    Ok(Some(code))
}

/// Makes another code for an operator at the machine: `aeolus control first-admin`. None where somebody
/// administers the installation.
pub async fn first_admin(
    database: &str,
    clock: &dyn Clock,
    rng: &dyn Rng,
) -> Result<Option<Secret<String>>, ControlError> {
    let url: DatabaseUrl = database.parse()?;
    let store = Store::connect(&url).await?;
    let code = replace(&store, clock, rng).await?;
    store.close().await;
    Ok(code)
}

/// Whether somebody administers the installation who may sign in.
pub(crate) async fn has_administrator(unit: &mut impl Unit) -> Result<bool, StoreError> {
    Ok(!super::administrators::of(unit).await?.is_empty())
}

/// Whether a code is the one that there is. It is not used up by that.
pub(crate) async fn is_right(
    unit: &mut impl Unit,
    value: &Secret<String>,
) -> Result<bool, ApiError> {
    let kept = unit.first_admin_code().get().await?;
    Ok(kept.is_some_and(|kept| digest::eq(&kept, &digest_of(value))))
}

/// Makes somebody the first administrator who is here already. Of any number at once one is.
pub(crate) async fn claim(
    app: &App,
    info: &RequestInfo,
    write: &mut Write,
    (value, user): (&Secret<String>, &User),
) -> Result<Result<(), Refused>, ApiError> {
    write.grants().lock_system().await?;
    // Whoever is one already was made in another way: the code is good no more.
    if has_administrator(write).await? || !is_right(write, value).await? {
        return Ok(Err(Refused::Code));
    }
    let mut codes = write.first_admin_code();
    if !codes.take(&digest_of(value)).await? {
        return Ok(Err(Refused::Code));
    }
    let record = GrantRecord {
        grant: Grant {
            id: GrantId::new(&*app.clock, &*app.rng),
            subject: Subject::User(user.id),
            role: Role::SystemAdmin.into(),
            resource: Resource::System,
        },
        organization: None,
        managed_by: ManagedBy::Api,
    };
    account::give(app, info, write, (user, &record)).await?;
    let event = info.event(app, Actor::User(user.id), Action::FirstAdmin);
    write.audit(AuditEvent {
        target: user.id.to_string(),
        changes: vec![Change::to("email", user.email.to_string())],
        ..event
    });
    Ok(Ok(()))
}

/// Makes somebody the first administrator who comes for the first time. Whoever holds the code runs the
/// installation, and so says which providers there are and what their words count.
pub(super) async fn arrive(
    app: &App,
    info: &RequestInfo,
    write: &mut Write,
    (arrival, value): (&Arrival<'_>, &Secret<String>),
) -> Result<Result<User, Refused>, ApiError> {
    if !is_right(write, value).await? {
        return Ok(Err(Refused::Code));
    }
    let Some(email) = &arrival.identity.email else {
        return Ok(Err(Refused::NoAddress));
    };
    let user = match account::make(app, info, write, arrival, email).await? {
        Ok(user) => user,
        Err(refused) => return Ok(Err(refused)),
    };
    let claimed = claim(app, info, write, (value, &user)).await?;
    Ok(claimed.map(|()| user))
}

#[cfg(test)]
mod tests {
    use aeolus_testkit::SeededRng;

    use super::*;

    #[test]
    fn a_code_is_read_as_people_copy_it_and_is_no_invitation() {
        let code = random(&SeededRng::new("code"));
        assert_eq!(code.expose().len(), LENGTH + LENGTH / 4 - 1);
        assert!(is_one(&code));
        let copied = Secret::new(format!(
            " {}\n",
            code.expose().to_lowercase().replace('-', " ")
        ));
        assert_eq!(digest_of(&copied), digest_of(&code));
        for other in ["", &"a".repeat(40), &"A-".repeat(4000)] {
            assert!(!is_one(&Secret::new(other.to_owned())), "{other:.50}");
        }
    }
}
