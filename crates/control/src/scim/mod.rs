//! Provisioning by identity providers: SCIM 2.0 (notes 030 and 032 to 034).
//!
//! What a request means is `aeolus_scim`'s to say, who asks [`Caller`]'s. What is the same of all resources is here,
//! over whatever is [`Kept`]: users and groups differ in how they are found and written, not in how they are asked for.

mod access;
mod answer;
mod body;
mod bulk;
mod bytes;
mod caller;
mod change;
mod code;
mod config;
mod copy;
pub(crate) mod credentials;
mod discovery;
pub(crate) mod events;
mod expiry;
mod find;
mod flood;
mod groups;
mod kept;
mod list;
mod log;
mod mask;
mod one;
mod parts;
mod place;
mod record;
mod secret;
mod team_templates;
pub(crate) mod templates;
pub(crate) mod token;
mod users;
mod uses;

pub(crate) use self::answer::{ScimFailure, render};
pub(crate) use self::bulk::bulk;
pub(crate) use self::caller::Caller;
pub(crate) use self::code::ScimCode;
pub(crate) use self::config::profile_of;
pub use self::config::template_errors;
pub(crate) use self::discovery::{provider_config, resource_type, resource_types, schema, schemas};
pub(crate) use self::expiry::say as say_expiry;
pub(crate) use self::groups::Groups;
pub(crate) use self::list::{list, search, search_all};
pub(crate) use self::log::{flush, forget, list as requests, run};
pub(crate) use self::one::{create, delete, get, patch, replace};
pub(crate) use self::parts::ScimParts;
pub(crate) use self::record::{NoScope, OwnListener, record};
pub(crate) use self::users::Users;

use aeolus_model::{Action, AuditEvent};
use aeolus_scim::schema::ResourceType;
use aeolus_scim::{Error, Limits, Reason};

use crate::ctx::{By, Target};

/// How much of anything is worked on.
static LIMITS: Limits = Limits::DEFAULT;

/// The resource types that are kept here.
const KINDS: [&ResourceType; 2] = [&aeolus_scim::schema::USER, &aeolus_scim::schema::GROUP];

/// Does something with what keeps a resource type: the type parameter is bound to it.
macro_rules! on_kind {
    ($kind:expr, $kept:ident => $deed:expr) => {
        if $kind == &aeolus_scim::schema::GROUP {
            type $kept = $crate::scim::Groups;
            $deed
        } else {
            type $kept = $crate::scim::Users;
            $deed
        }
    };
}
use on_kind;

/// `/Me`: a provisioning client is nobody among the users (RFC 7644 §3.11).
pub(crate) async fn me(_: Caller) -> ScimFailure {
    let why = "A provisioning client is none of the users here: name one by its id.";
    Error::new(Reason::NotImplemented, why).into()
}

/// Whatever else is below a connection's endpoint.
pub(crate) async fn unknown(_: Caller) -> ScimFailure {
    Error::new(Reason::NotFound, "There is no such endpoint.").into()
}

impl Caller {
    /// Who does it.
    pub(crate) fn by(&self) -> By<'_> {
        By {
            app: &self.app,
            actor: &self.actor,
            request: &self.request,
        }
    }

    /// An audit line about something of the connection's organization.
    pub(crate) fn event(&self, action: Action, target: impl Into<Target>) -> AuditEvent {
        self.by().event(action, self.settings.organization, target)
    }
}
