//! The control plane's server: signing in, the OAuth2 provider, the API, and the publisher that
//! tells planes what they have to know.
//!
//! Rooms are named by what a visitor came for; an endpoint is a file. Nothing here is on the path
//! of a request to an Airflow: while this server is down, gates go on with what they know.

mod app;
mod audit;
mod auth;
mod authority;
mod authorization;
mod bootstrap;
mod built_ins;
mod config;
mod connections;
mod ctx;
mod edge;
mod email;
mod error;
mod extract;
mod factor;
mod federation;
mod groups;
mod jobs;
mod keys;
mod minute;
mod once;
mod openapi;
mod ops;
mod pages;
mod people;
mod planes;
mod policy;
mod provider;
mod publish;
mod quota;
mod registry;
mod restore;
mod rollout;
pub mod root;
mod router;
mod scim;
mod secured;
mod seen;

mod serve;
mod server;
mod sessions;
mod signin;
mod status_lists;
mod tenancy;
mod tokens;

pub use audit::SinkConfigError;
pub use bootstrap::ControlError;
pub use config::{
    ApiTls, AuditConfig, AuditFile, AuditWebhook, ControlConfig, FirstAdmin, ListenerTls, NewKeys,
    ParentCookie, Publishing, ScimConfig, SessionLife, SignInConfig, SignUp, Upgrades,
};
pub use connections::configured::ConfigureError;
pub use connections::document::check_sign_in;
pub use connections::provisioning::Provisioning;
pub use connections::receiver::ScimEventsTo;
pub use connections::reload::Reload;
pub use email::{EmailConfig, EmailConfigError, EmailSender, SmtpServer, SmtpTrust};
pub use factor::{FactorReset, reset_second_factor};
pub use keys::{ImportError, Imported, KeysError, Resealed, import_legacy_key, reseal};
pub use openapi::openapi;
pub use people::first_admin;
pub use registry::{RegistryConfig, RegistryConfigError, Repositories, Template, TemplateError};
pub use restore::{Recovered, recover};
pub use router::ROUTES;
pub use scim::template_errors;
pub use serve::{Bound, Control, serve};
pub use signin::password::{PasswordError, check_new as check_password};
