//! Who the people of a document are at identity providers.

use std::collections::BTreeMap;

use aeolus_api::FieldError;
use aeolus_api::fleet::{Fleet, UserIdentity};
use aeolus_api::tenancy::ChangeOp;
use aeolus_model::{Email, Slug, UserId};
use aeolus_store::{Identity, ManagedBy, Unit as _};

use super::Run;
use crate::connections::Settings;
use crate::error::ApiError;
use crate::groups;

impl Run<'_> {
    /// Links the people whom the document names. Links of an apply's making that it no longer
    /// mentions are disposed of, for the people it names.
    pub(super) async fn identities(&mut self, fleet: &Fleet) -> Result<(), ApiError> {
        let mut wanted: BTreeMap<&Email, BTreeMap<&UserIdentity, String>> = BTreeMap::new();
        for (outer, organization) in fleet.organizations.iter().enumerate() {
            for (inner, user) in organization.users.iter().enumerate() {
                let links = wanted.entry(&user.email).or_default();
                for (index, identity) in user.identities.iter().enumerate() {
                    let at = format!("organizations[{outer}].users[{inner}].identities[{index}]");
                    links.insert(identity, at);
                }
            }
        }
        for (email, links) in wanted {
            if let Some(user) = self.write.users().by_email(email).await? {
                self.links(user.id, email, links).await?;
            }
        }
        Ok(())
    }

    async fn links(
        &mut self,
        user: UserId,
        email: &Email,
        wanted: BTreeMap<&UserIdentity, String>,
    ) -> Result<(), ApiError> {
        let mut kept = Vec::new();
        for (identity, at) in wanted {
            let link = self.link(user, identity).await?;
            let found = self
                .write
                .identities()
                .find(link.connection, &link.issuer, &link.subject)
                .await?;
            match found {
                Some(found) if found.user != user => {
                    return Err(ApiError::Invalid(vec![FieldError {
                        at,
                        message: "somebody else is this subject already".to_owned(),
                    }]));
                }
                Some(_) => {}
                None => {
                    let write = &mut self.write;
                    self.authority.require_covers_person(write, user).await?;
                    self.write.identities().insert(&link).await?;
                    let path = path(email, &identity.connection, identity.subject.as_str());
                    self.note(ChangeOp::Create, "identity", path, "");
                }
            }
            kept.push(link);
        }
        for held in self.write.identities().of_user(user).await? {
            let same = |link: &Identity| {
                link.connection == held.connection
                    && link.issuer == held.issuer
                    && link.subject == held.subject
            };
            if kept.iter().any(same) {
                continue;
            }
            let connection = self.write.connections().get(held.connection).await?;
            let Some(connection) = connection else {
                continue;
            };
            let path = path(email, &connection.name, held.subject.as_str());
            if self.dispose(held.managed_by, "identity", &path) {
                let Identity {
                    connection,
                    issuer,
                    subject,
                    ..
                } = held;
                self.write
                    .identities()
                    .delete(connection, &issuer, &subject)
                    .await?;
                let left = self.write.identities().of_user(user).await?;
                if !left.iter().any(|link| link.connection == connection) {
                    let ctx = self.ctx;
                    let line = |action| ctx.event(action, None, user);
                    groups::leave(&mut self.write, (connection, user), &line).await?;
                }
            }
        }
        Ok(())
    }

    /// The link as it is kept. The document was checked: the connection is there and has an issuer.
    async fn link(&mut self, user: UserId, identity: &UserIdentity) -> Result<Identity, ApiError> {
        let found = self
            .write
            .connections()
            .by_name(&identity.connection)
            .await?;
        let connection = found.ok_or(ApiError::NotFound("connection"))?;
        let settings = Settings::parse(&connection.config).map_err(ApiError::internal)?;
        let issuer = settings.identity_issuer(&connection.kind);
        let issuer = issuer.unwrap_or_default();
        Ok(Identity {
            connection: connection.id,
            issuer,
            subject: identity.subject.clone(),
            user,
            linked_at: self.now,
            managed_by: ManagedBy::Apply,
        })
    }
}

fn path(email: &Email, connection: &Slug, subject: &str) -> String {
    format!("{email}/{connection}/{subject}")
}
