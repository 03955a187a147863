//! `aeolus invitation`.

use aeolus_api::invitation::{Invitation, InvitationCreate as Wanted, InvitationStatus};
use aeolus_model::{Clock as _, Time};

use super::Context;
use crate::args::{InvitationCommand, InvitationCreate, InvitationList, InvitationRevoke};
use crate::control_client::{all, organization, refused};
use crate::moments::ahead;
use crate::report::Failure;
use crate::ui::{self, Table};

/// `aeolus invitation …`.
pub(super) async fn invitation(
    command: &InvitationCommand,
    context: &Context,
) -> Result<(), Failure> {
    match command {
        InvitationCommand::Create(args) => create(args, context).await,
        InvitationCommand::List(args) => list(args, context).await,
        InvitationCommand::Revoke(args) => revoke(args, context).await,
    }
}

async fn create(args: &InvitationCreate, context: &Context) -> Result<(), Failure> {
    let client = args.target.client(&context.environment).await?;
    let organization = organization(&client, args.organization.as_ref()).await?;
    let wanted = Wanted {
        email: args.email.clone(),
        role: args.role.clone(),
        roles: Vec::new(),
        any_address: args.any_address,
        expires_in_days: args.expires_in_days,
        note: args.note.clone(),
    };
    let made = client.invite(&organization, &wanted).await;
    let made = made.map_err(refused)?;
    let mut table = Table::new(&["ID", "FOR", "ENDS", "LINK"]);
    let ends = ahead(Time::from_secs(made.record.expires_at), context.clock.now());
    table.row([
        made.record.id.to_string(),
        made.record.email.to_string(),
        ends,
        made.link.clone().unwrap_or_else(|| "-".to_owned()),
    ]);
    ui::answer(context.output, &made, &table)?;
    if made.emailed {
        ui::note(
            "A link of their own is on its way to them by e-mail: by that one they can choose a password, too.",
        );
    } else {
        ui::note("Give them the link: it is shown this once, and good once.");
    }
    if args.any_address {
        ui::note("Whoever has the link can accept it.");
    }
    Ok(())
}

async fn list(args: &InvitationList, context: &Context) -> Result<(), Failure> {
    let client = args.target.client(&context.environment).await?;
    let organization = organization(&client, args.organization.as_ref()).await?;
    let invitations = all(|cursor| {
        let (client, organization) = (client.clone(), organization.clone());
        async move { client.invitations(&organization, cursor.as_deref()).await }
    })
    .await?;
    let now = context.clock.now();
    let mut table = Table::new(&["ID", "FOR", "ROLES", "STATUS", "ENDS", "NOTE"]);
    for invitation in &invitations {
        table.row(row(invitation, now));
    }
    ui::answer(context.output, &invitations, &table)
}

fn row(invitation: &Invitation, now: Time) -> [String; 6] {
    let status = match invitation.status {
        InvitationStatus::Open => "open",
        InvitationStatus::Accepted => "accepted",
        InvitationStatus::Expired => "expired",
    };
    let roles = invitation.roles.iter().map(|held| held.role.to_string());
    let whom = if invitation.any_address {
        format!("{} (or whoever has the link)", invitation.email)
    } else {
        invitation.email.to_string()
    };
    [
        invitation.id.to_string(),
        whom,
        roles.collect::<Vec<_>>().join(" "),
        status.to_owned(),
        ahead(Time::from_secs(invitation.expires_at), now),
        invitation.note.clone(),
    ]
}

async fn revoke(args: &InvitationRevoke, context: &Context) -> Result<(), Failure> {
    let client = args.target.client(&context.environment).await?;
    let organization = organization(&client, args.organization.as_ref()).await?;
    let done = client.revoke_invitation(&organization, args.id).await;
    let done = done.map_err(refused)?;
    let mut table = Table::new(&["REVOKED"]);
    table.row([args.id.to_string()]);
    ui::answer(context.output, &done, &table)
}
