//! From where to where: arguments, read.

use std::collections::BTreeSet;
use std::time::Duration;

use aeolus_keys::SystemRng;
use aeolus_kube::pass::{Outcome, Syncer, digest_key};
use aeolus_kube::sync::{Budget, DigestKey, Mode, Rules, Selector, Settings};
use aeolus_kube::{Client, KubeError, Name};
use aeolus_model::Clock;
use tokio::time::Instant;

use crate::args::KubeSyncScope;
use crate::commands::Context;
use crate::report::{Failure, Report};

/// How long a question may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// A cluster, and what is synced there.
pub(super) struct Setup {
    pub(super) client: Client,
    pub(super) namespace: String,
    targets: Option<BTreeSet<String>>,
    rules: Rules,
}

/// How one pass goes.
pub(super) struct Terms<'a> {
    pub(super) key: DigestKey,
    pub(super) budget: Budget,
    /// Values are read, whatever marks say.
    pub(super) is_full: bool,
    pub(super) clock: &'a dyn Clock,
    pub(super) deadline: Instant,
}

impl Setup {
    /// Reads arguments. Sends nothing.
    pub(super) async fn of(scope: &KubeSyncScope) -> Result<Self, Failure> {
        let named = scope.target_namespaces.iter().map(String::as_str);
        let home = scope.source_namespace.as_deref();
        let release = scope.release.as_deref();
        label("--source-namespace", home)?;
        label("--release", release)?;
        for name in named {
            label("--target-namespaces", Some(name))?;
        }
        let selector = scope.selector.as_deref().map(Selector::parse).transpose();
        let selector = selector.map_err(|error| {
            let what = format!("--selector: {error}");
            Report::new("CLI-0012", what)
                .help("write it as kubectl takes it: --selector 'platform-release=astronomer'")
                .usage()
        })?;
        let client = scope.access.client().await?;
        let namespace = home.unwrap_or_else(|| client.namespace()).to_owned();
        let targets = &scope.target_namespaces;
        Ok(Self {
            client,
            namespace,
            targets: (!targets.is_empty()).then(|| targets.iter().cloned().collect()),
            rules: Rules {
                release: scope.release.clone(),
                default_selector: selector,
                mode: if scope.strict {
                    Mode::Strict
                } else {
                    Mode::Compat
                },
                labels: scope.copy_label.iter().cloned().collect(),
            },
        })
    }

    /// The namespaces that copies may go to, where they are named.
    pub(super) const fn targets(&self) -> Option<&BTreeSet<String>> {
        self.targets.as_ref()
    }

    /// What makes a pass.
    pub(super) fn syncer<'a>(&'a self, terms: Terms<'a>) -> Syncer<'a> {
        Syncer {
            client: &self.client,
            namespace: self.namespace.clone(),
            targets: self.targets.clone(),
            settings: Settings {
                rules: self.rules.clone(),
                budget: terms.budget,
                key: terms.key,
                believe_marks: !terms.is_full,
            },
            clock: terms.clock,
            deadline: terms.deadline,
        }
    }

    /// The key of digests, made where there is none.
    pub(super) async fn key(&self) -> Result<DigestKey, Failure> {
        digest_key(&self.client, &self.namespace, &SystemRng)
            .await
            .map_err(|error| {
                let namespace = &self.namespace;
                let what = format!("the key of digests in {namespace} can't be had: {error}");
                let help = match error {
                    KubeError::Forbidden(_) => "grant get and create on secrets there",
                    KubeError::Invalid(_) => "delete that Secret; all copies are written once more then",
                    _ => error.help(),
                };
                Report::new(error.code(), what)
                    .why("Digests of values are written on copies; without a key of their own, short values could be guessed from them. Nothing was changed.")
                    .help(help)
                    .failed()
            })
    }

    /// What a pass that reads everything would do.
    pub(super) async fn asked(
        &self,
        budget: Budget,
        context: &Context,
    ) -> Result<Outcome, Failure> {
        let key = self.stored_key().await?;
        let syncer = self.syncer(Terms {
            key,
            budget,
            is_full: true,
            clock: &context.clock,
            deadline: Instant::now() + PATIENCE,
        });
        syncer.plan().await.map_err(|error| self.unread(&error))
    }

    /// Where no pass has been yet, any key does: there are no copies that have a digest.
    async fn stored_key(&self) -> Result<DigestKey, Failure> {
        let found = aeolus_kube::pass::stored_digest_key(&self.client, &self.namespace).await;
        let found = found.map_err(|error| self.unread(&error))?;
        Ok(found.unwrap_or_else(|| DigestKey::generate(&SystemRng)))
    }

    /// Why nothing can be said of the cluster.
    pub(super) fn unread(&self, error: &KubeError) -> Failure {
        let what = format!("Secrets of {} can't be synced: {error}", self.namespace);
        Report::new(error.code(), what)
            .why("Nothing was changed: what can't be read would look as if it were gone.")
            .help(error.help())
            .failed()
    }
}

fn label(what: &str, text: Option<&str>) -> Result<(), Failure> {
    let fits = |text: &str| text.len() <= 63 && !text.contains('.') && Name::parse(text).is_ok();
    match text {
        Some(text) if !fits(text) => {
            let what = format!("{what}: {text:?} is no name that Kubernetes takes");
            Err(Report::new("CLI-0012", what)
                .help("use at most 63 lower-case letters, digits and '-'")
                .usage())
        }
        _ => Ok(()),
    }
}
