//! Lists of revoked certificates, from where certificates say that they are.

use std::collections::BTreeSet;
use std::time::Duration;

use aeolus_pki::{Certificate, RevocationList, read};
use bytes::Bytes;
use http::{StatusCode, Uri};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use super::Checker;
use crate::report::{Failure, Report};

/// What a list may have, and how long it may take to come.
const MAX: usize = aeolus_pki::MAX_INPUT;
const PATIENCE: Duration = Duration::from_secs(10);

impl Checker<'_> {
    /// The lists that were given and, if asked, those that these certificates lead to. Each address is asked once.
    pub(super) async fn lists(&mut self, certificates: &[Certificate]) -> Vec<RevocationList> {
        let mut lists = self.held.lists.clone();
        if !self.against.fetch_crls {
            return lists;
        }
        let urls = certificates.iter().flat_map(|one| &one.crl_urls);
        let urls: BTreeSet<&String> = urls.collect();
        for url in urls {
            if !self.fetched.contains_key(url) {
                let found = fetched(url).await.unwrap_or_else(|failure| {
                    self.unread.push(failure);
                    Vec::new()
                });
                self.fetched.insert(url.clone(), found);
            }
            lists.extend(self.fetched.get(url).into_iter().flatten().cloned());
        }
        lists
    }
}

async fn fetched(url: &str) -> Result<Vec<RevocationList>, Failure> {
    let failed = |why: &str| {
        Report::new("PKI-026", format!("no revocation list from {url}: {why}"))
            .why("Whether what it is for was revoked is not known from it.")
            .help("see that the list is published there (aeolus pki crl), or give it with --crl")
            .failed()
    };
    let body = tokio::time::timeout(PATIENCE, get(url)).await;
    let body = body.map_err(|_| failed("no answer within 10 s"))?;
    let body = body.map_err(|why| failed(&why))?;
    let lists = read(&body, None).map(|input| input.lists);
    let lists = lists.map_err(|error| failed(&error.to_string()))?;
    if lists.is_empty() {
        return Err(failed("it is something else"));
    }
    Ok(lists)
}

/// The body of a 200, over plain HTTP: a list is signed, and no redirect is followed.
async fn get(url: &str) -> Result<Bytes, String> {
    let uri: Uri = url.parse().map_err(|_| "it is no URL".to_owned())?;
    if uri.scheme_str() != Some("http") {
        return Err("only http:// is asked".to_owned());
    }
    let client: Client<HttpConnector, Empty<Bytes>> =
        Client::builder(TokioExecutor::new()).build_http();
    let answer = client.get(uri).await.map_err(|error| error.to_string())?;
    if answer.status() != StatusCode::OK {
        return Err(format!("it answers {}", answer.status()));
    }
    let body = Limited::new(answer.into_body(), MAX).collect().await;
    let body = body.map_err(|_| "its answer breaks off or is too large".to_owned())?;
    Ok(body.to_bytes())
}
