//! Talking to a control plane as whoever is signed in.

use std::sync::Arc;

use aeolus_api::client::{Client, ClientError};
use aeolus_api::{Page, Problem, Withheld};
use aeolus_keys::SystemRng;
use aeolus_model::{Secret, SystemClock};

use crate::args::Target;
use crate::bearer::Bearer;
use crate::config::{Environment, Tls, believed};
use crate::contexts::Contexts;
use crate::credentials::Place;
use crate::report::{Exit, Failure, Report};

impl Target {
    /// The file that was named, if one was. Whoever names a file gets a file.
    pub(crate) fn named_place(&self, environment: &Environment) -> Option<Place> {
        let named = self.credentials.clone();
        let named = named.or_else(|| Some(environment.get("AEOLUS_CREDENTIALS")?.into()));
        named.map(Place::file)
    }

    /// Where the sign-in that is meant is kept: at the control plane that was named, else the current one.
    pub(crate) fn place(&self, environment: &Environment) -> Result<Place, Failure> {
        if let Some(place) = self.named_place(environment) {
            return Ok(place);
        }
        let contexts = Contexts::of(environment)?;
        let at = match self.named_url(environment) {
            Some(url) => contexts.at(&url)?,
            None => None,
        };
        at.map_or_else(|| contexts.current(), Ok)
    }

    /// Control's URL, if one was named.
    pub(crate) fn named_url(&self, environment: &Environment) -> Option<String> {
        self.url.clone().or_else(|| environment.get("AEOLUS_URL"))
    }

    /// A client that is signed in. A stored sign-in is refreshed where that is due.
    pub(crate) async fn client(&self, environment: &Environment) -> Result<Client, Failure> {
        let named = self.named_url(environment);
        if let Some(bearer) = Bearer::of(environment, named.as_deref()) {
            let url = named.ok_or_else(|| {
                Report::new("CLI-0003", "AEOLUS_TOKEN is set, but not where it is good")
                    .help("set AEOLUS_URL, or give --url")
                    .usage()
            })?;
            return bearer
                .client(&connect(&url, environment)?, &SystemClock)
                .await;
        }
        let place = self.place(environment)?;
        let stored = place.read().await?.ok_or_else(not_signed_in)?;
        if named.is_some_and(|url| url.trim_end_matches('/') != stored.url) {
            // A token is shown to nobody but the one who issued it.
            return Err(not_signed_in());
        }
        let stored = stored.fresh(&place, (&SystemClock, environment)).await?;
        Ok(connect(&stored.url, environment)?.with_bearer(Secret::new(stored.access_token)))
    }
}

/// A client that isn't signed in. It believes the system's authorities, and those that the environment names.
pub(crate) fn connect(url: &str, environment: &Environment) -> Result<Client, Failure> {
    encrypted(url)?;
    let believed = believed(Tls::of_environment(environment))?;
    let client = Client::trusting(url, believed.trust()).map_err(refused)?;
    Ok(client.with_repeats(Arc::new(SystemRng)))
}

/// Refuses a URL at which passwords and tokens could be read on their way.
pub(crate) fn encrypted(url: &str) -> Result<(), Failure> {
    let parsed = url::Url::parse(url).ok();
    let plain = parsed.as_ref().is_some_and(|url| url.scheme() == "http");
    let loopback = parsed
        .as_ref()
        .and_then(url::Url::host)
        .is_some_and(|host| match host {
            url::Host::Domain(name) => name == "localhost" || name.ends_with(".localhost"),
            url::Host::Ipv4(ip) => ip.is_loopback(),
            url::Host::Ipv6(ip) => ip.is_loopback(),
        });
    if plain && !loopback {
        return Err(Report::new("CLI-0005", format!("{url} is not encrypted"))
            .why("Passwords and tokens would cross the network in the clear.")
            .help("use the https URL of the control plane; http is for this machine only")
            .usage());
    }
    Ok(())
}

fn not_signed_in() -> Failure {
    Report::new("CLI-0004", "nobody is signed in")
        .help("run `aeolus login --url URL`, set AEOLUS_URL and AEOLUS_TOKEN, or see `aeolus context list`")
        .failed()
}

/// A failed call as a failure.
pub(crate) fn refused(error: ClientError) -> Failure {
    match error {
        ClientError::Refused(problem) => refusal(&problem),
        ClientError::BaseUrl(_) => Report::new("CLI-0006", error.to_string()).usage(),
        error => {
            let what = error.to_string();
            let help = if what.contains("certificate") {
                "if a company's own authority vouches for it, name that: TLS__PRIVATE_CA_CERTS=FILE"
            } else {
                "check the URL and that the control plane runs; gates go on without it"
            };
            Report::new("NET-0010", what)
                .why("Nothing was changed that this command knows of.")
                .help(help)
                .failed()
        }
    }
}

fn refusal(problem: &Problem) -> Failure {
    let mut what = problem.title.clone();
    if !problem.detail.is_empty() {
        what = format!("{what}: {}", problem.detail);
    }
    let mut first = Report::new(&problem.code, what);
    if problem.status == 401 {
        first =
            first.help("run `aeolus login`, or if AEOLUS_TOKEN is set, put another token into it");
    }
    if !problem.request_id.is_empty() {
        first = first.why(format!("request {}", problem.request_id));
    }
    let mut reports = vec![first];
    for error in &problem.errors {
        let what = format!("{}: {}", error.at, error.message);
        reports.push(Report::new(&problem.code, what));
    }
    Failure {
        reports,
        exit: Exit::Failed,
    }
}

/// A secret of an answer. The connection broke while control answered for the first time, and it shows a
/// secret only once: then what was made is there, and its secret is not.
pub(crate) fn shown(
    secret: Option<String>,
    withheld: Option<&Withheld>,
    (what, help): (&str, String),
) -> Result<String, Failure> {
    secret.ok_or_else(|| {
        let why = withheld.map_or("", |withheld| &withheld.detail);
        Report::new(
            "NET-0011",
            format!("{what}, but the answer with the secret was lost"),
        )
        .why(why)
        .help(help)
        .failed()
    })
}

/// All items of a list, page by page.
pub(crate) async fn all<T, F, Fut>(mut page: F) -> Result<Vec<T>, Failure>
where
    F: FnMut(Option<String>) -> Fut,
    Fut: Future<Output = Result<Page<T>, ClientError>>,
{
    let mut items = Vec::new();
    let mut cursor = None;
    loop {
        let next = page(cursor).await.map_err(refused)?;
        items.extend(next.items);
        cursor = next.next_cursor;
        if cursor.is_none() {
            return Ok(items);
        }
    }
}

/// The organization meant: the one named, or the only one that the signed-in may see.
pub(crate) async fn organization(
    client: &Client,
    named: Option<&String>,
) -> Result<String, Failure> {
    if let Some(name) = named {
        return Ok(name.clone());
    }
    let found = all(|cursor| {
        let client = client.clone();
        async move { client.organizations(cursor.as_deref()).await }
    })
    .await?;
    if let [only] = found.as_slice() {
        return Ok(only.name.to_string());
    }
    let names: Vec<_> = found.iter().map(|o| o.name.as_str()).collect();
    Err(
        Report::new("CLI-0015", "it is not clear which organization is meant")
            .help(format!("give --organization, one of: {}", names.join(", ")))
            .usage(),
    )
}
