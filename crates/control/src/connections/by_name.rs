//! The connections that people can sign in through.

use aeolus_model::{ConnectionId, Host, Slug};
use aeolus_oidc::{Connection, Kind, SettingsError};
use aeolus_store::{StoreError, Unit};

use super::{Settings, secret};
use crate::app::App;
use crate::error::ApiError;

/// What signing in through a connection needs.
pub(crate) struct SignIn {
    /// The row.
    pub(crate) id: ConnectionId,
    /// Rises with every change of the row: an answer is judged by the settings it was asked by.
    pub(crate) revision: u64,
    /// The provider, its client's secret opened.
    pub(crate) connection: Connection,
}

/// A connection as the sign-in page shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Offered {
    /// `?provider=NAME` (row A11).
    pub(crate) name: Slug,
    /// What people see.
    pub(crate) display_name: String,
    /// Which provider.
    pub(crate) kind: Kind,
    /// The mail domains whose people sign in there.
    pub(crate) domains: Vec<Host>,
}

impl Offered {
    /// See [`mark`].
    pub(crate) fn mark(&self) -> String {
        mark(&self.display_name)
    }
}

/// The letter that stands for a provider beside its name.
pub(crate) fn mark(name: &str) -> String {
    let first = name.chars().find(|c| c.is_alphanumeric());
    first.into_iter().flat_map(char::to_uppercase).collect()
}

/// Why nobody signs in through a row.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unusable {
    /// A program of a later version wrote it, or something broke it.
    #[error("its settings can't be read")]
    Unreadable,
    /// The master key isn't the one it was sealed under.
    #[error("its client's secret doesn't open: {0}")]
    Secret(#[from] aeolus_keys::envelope::EnvelopeError),
    /// What no provider is.
    #[error("{}", shown(.0))]
    Settings(Vec<SettingsError>),
}

/// The connection called `name`, if people can sign in through it: `None` for one that isn't there, has
/// left the configuration, is that of local accounts, or is broken, which the log says.
pub(crate) async fn by_name<U: Unit>(
    app: &App,
    unit: &mut U,
    name: &Slug,
) -> Result<Option<SignIn>, ApiError> {
    let found = unit.connections().by_name(name).await?;
    Ok(found.and_then(|row| sign_in(app, &row)))
}

/// The row of a connection, by id or name.
pub(crate) async fn find<U: Unit>(
    unit: &mut U,
    text: &str,
) -> Result<aeolus_store::Connection, ApiError> {
    let found = match text.parse::<ConnectionId>() {
        Ok(id) => unit.connections().get(id).await?,
        Err(_) => match text.parse::<Slug>() {
            Ok(name) => unit.connections().by_name(&name).await?,
            Err(_) => None,
        },
    };
    found.ok_or(ApiError::NotFound("connection"))
}

/// Those that the sign-in page offers, by what people read on them.
pub(crate) async fn offered<U: Unit>(app: &App, unit: &mut U) -> Result<Vec<Offered>, ApiError> {
    let rows = unit.connections().list().await?;
    let sign_ins = rows.iter().filter_map(|row| sign_in(app, row));
    let mut offered: Vec<Offered> = sign_ins
        .map(|sign_in| Offered {
            name: sign_in.connection.name().clone(),
            display_name: sign_in.connection.display_name().to_owned(),
            kind: sign_in.connection.kind(),
            domains: sign_in.connection.mail_domains().cloned().collect(),
        })
        .collect();
    offered.sort_by(|a, b| (&a.display_name, &a.name).cmp(&(&b.display_name, &b.name)));
    Ok(offered)
}

/// All that people can sign in through.
pub(crate) async fn all<U: Unit>(app: &App, unit: &mut U) -> Result<Vec<SignIn>, StoreError> {
    let rows = unit.connections().list().await?;
    Ok(rows.iter().filter_map(|row| sign_in(app, row)).collect())
}

/// What signing in through a row needs, as [`by_name`]. One that is broken is missing, and spoils nothing else.
pub(crate) fn sign_in(app: &App, row: &aeolus_store::Connection) -> Option<SignIn> {
    match usable(app, row) {
        Ok(found) => found,
        Err(error) => {
            tracing::warn!(
                connection = row.name.as_str(),
                %error,
                "nobody can sign in through a connection"
            );
            None
        }
    }
}

/// What signing in through a row needs; none where nobody is meant to.
pub(super) fn usable(
    app: &App,
    row: &aeolus_store::Connection,
) -> Result<Option<SignIn>, Unusable> {
    let Some(kind) = Kind::parse(&row.kind) else {
        return Ok(None);
    };
    let settings = Settings::of(row).ok_or(Unusable::Unreadable)?;
    // Without a client there are only terms for the provider's own tokens, or for planes' clients.
    if settings.absent || settings.sign_in.client_id.is_none() {
        return Ok(None);
    }
    let sealed = settings.client_secret.as_deref();
    let secret = sealed.map(|sealed| secret::open(&app.master, (row.id, secret::CLIENT), sealed));
    let connection = Connection::new(
        row.name.clone(),
        kind,
        &settings.sign_in,
        secret.transpose()?,
    );
    Ok(Some(SignIn {
        id: row.id,
        revision: row.revision,
        connection: connection.map_err(Unusable::Settings)?,
    }))
}

fn shown(errors: &[SettingsError]) -> String {
    let each = errors
        .iter()
        .map(|error| format!("{} {error}", error.key()));
    each.collect::<Vec<_>>().join("; ")
}
