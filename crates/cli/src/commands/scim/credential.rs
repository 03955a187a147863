//! `aeolus scim credential`.

use aeolus_api::client::Client;
use aeolus_api::fleet::ConnectionKind;
use aeolus_api::scim::{
    ScimCredential, ScimCredentialCreate as Wanted, ScimCredentialCreated, ScimCredentialKind,
    ScimCredentialRotate as Rotate,
};
use aeolus_model::{Clock as _, Time};
use serde::Serialize;

use crate::args::{
    ScimCredentialCreate, ScimCredentialList, ScimCredentialOne, ScimCredentialRotate, ScimKind,
};
use crate::commands::Context;
use crate::commands::connection::connections;
use crate::control_client::{refused, shown};
use crate::moments::{ahead, written};
use crate::report::Failure;
use crate::ui::{self, Table};

/// What a provider has to be given.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ToPaste {
    connection: String,
    id: String,
    name: String,
    kind: &'static str,
    base_url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    secret: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<i64>,
}

/// Makes one and shows it.
pub(super) async fn create(args: &ScimCredentialCreate, context: &Context) -> Result<(), Failure> {
    let client = args.target.client(&context.environment).await?;
    let wanted = Wanted {
        name: args.name.clone(),
        kind: args.kind.map(|kind| match kind {
            ScimKind::Bearer => ScimCredentialKind::Bearer,
            ScimKind::Basic => ScimCredentialKind::Basic,
            ScimKind::Client => ScimCredentialKind::Client,
        }),
        expires_in_days: args.days,
    };
    let made = client.create_scim_credential(&args.connection, &wanted);
    let made = made.await.map_err(refused)?;
    show(&client, (&args.connection, made, "made"), context).await
}

/// Gives one a new secret and shows it.
pub(super) async fn rotate(args: &ScimCredentialRotate, context: &Context) -> Result<(), Failure> {
    let one = &args.credential;
    let client = one.target.client(&context.environment).await?;
    let wanted = Rotate {
        grace: args.grace,
        expires_in_days: args.days,
    };
    let names = (one.connection.as_str(), one.credential.as_str());
    let rotated = client.rotate_scim_credential(names, &wanted).await;
    let rotated = rotated.map_err(refused)?;
    let earlier = rotated.record.earlier_end_at.clone();
    show(&client, (&one.connection, rotated, "rotated"), context).await?;
    let now = context.clock.now();
    for end in earlier {
        let end = ahead(Time::from_secs(end), now);
        ui::note(&format!("A secret from before stays good: it ends {end}."));
    }
    Ok(())
}

async fn show(
    client: &Client,
    (connection, made, deed): (&str, ScimCredentialCreated, &str),
    context: &Context,
) -> Result<(), Failure> {
    let (id, name) = (made.record.id.to_string(), made.record.name.clone());
    let lost = (
        &*format!("credential {name} is {deed}"),
        format!(
            "give it another secret: aeolus scim credential rotate {name} --connection {connection}"
        ),
    );
    let secret = shown(made.secret, made.withheld.as_ref(), lost)?;
    let paste = ToPaste {
        connection: connection.to_owned(),
        id,
        name,
        kind: made.record.kind.name(),
        base_url: base_url(client, connection, made.base_url).await,
        token_url: made.token_url,
        user: made.user,
        secret,
        expires_at: made.record.expires_at,
    };
    let mut table = Table::new(&["WHAT", "VALUE"]);
    for (what, value) in paste.rows(made.record.kind) {
        table.row([what, value]);
    }
    ui::answer(context.output, &paste, &table)?;
    ui::note("The secret is shown this once.");
    Ok(())
}

impl ToPaste {
    /// By the names that the providers' own pages have.
    fn rows(&self, kind: ScimCredentialKind) -> Vec<(&'static str, &str)> {
        let (user, secret) = match kind {
            ScimCredentialKind::Bearer => ("", "secret token"),
            ScimCredentialKind::Basic => ("username", "password"),
            ScimCredentialKind::Client => ("client id", "client secret"),
        };
        let mut rows = vec![("tenant URL", self.base_url.as_str())];
        rows.extend(self.token_url.as_deref().map(|url| ("token endpoint", url)));
        rows.extend(self.user.as_deref().map(|value| (user, value)));
        rows.push((secret, self.secret.as_str()));
        rows
    }
}

/// With the flag by which Entra follows the standard more closely.
async fn base_url(client: &Client, connection: &str, url: String) -> String {
    // The URL is good without, too.
    let found = connections(client).await.unwrap_or_default();
    let mut found = found
        .iter()
        .filter(|each| each.name.as_str() == connection || each.id.to_string() == connection);
    if found.any(|each| each.kind == ConnectionKind::Microsoft) {
        format!("{url}?aadOptscim062020")
    } else {
        url
    }
}

/// Lists those of a connection.
pub(super) async fn list(args: &ScimCredentialList, context: &Context) -> Result<(), Failure> {
    let client = args.target.client(&context.environment).await?;
    let found = client.scim_credentials(&args.connection).await;
    let found = found.map_err(refused)?.items;
    let now = context.clock.now();
    let header = [
        "NAME",
        "KIND",
        "MADE",
        "ENDS",
        "LAST USED",
        "EARLIER SECRETS",
        "ID",
    ];
    let mut table = Table::new(&header);
    for each in &found {
        table.row(row(each, now));
    }
    ui::answer(context.output, &found, &table)
}

fn row(each: &ScimCredential, now: Time) -> [String; 7] {
    let moment = |secs: Option<i64>, none: &str| match secs {
        Some(secs) => ahead(Time::from_secs(secs), now),
        None => none.to_owned(),
    };
    let earlier: Vec<String> = each
        .earlier_end_at
        .iter()
        .map(|end| format!("until {}", written(Time::from_secs(*end))))
        .collect();
    [
        each.name.clone(),
        each.kind.name().to_owned(),
        moment(Some(each.rotated_at.unwrap_or(each.created_at)), ""),
        moment(each.expires_at, "never"),
        moment(each.last_used_at, "not yet"),
        if earlier.is_empty() {
            "-".to_owned()
        } else {
            earlier.join(", ")
        },
        each.id.to_string(),
    ]
}

/// Ends one.
pub(super) async fn delete(args: &ScimCredentialOne, context: &Context) -> Result<(), Failure> {
    let client = args.target.client(&context.environment).await?;
    let deleted = client.delete_scim_credential(&args.connection, &args.credential);
    let deleted = deleted.await.map_err(refused)?;
    let mut table = Table::new(&["CREDENTIAL", "ENDED"]);
    table.row([args.credential.as_str(), "now"]);
    ui::answer(context.output, &deleted, &table)
}
