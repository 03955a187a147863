//! `aeolus org`.

use std::num::NonZeroU32;

use aeolus_api::quota::{QuotaShown, Share};
use aeolus_api::tenancy::{NamedCreate, Organization};

use super::Context;
use crate::args::{OrgCommand, OrgOne, OrgQuota, QuotaSet, QuotaShow, Target};
use crate::control_client::{all, organization, refused};
use crate::report::Failure;
use crate::ui::{self, Table};

/// Does what was asked about organizations.
pub(super) async fn org(command: &OrgCommand, context: &Context) -> Result<(), Failure> {
    match command {
        OrgCommand::List(target) => list(target, context).await,
        OrgCommand::Create(args) => create(args, context).await,
        OrgCommand::Delete(args) => delete(args, context).await,
        OrgCommand::Quota(OrgQuota::Show(args)) => quota_show(args, context).await,
        OrgCommand::Quota(OrgQuota::Set(args)) => quota_set(args, context).await,
    }
}

/// Lists organizations.
async fn list(target: &Target, context: &Context) -> Result<(), Failure> {
    let client = target.client(&context.environment).await?;
    let organizations = all(|cursor| {
        let client = client.clone();
        async move { client.organizations(cursor.as_deref()).await }
    })
    .await?;
    ui::answer(context.output, &organizations, &names(&organizations))
}

/// Makes an organization.
async fn create(args: &OrgOne, context: &Context) -> Result<(), Failure> {
    let client = args.target.client(&context.environment).await?;
    let wanted = NamedCreate {
        name: args.name.clone(),
    };
    let made = client.create_organization(&wanted).await;
    let made = made.map_err(refused)?;
    let shown = names(std::slice::from_ref(&made.item));
    ui::answer(context.output, &made, &shown)
}

/// Deletes an organization.
async fn delete(args: &OrgOne, context: &Context) -> Result<(), Failure> {
    let client = args.target.client(&context.environment).await?;
    let deleted = client.delete_organization(args.name.as_str()).await;
    let deleted = deleted.map_err(refused)?;
    ui::answer(
        context.output,
        &deleted,
        &gone("ORGANIZATION", args.name.as_str()),
    )
}

fn names(organizations: &[Organization]) -> Table {
    let mut table = Table::new(&["NAME", "ID"]);
    for organization in organizations {
        table.row([organization.name.to_string(), organization.id.to_string()]);
    }
    table
}

/// What is no more.
pub(super) fn gone(kind: &'static str, which: &str) -> Table {
    let mut table = Table::new(&[kind, "THEN"]);
    table.row([which, "deleted"]);
    table
}

/// Shows what an organization may use.
async fn quota_show(args: &QuotaShow, context: &Context) -> Result<(), Failure> {
    let client = args.target.client(&context.environment).await?;
    let organization = organization(&client, args.organization.as_ref()).await?;
    let shown = client.quota(&organization).await.map_err(refused)?;
    ui::answer(context.output, &shown, &table(&shown))
}

/// Allows an organization more or less.
async fn quota_set(args: &QuotaSet, context: &Context) -> Result<(), Failure> {
    let client = args.target.client(&context.environment).await?;
    let organization = organization(&client, args.organization.as_ref()).await?;
    let mut quota = client.quota(&organization).await.map_err(refused)?.quota;
    let wanted = [
        (&mut quota.api_calls_per_minute, args.api_calls_per_minute),
        (&mut quota.sign_ins_per_minute, args.sign_ins_per_minute),
        (&mut quota.tokens, args.tokens),
    ];
    for (bound, wanted) in wanted {
        if let Some(wanted) = wanted {
            *bound = wanted.0;
        }
    }
    if let Some(wanted) = args.caller_percent {
        quota.caller_percent = wanted.0;
    }
    let shown = client.set_quota(&organization, &quota).await;
    let shown = shown.map_err(refused)?;
    ui::answer(context.output, &shown, &table(&shown))
}

fn table(shown: &QuotaShown) -> Table {
    let mut table = Table::new(&["WHAT", "AT MOST", "WHOSE WORD"]);
    let (own, effective) = (shown.quota, shown.effective);
    let number = |most: Option<NonZeroU32>| most.map(|most| most.to_string());
    let percent = |share: Option<Share>| share.map(|share| format!("{} %", u8::from(share)));
    for (what, own, effective) in [
        (
            "API calls a minute",
            number(own.api_calls_per_minute),
            number(effective.api_calls_per_minute),
        ),
        (
            "sign-ins a minute",
            number(own.sign_ins_per_minute),
            number(effective.sign_ins_per_minute),
        ),
        (
            "of these for one caller",
            percent(own.caller_percent),
            percent(effective.caller_percent),
        ),
        ("API tokens", number(own.tokens), number(effective.tokens)),
    ] {
        let most = effective.unwrap_or_else(|| "any number".to_owned());
        let whose = if own.is_some() {
            "its own"
        } else {
            "the usual"
        };
        table.row([what.to_owned(), most, whose.to_owned()]);
    }
    table
}
