//! Who is in an organization.

use aeolus_api::client::Wait;
use aeolus_api::tenancy::{User, UserCreate};

use crate::args::{UserAdd, UserList, UserRemove};
use crate::commands::Context;
use crate::commands::session::say_unconfirmed;
use crate::control_client::{all, organization, refused};
use crate::report::Failure;
use crate::ui::{self, Table};

/// Lists people.
pub(super) async fn list(args: &UserList, context: &Context) -> Result<(), Failure> {
    let client = args.target.client(&context.environment).await?;
    let organization = organization(&client, args.organization.as_ref()).await?;
    let people = all(|cursor| {
        let (client, organization) = (client.clone(), organization.clone());
        async move { client.users(&organization, cursor.as_deref()).await }
    })
    .await?;
    ui::answer(context.output, &people, &table(&people))
}

/// Adds somebody.
pub(super) async fn add(args: &UserAdd, context: &Context) -> Result<(), Failure> {
    let client = args.target.client(&context.environment).await?;
    let organization = organization(&client, args.organization.as_ref()).await?;
    let wanted = UserCreate {
        email: args.user.clone(),
        name: args.name.clone(),
        role: args.role.clone(),
    };
    let added = client.add_user(&organization, &wanted).await;
    let added = added.map_err(refused)?;
    ui::answer(
        context.output,
        &added,
        &table(std::slice::from_ref(&added.item)),
    )
}

/// Takes somebody out.
pub(super) async fn remove(args: &UserRemove, context: &Context) -> Result<(), Failure> {
    let client = args.target.client(&context.environment).await?;
    let organization = organization(&client, args.organization.as_ref()).await?;
    let wait = if args.no_wait { Wait::No } else { Wait::Planes };
    let removed = client
        .remove_user(&organization, args.user.as_str(), wait)
        .await;
    let removed = removed.map_err(refused)?;
    let mut table = Table::new(&["E-MAIL", "THEN"]);
    let then = format!("not in {organization} any more");
    table.row([args.user.as_str(), &then]);
    ui::answer(context.output, &removed, &table)?;
    say_unconfirmed(removed.planes.as_ref());
    Ok(())
}

fn table(people: &[User]) -> Table {
    let mut table = Table::new(&["E-MAIL", "NAME", "ROLE", "ID"]);
    for user in people {
        // Somebody may have a role in a workspace or deployment alone.
        let role = user.role.as_ref();
        table.row([
            user.email.to_string(),
            user.name.clone(),
            role.map_or_else(|| "-".to_owned(), ToString::to_string),
            user.id.to_string(),
        ]);
    }
    table
}
