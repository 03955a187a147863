//! The passwords of a document: checked and hashed before anything is written.

use std::collections::BTreeMap;

use aeolus_api::FieldError;
use aeolus_api::fleet::ApplyRequest;
use aeolus_model::{Email, Secret};
use aeolus_store::Unit as _;

use crate::app::App;
use crate::error::ApiError;
use crate::signin::password;

/// New hashes by address. People whose password is the stored one already are not in it.
pub(super) type Passwords = BTreeMap<Email, Secret<String>>;

pub(super) async fn prepare(app: &App, body: &ApplyRequest) -> Result<Passwords, ApiError> {
    let mut hashes = Passwords::new();
    let mut errors = Vec::new();
    for (outer, organization) in body.fleet.organizations.iter().enumerate() {
        for (inner, user) in organization.users.iter().enumerate() {
            if user.password.is_none() {
                continue;
            }
            let at = format!("organizations[{outer}].users[{inner}].password");
            let Some(text) = body.password(outer, inner) else {
                let message = "its value did not come with the document".to_owned();
                errors.push(FieldError { at, message });
                continue;
            };
            let text = Secret::new(text.to_owned());
            if let Err(error) = password::check_new(&text, user.email.as_str()) {
                let message = error.to_string();
                errors.push(FieldError { at, message });
                continue;
            }
            if let Some(hash) = new_hash(app, &user.email, text).await? {
                hashes.insert(user.email.clone(), hash);
            }
        }
    }
    if errors.is_empty() {
        Ok(hashes)
    } else {
        Err(ApiError::Invalid(errors))
    }
}

async fn new_hash(
    app: &App,
    email: &Email,
    password: Secret<String>,
) -> Result<Option<Secret<String>>, ApiError> {
    let user = app.store.read().await?.users().by_email(email).await?;
    let stored = user.and_then(|user| user.password_hash);
    if let Some(stored) = stored {
        let turn = app.hashes.turn(None).map_err(ApiError::internal)?;
        let same = app
            .hashes
            .verify(&turn, password.clone(), Some(stored.expose().clone()))
            .await
            .map_err(ApiError::internal)?;
        if same {
            return Ok(None);
        }
    }
    let hash = app.hashes.hash(password, app.rng.clone()).await;
    Ok(Some(Secret::new(hash.map_err(ApiError::internal)?)))
}
