//! `aeolus kube pull-certificate`: for clusters without a gate's replica, as the original's job fetched it (row K11).

use std::time::Duration;

use aeolus_api::client::{Client, ClientError};
use aeolus_model::Clock as _;
use serde_json::Value;

use super::certificates::Shown;
use super::cluster::bring;
use super::jwk;
use super::signing::Wanted;
use crate::args::KubePullCertificate;
use crate::commands::Context;
use crate::config::{Environment, Tls, believed};
use crate::control_client::refused;
use crate::report::{Failure, Report};
use crate::ui;

/// Where a control plane shows the key that signs.
const SHOWN: &str = "/v1/.well-known/jwks.json";
/// How long an answer may take to begin.
const PATIENCE: Duration = Duration::from_secs(10);

/// Fetches the certificate and writes the Secret.
pub(in crate::commands) async fn pull(
    args: &KubePullCertificate,
    context: &Context,
) -> Result<(), Failure> {
    let target = args.signing.target()?;
    let source = Source::of(&args.from, args.plain_http)?;
    let client = source.client(&context.environment)?;
    let wait = args.retry_after.duration();
    let jwk = fetch(&client, (args.retries, wait)).await?;
    let read = jwk::certificate(&jwk).map_err(|why| source.senseless(why))?;
    let now = context.clock.now();
    let wanted = Wanted::fetched(&target, (read, &source.url), now)?;
    let cluster = args.signing.access.client().await?;
    let brought = bring(&cluster, &wanted, args.signing.how(), now).await?;
    Shown::of(&wanted, brought, args.signing.dry_run).print(context.output)
}

/// Where to fetch it.
#[derive(Debug, PartialEq, Eq)]
struct Source {
    base: String,
    url: String,
}

impl Source {
    /// Control's URL, or that of the key itself. What comes over plain HTTP is whoever's on the way: it has to be
    /// asked for.
    fn of(from: &str, plain: bool) -> Result<Self, Failure> {
        let base = from.trim_end_matches('/');
        let base = base.strip_suffix(SHOWN).unwrap_or(base);
        let scheme = url::Url::parse(base)
            .ok()
            .map(|url| url.scheme().to_owned());
        match scheme.as_deref() {
            Some("https") => {}
            Some("http") if plain => {}
            Some("http") => {
                return Err(Report::new("KUBE-109", format!("{from} is not encrypted"))
                    .why("Whoever is on the way could put a certificate of their own into the cluster, and sign in everybody's name.")
                    .help("use the https URL; --plain-http fetches it all the same")
                    .usage());
            }
            _ => {
                let what = format!("{from:?} is no URL of http or https");
                return Err(Report::new("CLI-0006", what).usage());
            }
        }
        Ok(Self {
            base: base.to_owned(),
            url: format!("{base}{SHOWN}"),
        })
    }

    fn client(&self, environment: &Environment) -> Result<Client, Failure> {
        let believed = believed(Tls::of_environment(environment))?;
        let client = Client::trusting(&self.base, believed.trust()).map_err(refused)?;
        Ok(client.with_timeout(PATIENCE))
    }

    fn senseless(&self, why: jwk::JwkError) -> Failure {
        Report::new("KUBE-108", format!("what {} answers is no certified key: {why}", self.url))
            .why("Nothing was changed in the cluster, which keeps the certificate that it has.")
            .help("give the URL of control; it shows the key where compat.registry or compat.authorization is set")
            .failed()
    }
}

/// Asks, and asks again where the answer may be another one later.
async fn fetch(client: &Client, (retries, wait): (u32, Duration)) -> Result<Value, Failure> {
    let mut left = retries;
    loop {
        match client.legacy_key().await {
            Err(error) if left > 0 && is_passing(&error) => {
                left -= 1;
                ui::note(&format!("{error}; trying again in {} s", wait.as_secs()));
                tokio::time::sleep(wait).await;
            }
            answered => return answered.map_err(refused),
        }
    }
}

fn is_passing(error: &ClientError) -> bool {
    match error {
        ClientError::Unreachable(_) | ClientError::Timeout | ClientError::Busy { .. } => true,
        ClientError::Refused(problem) => problem.status >= 500,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn x14_plain_http_has_to_be_asked_for() {
        let refused = Source::of("http://control.example", false).unwrap_err();
        assert_eq!(refused.reports[0].code(), "KUBE-109");
        let source = Source::of("http://control.example/", true).unwrap();
        assert_eq!(source.base, "http://control.example");
        assert!(Source::of("ftp://control.example", true).is_err());
        assert!(Source::of("control.example", true).is_err());
    }

    #[test]
    fn both_urls_that_people_know_are_one() {
        let base = Source::of("https://control.example", false).unwrap();
        let own = "https://control.example/v1/.well-known/jwks.json";
        assert_eq!(Source::of(own, false).unwrap(), base);
        assert_eq!(base.url, own);
        let under = Source::of("https://example.com/houston/", false).unwrap();
        assert_eq!(
            under.url,
            "https://example.com/houston/v1/.well-known/jwks.json"
        );
    }
}
