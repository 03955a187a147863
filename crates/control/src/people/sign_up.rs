//! Who gets an account by coming.

use aeolus_model::{Email, Grant, GrantId, Host, Resource, Role, Subject};
use aeolus_store::{GrantRecord, ManagedBy, Unit as _, User, Write};

use super::{Arrival, Refused, account};
use crate::app::App;
use crate::ctx::RequestInfo;
use crate::error::ApiError;

/// Whether strangers get an account by coming, through whichever provider (row E3). Off unless said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignUp {
    /// Whether they do.
    pub public: bool,
    /// With an address in one of these domains alone; none: in any.
    pub allowed_domains: Vec<Host>,
}

impl SignUp {
    fn admits(&self, email: &Email) -> bool {
        let mut domains = self.allowed_domains.iter();
        let named = domains.any(|domain| domain.as_str() == email.domain());
        self.public && (named || self.allowed_domains.is_empty())
    }
}

/// Makes an account for somebody whose address the provider vouches for, where that is open to them: by the
/// connection's rule as a member of its organization, else with nothing at all.
pub(super) async fn sign_up(
    app: &App,
    info: &RequestInfo,
    write: &mut Write,
    arrival: &Arrival<'_>,
) -> Result<Result<User, Refused>, ApiError> {
    let rule = arrival.provider.provision();
    let Some(email) = arrival.proved() else {
        let open = app.sign_up.public || rule.is_some();
        return Ok(Err(if open {
            Refused::Unproved
        } else {
            Refused::Unknown
        }));
    };
    let rule = rule.filter(|rule| rule.is_for(email));
    if rule.is_none() && !app.sign_up.admits(email) {
        let taken = write.users().by_email(email).await?.is_some();
        return Ok(Err(if taken {
            Refused::AddressTaken
        } else {
            Refused::Unknown
        }));
    }
    let user = match account::make(app, info, write, arrival, email).await? {
        Ok(user) => user,
        Err(refused) => return Ok(Err(refused)),
    };
    if let Some(rule) = rule {
        let organization = write.organizations().by_name(rule.organization()).await?;
        let Some(organization) = organization else {
            // Nobody is kept out for it, and the operator reads why they hold nothing.
            tracing::warn!(
                connection = %arrival.provider.name(), organization = %rule.organization(),
                "the organization that people of this connection are put into doesn't exist"
            );
            return Ok(Ok(user));
        };
        let grant = GrantRecord {
            grant: Grant {
                id: GrantId::new(&*app.clock, &*app.rng),
                subject: Subject::User(user.id),
                role: Role::OrganizationMember.into(),
                resource: Resource::Organization(organization.id),
            },
            organization: Some(organization.id),
            managed_by: ManagedBy::Api,
        };
        account::give(app, info, write, (&user, &grant)).await?;
    }
    Ok(Ok(user))
}
