//! Tokens as tables, for people and for audits.

use std::collections::BTreeMap;

use aeolus_api::client::{Client, TokenQuery};
use aeolus_api::token::{Token, TokenKind};
use aeolus_model::{Clock as _, Time, UserId};

use super::place::{person, resolve};
use crate::args::{TokenList, TokenOne};
use crate::commands::Context;
use crate::control_client::{all, organization, refused};
use crate::moments::written;
use crate::report::Failure;
use crate::ui::{self, Table};

/// Lists tokens.
pub(in crate::commands) async fn list(args: &TokenList, context: &Context) -> Result<(), Failure> {
    let client = args.target.client(&context.environment).await?;
    let (organization, entity_id) = match &args.at {
        Some(path) => at(&client, path).await?,
        None => (
            organization(&client, args.organization.as_ref()).await?,
            None,
        ),
    };
    let created_by = match &args.created_by {
        Some(text) => Some(person(&client, &organization, text).await?),
        None => None,
    };
    let query = TokenQuery {
        expiring_within_days: args.expiring_within,
        older_than_days: args.older_than,
        unused_for_days: args.unused_for,
        created_by,
        scope: args.scope,
        entity_id,
        kind: args.kind,
    };
    let tokens = all(|cursor| {
        let (client, organization, query) = (client.clone(), organization.clone(), query.clone());
        async move {
            client
                .tokens(&organization, &query, cursor.as_deref())
                .await
        }
    })
    .await?;
    let now = context.clock.now().secs();
    if args.csv {
        return spreadsheet(&tokens, &addresses(&client, &organization).await, now);
    }
    let mut table = Table::new(&["NAME", "KIND", "ROLES", "USED", "EXPIRES", "ID"]);
    for token in &tokens {
        table.row([
            token.name.clone(),
            kind(token).to_owned(),
            roles(token),
            token
                .last_used_at
                .map_or("never".to_owned(), |at| ago(now - at)),
            expiry(token, now),
            token.id.to_string(),
        ]);
    }
    ui::answer(context.output, &tokens, &table)
}

/// The organization and the id of what a path names.
async fn at(client: &Client, path: &str) -> Result<(String, Option<String>), Failure> {
    let (organization, below) = resolve(client, path).await?;
    let id = if let Some(id) = below {
        id
    } else {
        let found = client.organization(&organization).await.map_err(refused)?;
        found.id.to_string()
    };
    Ok((organization, Some(id)))
}

/// The addresses of those who are in the organization. Whoever may list tokens may not see people for that.
async fn addresses(client: &Client, organization: &str) -> BTreeMap<UserId, String> {
    let people = all(|cursor| {
        let (client, organization) = (client.clone(), organization.to_owned());
        async move { client.users(&organization, cursor.as_deref()).await }
    });
    let people = people.await.unwrap_or_else(|_| {
        ui::note("warning: you may not see who is in the organization; created_by_email is empty");
        Vec::new()
    });
    let people = people
        .into_iter()
        .map(|user| (user.id, user.email.to_string()));
    people.collect()
}

/// Shows a token.
pub(in crate::commands) async fn get(args: &TokenOne, context: &Context) -> Result<(), Failure> {
    let client = args.target.client(&context.environment).await?;
    let organization = organization(&client, args.organization.as_ref()).await?;
    let token = client
        .token(&organization, args.id)
        .await
        .map_err(refused)?;
    one(&token, context)
}

pub(super) fn one(token: &Token, context: &Context) -> Result<(), Failure> {
    let now = context.clock.now().secs();
    let used = |at: Option<i64>| at.map_or("never".to_owned(), |at| ago(now - at));
    let mut table = Table::new(&["VALUE", "ISSUED", "USED", "ENDS"]);
    table.row([
        token.short_token.clone(),
        ago(now - token.start_at),
        used(token.last_used_at),
        expiry(token, now),
    ]);
    for value in &token.earlier_values {
        table.row([
            value.short_token.clone(),
            ago(now - value.start_at),
            used(value.last_used_at),
            ahead(value.end_at - now),
        ]);
    }
    ui::note(&format!(
        "{} ({}): {}",
        token.name,
        kind(token),
        roles(token)
    ));
    ui::answer(context.output, token, &table)
}

/// One line per token, for a spreadsheet.
fn spreadsheet(
    tokens: &[Token],
    addresses: &BTreeMap<UserId, String>,
    now: i64,
) -> Result<(), Failure> {
    let days = |seconds: i64| seconds.div_euclid(DAY).to_string();
    let header = [
        "id",
        "name",
        "kind",
        "scope",
        "entity",
        "roles",
        "created_by",
        "created_by_email",
        "age_days",
        "value_age_days",
        "unused_days",
        "days_left",
        "end_at",
        "last_rotated_at",
    ];
    let moment = |at: Option<i64>| at.map_or_else(String::new, |at| written(Time::from_secs(at)));
    let rows = tokens.iter().map(|token| {
        [
            token.id.to_string(),
            token.name.clone(),
            kind(token).to_owned(),
            token.scope.name().to_owned(),
            token.entity_id.clone(),
            roles(token),
            token.created_by.to_string(),
            addresses
                .get(&token.created_by)
                .cloned()
                .unwrap_or_default(),
            days(now - token.created_at),
            days(now - token.start_at),
            days(now - token.last_used_at.unwrap_or(token.created_at)),
            token.end_at.map(|at| days(at - now)).unwrap_or_default(),
            moment(token.end_at),
            moment(token.last_rotated_at),
        ]
    });
    ui::spreadsheet(&header, rows)
}

const fn kind(token: &Token) -> &'static str {
    match token.kind {
        TokenKind::Standard => "standard",
        TokenKind::DirectAccess => "direct",
    }
}

fn roles(token: &Token) -> String {
    let roles: Vec<_> = token
        .roles
        .iter()
        .map(|role| role.role.to_string())
        .collect();
    roles.join(" ")
}

fn expiry(token: &Token, now: i64) -> String {
    token
        .end_at
        .map_or("never".to_owned(), |at| ahead(at - now))
}

const DAY: i64 = 86_400;

fn ago(seconds: i64) -> String {
    format!("{} ago", span(seconds))
}

fn ahead(seconds: i64) -> String {
    if seconds > 0 {
        format!("in {}", span(seconds))
    } else {
        ago(-seconds)
    }
}

/// A length of time in its largest unit, rounded down.
pub(super) fn span(seconds: i64) -> String {
    let seconds = seconds.max(0);
    match seconds {
        DAY.. => format!("{} d", seconds / DAY),
        3600.. => format!("{} h", seconds / 3600),
        60.. => format!("{} min", seconds / 60),
        _ => format!("{seconds} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_their_largest_unit() {
        assert_eq!(ahead(90 * DAY + 5), "in 90 d");
        assert_eq!(ahead(-61), "1 min ago");
        assert_eq!(ago(-5), "0 s ago");
    }
}
