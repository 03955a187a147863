//! `aeolus login`, `logout` and `whoami`.

use std::path::Path;
use std::process::Stdio;

use aeolus_api::SecretRef;
use aeolus_api::oauth::CLI_CLIENT_ID;
use aeolus_model::Secret;

use super::Context;
use crate::args::{Keep, LoginArgs, Target};
use crate::config::read_reference;
use crate::control_client::{connect, refused};
use crate::credentials::{Credentials, Place};
use crate::report::{Failure, Report};
use crate::sign_in::{Attempt, Loopback, ask_at_terminal, by_device, with_password};
use crate::ui::{self, Table};

const DEFAULT_URL: &str = "http://127.0.0.1:8800";

/// Signs in and stores it.
pub(super) async fn login(args: &LoginArgs, context: &Context) -> Result<(), Failure> {
    let place = args.target.place(&context.environment)?;
    let place = match args.keep {
        Keep::Auto => place,
        Keep::File => Place::file(place.path().to_owned()),
    };
    let url = args.target.named_url(&context.environment);
    let url = url.unwrap_or_else(|| DEFAULT_URL.to_owned());
    let credentials = match (&args.email, &args.password_file) {
        (Some(email), Some(file)) => {
            let reference = SecretRef::File(file.clone());
            let environment = &context.environment;
            let here = Path::new("");
            let password = read_reference(&reference, "--password-file", here, environment)?;
            by_password(&url, email, &password, context).await?
        }
        _ if args.device => by_device(&connect(&url)?, &context.clock).await?,
        _ => by_browser(&url, args.no_browser, context).await?,
    };
    credentials.store(&place).await?;
    ui::note(&format!(
        "Signed in at {}; kept in {}.",
        credentials.url,
        place.described()
    ));
    Ok(())
}

/// Signs in with an account's password, without storing anything.
pub(crate) async fn by_password(
    url: &str,
    email: &str,
    password: &Secret<String>,
    context: &Context,
) -> Result<Credentials, Failure> {
    let client = connect(url)?;
    // Never listened on: the redirect is read, not followed.
    let redirect = "http://127.0.0.1:1/callback".to_owned();
    let attempt = Attempt::begin(&client, redirect, &context.rng).await?;
    let callback = with_password(&attempt, email, password, ask_at_terminal).await?;
    attempt.finish(&client, callback, &context.clock).await
}

async fn by_browser(
    url: &str,
    no_browser: bool,
    context: &Context,
) -> Result<Credentials, Failure> {
    let client = connect(url)?;
    let loopback = Loopback::bind().await?;
    let attempt = Attempt::begin(&client, loopback.redirect_uri(), &context.rng).await?;
    let link = attempt.link()?;
    ui::note(&format!("Sign in with your browser:\n\n  {link}\n"));
    if !no_browser {
        open(link.as_str());
    }
    let callback = loopback.callback().await?;
    attempt.finish(&client, callback, &context.clock).await
}

/// Opens a link, if the machine knows how; the link is printed anyway.
fn open(link: &str) {
    let program = if cfg!(target_os = "macos") {
        "open"
    } else {
        "xdg-open"
    };
    let _ = std::process::Command::new(program)
        .arg(link)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
}

/// Ends the session and forgets it.
pub(super) async fn logout(target: &Target, context: &Context) -> Result<(), Failure> {
    let place = target.place(&context.environment)?;
    let Some(stored) = Credentials::take(&place).await? else {
        ui::note("Nobody is signed in.");
        return Ok(());
    };
    // The refresh token is good for longer.
    let token = stored.refresh_token.unwrap_or(stored.access_token);
    let ended = connect(&stored.url)?.revoke(&token, CLI_CLIENT_ID).await;
    ended.map_err(|error| {
        Report::new(
            "CLI-0011",
            format!("the sign-in is forgotten here, but: {error}"),
        )
        .why("The session lives on at the control plane until it expires.")
        .help(format!("end it at {}/account", stored.url))
        .failed()
    })?;
    ui::note("Signed out.");
    Ok(())
}

/// Shows who is signed in.
pub(super) async fn whoami(target: &Target, context: &Context) -> Result<(), Failure> {
    let client = target.client(&context.environment).await?;
    let me = client.me().await.map_err(refused)?;
    let mut table = Table::new(&["NAME", "E-MAIL", "CONTROL"]);
    let email = me.email.as_ref().map(ToString::to_string);
    table.row([
        me.name.clone(),
        email.unwrap_or_default(),
        client.base().to_owned(),
    ]);
    ui::answer(context.output, &me, &table)
}
