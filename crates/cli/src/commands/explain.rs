//! `aeolus explain`: why a gate decides about a request as it does, from its folder alone.

mod access;
mod assumed;
mod logged;
mod shown;

use std::io::Read as _;
use std::sync::Arc;

use aeolus_decide::{Freshness, Headers, Judge, Request, World, explain as explained};
use aeolus_gate::replica::fs::SystemFs;
use aeolus_gate::replica::{Data, Loaded, Parts, Replica, SystemBootClock};
use aeolus_model::{Clock as _, Secret, SystemClock};

pub(super) use self::access::access;
use self::assumed::{Assumed, Credential};
use self::logged::Logged;
use self::shown::Shown;
use super::Context;
use super::gate::{no_snapshot, rails, unusable};
use crate::args::ExplainArgs;
use crate::config::Sources;
use crate::files;
use crate::report::{Failure, Report};

/// Longest token that is read.
const TOKEN: u64 = 16 * 1024;

/// What is asked about.
struct Asked {
    method: String,
    url: String,
    source: Option<std::net::IpAddr>,
    headers: Vec<(String, String)>,
    credential: Credential,
}

/// Explains. Whatever the verdict, having said it is success.
pub(super) fn explain(args: &ExplainArgs, context: &Context) -> Result<(), Failure> {
    let sources = Sources {
        file: args.config.as_deref(),
        environment: &context.environment,
        flags: Vec::new(),
    };
    let rails = rails(&sources.load()?.config.gate.rails)?;
    let folder = args.data.clone().unwrap_or_default();
    let data = Data::open(&folder, Arc::new(SystemFs)).map_err(|error| unusable(&error))?;
    let parts = Parts {
        wall: Arc::new(SystemClock),
        boot: Arc::new(SystemBootClock),
        revise: None,
        build: Box::new(move |snapshot| World::bounded(snapshot, &rails)),
    };
    let replica: Replica<World> = Replica::open(&data, parts);
    let loaded = replica.current().ok_or_else(no_snapshot)?;
    let logged = match (&args.request_id, &args.log) {
        (Some(id), Some(log)) => Some(Logged::find(log, id)?),
        _ => None,
    };
    let asked = match &logged {
        Some(logged) => logged.asked(args, &loaded.world)?,
        None => asked(args, &loaded.world)?,
    };
    let mut shown = judged(&asked, &loaded, &replica, logged.as_ref());
    shown.say_what_is_left_out(&loaded.world, args.config.is_some());
    shown.print(context.output)
}

/// The request in the flags.
fn asked(args: &ExplainArgs, world: &World) -> Result<Asked, Failure> {
    let lines = args.header.iter().map(|line| header(line));
    Ok(Asked {
        method: args.method.to_ascii_uppercase(),
        url: args.url.clone().unwrap_or_default(),
        source: args.source,
        headers: lines.collect::<Result<_, _>>()?,
        credential: credential(args, world)?.unwrap_or(Credential::None),
    })
}

fn header(line: &str) -> Result<(String, String), Failure> {
    let (name, value) = line.split_once(':').ok_or_else(|| {
        Report::new("CLI-0012", format!("{line:?} is no header line"))
            .help("write it as Name: value")
            .usage()
    })?;
    let name = name.trim().to_ascii_lowercase();
    if name == "authorization" || name == "cookie" {
        return Err(
            Report::new("CLI-0012", format!("{name} must not be an argument"))
                .why("Other users of this machine can read arguments.")
                .help("use --token-file or --bearer-stdin")
                .usage(),
        );
    }
    Ok((name, value.trim().to_owned()))
}

/// The credential in the flags; none if there is no such flag.
fn credential(args: &ExplainArgs, world: &World) -> Result<Option<Credential>, Failure> {
    if let Some(user) = &args.user {
        return Credential::of_user(user, world).map(Some);
    }
    let text = if let Some(path) = &args.token_file {
        let text = files::read(path)?;
        text.ok_or_else(|| {
            let what = format!("there is no file {}", path.display());
            Report::new("CLI-0012", what).usage()
        })?
    } else if args.bearer_stdin {
        let mut text = Vec::new();
        let read = std::io::stdin().lock().take(TOKEN).read_to_end(&mut text);
        read.map_err(|error| Report::new("CLI-0012", format!("no token: {error}")))?;
        text
    } else {
        return Ok(None);
    };
    let token = String::from_utf8_lossy(&text).trim().to_owned();
    Ok(Some(Credential::Token(Secret::new(token))))
}

fn judged(
    asked: &Asked,
    loaded: &Loaded<World>,
    replica: &Replica<World>,
    logged: Option<&Logged>,
) -> Shown {
    let now = replica.clock().now();
    let memory = Assumed::new(&asked.credential, &asked.url, &loaded.world, now);
    let judge = Judge {
        world: &loaded.world,
        memory: &memory,
        freshness: Freshness { age: replica.age() },
        now,
    };
    let mut lines = asked.headers.clone();
    lines.extend(asked.credential.headers());
    let request = Request {
        method: asked.method.as_bytes(),
        target: asked.url.as_bytes(),
        peer: asked.source,
        headers: Headers::collect(lines.iter().map(|(n, v)| (n.as_str(), v.as_bytes()))),
        ..Request::default()
    };
    let explanation = explained(&judge, &request);
    let position = loaded.manifest.position;
    Shown::new(asked, &explanation, (position, replica.age()), logged)
}
