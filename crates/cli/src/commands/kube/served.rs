//! Waiting until servers show a certificate, each in sessions of its own: one that is resumed shows what was shown
//! before, and Secrets reach servers seconds to minutes after they were written.

use std::time::Duration;

use aeolus_model::{Clock, Time};
use aeolus_pki::check::{Role, Severity, Subject, examine};
use aeolus_pki::{Certificate, Fingerprint, San};
use serde::Serialize;
use tokio::time::{Instant, sleep, timeout_at};

use crate::commands::pki::check::live::{self, Proof, Sent};
use crate::moments;
use crate::report::{Exit, Failure, Report};
use crate::ui;

/// How often servers are asked.
const ASK: Duration = Duration::from_millis(500);
/// The least time that one that is asked has to answer.
const LAST: Duration = Duration::from_secs(2);
/// So often in a row a server has to show it: behind one address there may be several, and some are later.
const SURE: u32 = 3;

/// A server that is to show a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Server {
    /// `host:port`.
    place: String,
    name: San,
}

/// A server that shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Served {
    pub(super) server: String,
    pub(super) sha256: Fingerprint,
    /// After how long.
    pub(super) seconds: u64,
}

/// What is to be shown, and who has to believe it.
pub(super) struct Awaited<'a> {
    pub(super) leaf: &'a Certificate,
    /// Without any, whether the chain is proved isn't asked.
    pub(super) trusted: &'a [Certificate],
    pub(super) clock: &'a dyn Clock,
}

impl Server {
    /// `HOST` or `HOST:PORT`, of one of these names: others would be refused by every client.
    pub(super) fn parse(text: &str, names: &[San]) -> Result<Self, Failure> {
        let wrong = |why: String| {
            Report::new("KUBE-129", format!("--wait-for {text}: {why}"))
                .why("Nothing was changed.")
                .help("give a host that clients use and the certificate is for, such as app.example.com or app.example.com:8443")
                .usage()
        };
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => (
                host,
                port.parse::<u16>()
                    .map_err(|_| wrong(format!("{port:?} is no port")))?,
            ),
            _ => (text, 443),
        };
        let host = host.trim_matches(['[', ']']);
        let name = San::parse(host).map_err(|error| wrong(error.to_string()))?;
        if host.contains('*') || matches!(name, San::Uri(_)) {
            return Err(wrong("no client connects to that".to_owned()));
        }
        if !names.iter().any(|one| one.covers(&name)) {
            let names: Vec<String> = names.iter().map(ToString::to_string).collect();
            return Err(wrong(format!(
                "the certificate is for: {}",
                names.join(", ")
            )));
        }
        let place = if host.contains(':') {
            format!("[{host}]:{port}")
        } else {
            format!("{host}:{port}")
        };
        Ok(Self { place, name })
    }
}

/// Waits for all of them, until a moment.
pub(super) async fn wait(
    servers: &[Server],
    awaited: &Awaited<'_>,
    (deadline, patience): (Instant, Duration),
) -> Result<Vec<Served>, Failure> {
    let begun = Instant::now();
    let (mut served, mut reports) = (Vec::new(), Vec::new());
    for server in servers {
        let mut sure = 0;
        let mut said = None;
        loop {
            // One that is late doesn't keep the next from being asked.
            let by = deadline.max(Instant::now() + LAST);
            let shown = match timeout_at(by, live::ask(&server.place, None)).await {
                Ok(sent) => server.judge(sent, awaited),
                Err(_) => Err("no answer yet".to_owned()),
            };
            sure = if shown.is_ok() { sure + 1 } else { 0 };
            if sure >= SURE {
                served.push(Served {
                    server: server.place.clone(),
                    sha256: awaited.leaf.fingerprint(),
                    seconds: begun.elapsed().as_secs(),
                });
                break;
            }
            let is_over = Instant::now() + ASK >= deadline;
            match shown {
                Err(why) if is_over => {
                    reports.push(late(server, awaited.leaf, (&why, patience)));
                    break;
                }
                Err(why) if said.as_ref() != Some(&why) => {
                    ui::note(&format!("waiting for {}: {why}", server.place));
                    said = Some(why);
                }
                _ => {}
            }
            sleep(if sure > 0 { ASK / 10 } else { ASK }).await;
        }
    }
    if reports.is_empty() {
        return Ok(served);
    }
    Err(Failure {
        reports,
        exit: Exit::Failed,
    })
}

impl Server {
    /// Why it isn't so yet.
    fn judge(&self, sent: Result<Sent, Failure>, awaited: &Awaited<'_>) -> Result<(), String> {
        let sent = sent.map_err(|failure| {
            let first = failure.reports.first();
            first.map_or_else(String::new, |report| report.what().to_owned())
        })?;
        self.shows(&sent.chain, sent.proof, awaited)
    }

    fn shows(
        &self,
        chain: &[Certificate],
        proof: Proof,
        awaited: &Awaited<'_>,
    ) -> Result<(), String> {
        let first = chain.first().ok_or("it shows no certificate")?;
        let shown = first.fingerprint();
        if shown != awaited.leaf.fingerprint() {
            let until = moments::written(first.not_after);
            return Err(format!("it still shows {shown}, which ends at {until}"));
        }
        if proof != Proof::Given {
            return Err("it shows the certificate without having its key".to_owned());
        }
        let now: Time = awaited.clock.now();
        let subject = Subject {
            certificates: chain,
            role: Role::Served,
            hosts: std::slice::from_ref(&self.name),
            trusted: awaited.trusted,
            ..Subject::default()
        };
        let found = examine(&subject, now);
        let mut errors = found
            .iter()
            .filter(|one| one.rule.severity == Severity::Error);
        errors.next().map_or(Ok(()), |found| {
            let rule = found.rule;
            Err(format!(
                "it shows the certificate, and clients refuse it: {}: {} ({})",
                rule.what, found.detail, rule.code
            ))
        })
    }
}

fn late(server: &Server, leaf: &Certificate, (why, patience): (&str, Duration)) -> Report {
    let patience = moments::spoken(patience);
    let what = format!(
        "{} doesn't show the certificate within {patience}: {why}",
        server.place
    );
    Report::new("KUBE-128", what)
        .why(format!(
            "The Secret has {}; clients of this server don't get it yet.",
            leaf.fingerprint()
        ))
        .help("see that it reads this Secret (a file mounted by subPath never changes), and restart it: aeolus kube restart-ingress; then run this again with --if-within 0, which waits and renews nothing")
}

#[cfg(test)]
mod tests;
