//! `aeolus login`, `logout` and `whoami`.

use std::io::Read as _;
use std::path::Path;
use std::process::Stdio;

use aeolus_api::SecretRef;
use aeolus_api::oauth::CLI_CLIENT_ID;
use aeolus_model::Secret;

use super::Context;
use crate::args::{Keep, LoginArgs, Target};
use crate::config::{Tls, believed, read_reference};
use crate::contexts::Contexts;
use crate::control_client::{connect, refused};
use crate::credentials::{Credentials, Place};
use crate::report::{Failure, Report};
use crate::sign_in::{
    Attempt, Loopback, NOWHERE, ask_at_terminal, by_device, by_paste, with_password,
};
use crate::ui::{self, Table};

const DEFAULT_URL: &str = "http://127.0.0.1:8800";
/// No token is longer.
const MAX_TOKEN: u64 = 64 * 1024;

/// Signs in and stores it.
pub(super) async fn login(args: &LoginArgs, context: &Context) -> Result<(), Failure> {
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
        _ if args.device => {
            by_device(&connect(&url, &context.environment)?, &context.clock).await?
        }
        _ if args.paste => by_pasting(&url, context).await?,
        _ if args.token_stdin => by_token(&url, context).await?,
        _ => by_browser(&url, args.no_browser, context).await?,
    };
    let named = args.target.named_place(&context.environment);
    let (place, contexts) = if let Some(place) = named {
        (place, None)
    } else {
        let contexts = Contexts::of(&context.environment)?;
        (contexts.for_new(&credentials.url)?, Some(contexts))
    };
    let place = match args.keep {
        Keep::Auto => place,
        Keep::File => Place::file(place.path().to_owned()),
    };
    credentials.store(&place).await?;
    if let Some(contexts) = contexts {
        contexts.make_current(&place)?;
    }
    ui::note(&format!(
        "Signed in at {}; kept in {}.",
        credentials.url,
        place.described()
    ));
    Ok(())
}

/// By a token that was made elsewhere, once control has said that it is good.
async fn by_token(url: &str, context: &Context) -> Result<Credentials, Failure> {
    let mut text = String::new();
    let read = std::io::stdin()
        .lock()
        .take(MAX_TOKEN)
        .read_to_string(&mut text);
    let text = text.trim();
    if read.is_err() || text.is_empty() || text.contains(char::is_whitespace) {
        return Err(
            Report::new("CLI-0035", "there is no token in the standard input")
                .why("It is one line: an API token, or what control's page /token shows.")
                .help("pipe it in: `aeolus login --url URL --token-stdin < FILE`")
                .usage(),
        );
    }
    let token = Secret::new(text.to_owned());
    let client = connect(url, &context.environment)?.with_bearer(token.clone());
    client.me().await.map_err(refused)?;
    Ok(Credentials::given(client.base(), &token))
}

/// By a browser on another machine.
async fn by_pasting(url: &str, context: &Context) -> Result<Credentials, Failure> {
    let client = connect(url, &context.environment)?;
    let attempt = Attempt::begin(&client, NOWHERE.to_owned(), &context.rng).await?;
    let callback = by_paste(&attempt, &attempt.ways())?;
    attempt.finish(&client, callback, &context.clock).await
}

/// Signs in with an account's password, without storing anything.
pub(crate) async fn by_password(
    url: &str,
    email: &str,
    password: &Secret<String>,
    context: &Context,
) -> Result<Credentials, Failure> {
    let client = connect(url, &context.environment)?;
    let believed = believed(Tls::of_environment(&context.environment))?;
    // The redirect is read, not followed.
    let redirect = NOWHERE.to_owned();
    let attempt = Attempt::begin(&client, redirect, &context.rng).await?;
    let callback = with_password(
        &attempt,
        email,
        password,
        (ask_at_terminal, believed.trust()),
    )
    .await?;
    attempt.finish(&client, callback, &context.clock).await
}

async fn by_browser(
    url: &str,
    no_browser: bool,
    context: &Context,
) -> Result<Credentials, Failure> {
    let client = connect(url, &context.environment)?;
    let loopback = Loopback::bind().await?;
    let attempt = Attempt::begin(&client, loopback.redirect_uri(), &context.rng).await?;
    let link = attempt.link()?;
    let ways = attempt.ways();
    ui::note(&format!("Sign in with your browser{ways}:\n\n  {link}\n"));
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
    let named = target.named_url(&context.environment);
    let elsewhere = |at: &str| {
        named
            .as_ref()
            .is_some_and(|url| url.trim_end_matches('/') != at)
    };
    let is_meant = place.about()?.is_some_and(|(url, _)| !elsewhere(&url));
    let taken = if is_meant {
        Credentials::take(&place).await?
    } else {
        None
    };
    let Some(stored) = taken else {
        ui::note("Nobody is signed in.");
        return Ok(());
    };
    if stored.given {
        ui::note("Forgotten here. The token itself is as good as before.");
        return Ok(());
    }
    // The refresh token is good for longer.
    let token = stored.refresh_token.unwrap_or(stored.access_token);
    let ended = connect(&stored.url, &context.environment)?
        .revoke(&token, CLI_CLIENT_ID)
        .await;
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
