//! `aeolus user`.

mod people;

use aeolus_api::client::Wait;
use aeolus_api::offboard::{OffboardRequest, Offboarded};
use aeolus_model::{Resource, moment};

use super::Context;
use super::session::say_unconfirmed;
use crate::args::{UserAble, UserCommand, UserOffboard, UserReset};
use crate::control_client::{organization, refused};
use crate::report::Failure;
use crate::ui::{self, Table};

/// `aeolus user …`.
pub(super) async fn user(command: &UserCommand, context: &Context) -> Result<(), Failure> {
    match command {
        UserCommand::List(args) => people::list(args, context).await,
        UserCommand::Add(args) => people::add(args, context).await,
        UserCommand::Remove(args) => people::remove(args, context).await,
        UserCommand::Offboard(args) => offboard(args, context).await,
        UserCommand::Disable(args) => set_disabled(args, true, context).await,
        UserCommand::Enable(args) => set_disabled(args, false, context).await,
        UserCommand::ResetSecondFactor(args) => reset_second_factor(args, context).await,
        UserCommand::ResetPassword(args) => reset_password(args, context).await,
    }
}

/// Ends a person's access to an organization.
async fn offboard(args: &UserOffboard, context: &Context) -> Result<(), Failure> {
    let client = args.target.client(&context.environment).await?;
    let organization = organization(&client, args.organization.as_ref()).await?;
    let request = OffboardRequest {
        give_tokens_to: args.give_tokens_to.clone(),
        dry_run: args.dry_run,
    };
    let wait = if args.no_wait || args.dry_run {
        Wait::No
    } else {
        Wait::Planes
    };
    let done = client
        .offboard(&organization, args.user.as_str(), &request, wait)
        .await
        .map_err(refused)?;
    ui::answer(context.output, &done, &table(&done))?;
    say(&done);
    Ok(())
}

/// Keeps somebody from signing in, or lets them.
async fn set_disabled(args: &UserAble, disabled: bool, context: &Context) -> Result<(), Failure> {
    let client = args.target.client(&context.environment).await?;
    let wait = if args.no_wait { Wait::No } else { Wait::Planes };
    let done = client
        .set_disabled(args.user.as_str(), disabled, wait)
        .await
        .map_err(refused)?;
    let mut table = Table::new(&["E-MAIL", "MAY SIGN IN", "SESSIONS ENDED"]);
    let may = match (done.disabled, done.changed) {
        (true, _) => "no",
        (false, true) => "yes",
        (false, false) => "yes, as before",
    };
    table.row([
        done.email.to_string(),
        may.to_owned(),
        done.sessions_ended.to_string(),
    ]);
    ui::answer(context.output, &done, &table)?;
    if !done.tokens.is_empty() {
        ui::note(&format!(
            "warning: {} API tokens that they made go on; `aeolus user offboard` gives them on or deletes them",
            done.tokens.len()
        ));
    }
    say_unconfirmed(done.planes.as_ref());
    Ok(())
}

/// Removes somebody's second factor.
async fn reset_second_factor(args: &UserReset, context: &Context) -> Result<(), Failure> {
    let client = args.target.client(&context.environment).await?;
    let done = client.reset_second_factor(args.user.as_str()).await;
    let done = done.map_err(refused)?;
    let mut table = Table::new(&["E-MAIL", "SECOND FACTOR", "SESSIONS ENDED"]);
    let what = if done.reset {
        "removed"
    } else {
        "there was none"
    };
    table.row([
        done.email.to_string(),
        what.to_owned(),
        done.sessions_ended.to_string(),
    ]);
    ui::answer(context.output, &done, &table)?;
    if done.reset {
        ui::note("Their password alone signs them in until they set one up again.");
    }
    Ok(())
}

/// Makes a link to a new password.
async fn reset_password(args: &UserReset, context: &Context) -> Result<(), Failure> {
    let client = args.target.client(&context.environment).await?;
    let made = client.reset_password(args.user.as_str()).await;
    let made = made.map_err(refused)?;
    let mut table = Table::new(&["E-MAIL", "SENT", "LINK"]);
    let link = made.link.clone().unwrap_or_default();
    let sent = if made.emailed { "yes" } else { "no" };
    table.row([made.email.to_string(), sent.to_owned(), link]);
    ui::answer(context.output, &made, &table)?;
    if !made.emailed {
        ui::note("Give the link to them on a way that nobody else reads. It is shown this once.");
    }
    ui::note(&format!(
        "It is good once, until {}; their sessions end when they use it.",
        moment(made.expires_at)
    ));
    Ok(())
}

/// One line for each thing that ends.
fn table(done: &Offboarded) -> Table {
    let mut table = Table::new(&["WHAT", "WHICH", "THEN"]);
    for session in &done.sessions {
        let id = session.to_string();
        table.row(["session", &id, "refused in the organization"]);
    }
    for held in &done.grants {
        let place = match held.grant.resource {
            Resource::System => "the system".to_owned(),
            Resource::Organization(_) => "the organization".to_owned(),
            Resource::Workspace(id) => format!("workspace {id}"),
            Resource::Deployment(id) => format!("deployment {id}"),
        };
        let which = format!("{} on {place}", held.grant.role);
        table.row(["grant", &which, gone(held.in_document)]);
    }
    for team in &done.teams {
        table.row(["team", team.name.as_str(), gone(team.in_document)]);
    }
    for token in &done.tokens {
        let which = format!("{} ({})", token.name, token.id);
        let then = token.given_to.as_ref();
        let then = then.map_or_else(|| "deleted".to_owned(), |to| format!("given to {to}"));
        table.row(["token", &which, &then]);
    }
    table
}

const fn gone(in_document: bool) -> &'static str {
    if in_document {
        "taken away; the next apply gives it again"
    } else {
        "taken away"
    }
}

fn say(done: &Offboarded) {
    if !done.done {
        ui::note("Nothing was changed: this is what would be done.");
    }
    let documented = done.grants.iter().any(|grant| grant.in_document)
        || done.teams.iter().any(|team| team.in_document);
    if documented {
        ui::note(&format!(
            "warning: a fleet document names {}; take them out there, or the next apply lets them in again",
            done.email
        ));
    }
    say_unconfirmed(done.planes.as_ref());
}
