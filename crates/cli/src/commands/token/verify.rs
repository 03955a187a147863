//! `aeolus token verify`: any JWT against any key set, offline.

use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

use aeolus_keys::claims::check_times;
use aeolus_keys::{ForeignKey, JwkSet, Kind, PublicKey, jws};
use aeolus_model::Clock as _;
use serde::Deserialize;
use serde_json::Value;

use super::listed;
use crate::args::TokenVerify;
use crate::commands::Context;
use crate::files;
use crate::report::{Failure, Report};
use crate::ui::{self, Output, Table};

const LEEWAY: Duration = Duration::from_secs(60);

#[derive(Deserialize)]
struct Times {
    #[serde(default)]
    iat: i64,
    #[serde(default)]
    nbf: Option<i64>,
    exp: i64,
}

/// Reads a token from standard input and says whether it is good.
pub(in crate::commands) fn verify(args: &TokenVerify, context: &Context) -> Result<(), Failure> {
    let shown = args.jwks.display();
    let set = files::read(&args.jwks)?.ok_or_else(|| {
        Report::new("CFG-0001", format!("{shown} does not exist"))
            .help("give the file with the issuer's key set")
            .usage()
    })?;
    let read = JwkSet::parse(&set).and_then(|set| Ok((set.foreign_keys()?, set)));
    let (keys, set) = read.map_err(|error| {
        Report::new("TOK-0001", format!("{shown} is no key set: {error}")).usage()
    })?;
    let list = args.status_list.as_deref().map(list).transpose()?;
    let mut input = Vec::new();
    let most = (jws::MAX_TOKEN as u64).saturating_add(2);
    let read = std::io::stdin().lock().take(most).read_to_end(&mut input);
    read.map_err(|error| Report::new("TOK-0002", format!("no token: {error}")).usage())?;
    let claims = check(input.trim_ascii(), &keys, args.signature_only, context);
    let claims = claims.and_then(|(claims, signer)| {
        if let Some(list) = &list {
            listed::check(&claims, &signer, (list, &set), context.clock.now())?;
        }
        Ok(claims)
    });
    let claims = claims.map_err(|what| {
        Report::new("TOK-0003", format!("the token is refused: {what}")).failed()
    })?;
    if context.output == Output::Table {
        ui::line("good");
        return Ok(());
    }
    ui::answer(context.output, &claims, &Table::default())
}

/// A status list, as it was fetched.
fn list(file: &Path) -> Result<Vec<u8>, Failure> {
    let list = files::read(file)?.ok_or_else(|| {
        Report::new("CFG-0001", format!("{} does not exist", file.display()))
            .help("give the file with the status list that the token names")
            .usage()
    })?;
    Ok(list.trim_ascii().to_vec())
}

fn check(
    token: &[u8],
    keys: &[ForeignKey],
    signature_only: bool,
    context: &Context,
) -> Result<(Value, PublicKey), String> {
    let direct = || jws::parse_foreign_kind(token, Kind::Direct);
    let read = jws::parse_foreign_access(token).or_else(|_| direct());
    let token = read.map_err(|error| error.to_string())?;
    let key = token.select(keys).map_err(|error| error.to_string())?;
    let verified = token.verify(key).map_err(|error| error.to_string())?;
    let claims = verified
        .claims::<Value>()
        .map_err(|error| error.to_string())?;
    if !signature_only {
        let times: Times = serde_json::from_value(claims.clone())
            .map_err(|error| format!("its times can't be read: {error}"))?;
        let now = context.clock.now();
        check_times(times.iat, times.nbf, times.exp, now, LEEWAY)
            .map_err(|error| error.to_string())?;
    }
    Ok((claims, key.clone()))
}
