//! Copying the audit log to places outside the database: at least once, in order, from where each place
//! is. A place that is down holds up nothing; what it has not got waits in the database.

mod batch;
mod file;
mod stdout;
mod webhook;

use std::time::Duration;

use aeolus_keys::chain::Scope;
use aeolus_store::{AuditCursor, Hold, Page, Unit as _};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::config::AuditConfig;
use crate::error::ApiError;
use batch::Batch;
use file::File;
use stdout::Stdout;
use webhook::Webhook;

/// How often is looked for lines that other replicas wrote.
const POLL: Duration = Duration::from_secs(1);
/// How long a sink belongs to a replica that is not heard of.
const LEASE: Duration = Duration::from_secs(30);
/// What may be waited for before the lease ends.
const PATIENCE: Duration = Duration::from_secs(20);
/// After a failure, and at most.
const BACKOFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// Why a sink can't be what the configuration says.
#[derive(Debug, thiserror::Error)]
pub enum SinkConfigError {
    /// The webhook's URL.
    #[error(
        "control.audit.webhook.url must be an https URL without a name or password in it; http is for this machine only"
    )]
    Url,
    /// A secret that could be guessed.
    #[error(
        "control.audit.webhook.secret must have 32 characters or more: whoever knows it can send lines in control's name"
    )]
    Secret,
    /// A file that would be renamed all the time.
    #[error(
        "control.audit.file.maxBytes must be 1000000 or more, or the file is renamed all the time"
    )]
    FileSize,
}

/// Why a batch did not arrive.
#[derive(Debug, thiserror::Error)]
pub(super) enum SinkError {
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("{0}")]
    Webhook(#[from] aeolus_api::egress::EgressError),
    #[error("it took too long")]
    Slow,
    #[error("{0}")]
    Store(#[from] aeolus_store::StoreError),
}

/// Refuses what could never work, before anything is opened.
pub(crate) fn check(config: &AuditConfig) -> Result<(), SinkConfigError> {
    if let Some(webhook) = &config.webhook {
        if !aeolus_api::egress::is_askable(&webhook.url) {
            return Err(SinkConfigError::Url);
        }
        if webhook.secret.expose().chars().count() < 32 {
            return Err(SinkConfigError::Secret);
        }
    }
    match &config.file {
        Some(file) if file.max_bytes < 1_000_000 => Err(SinkConfigError::FileSize),
        _ => Ok(()),
    }
}

enum Sink {
    File(File),
    Stdout(Stdout),
    Webhook(Box<Webhook>),
}

const FILE: &str = "file";
const STDOUT: &str = "stdout";
const WEBHOOK: &str = "webhook";

impl Sink {
    const fn name(&self) -> &'static str {
        match self {
            Self::File(_) => FILE,
            Self::Stdout(_) => STDOUT,
            Self::Webhook(_) => WEBHOOK,
        }
    }

    async fn give(&mut self, app: &App, batch: &Batch) -> Result<(), SinkError> {
        match self {
            Self::File(file) => file.append(&batch.text).await?,
            Self::Stdout(stdout) => stdout.write(&batch.text).await?,
            Self::Webhook(webhook) => webhook.send(batch, app.clock.now()).await?,
        }
        Ok(())
    }
}

/// The names of the sinks that are configured.
fn names(config: &AuditConfig) -> impl Iterator<Item = &'static str> {
    let file = config.file.is_some().then_some(FILE);
    let stdout = config.stdout.then_some(STDOUT);
    let webhook = config.webhook.is_some().then_some(WEBHOOK);
    [file, stdout, webhook].into_iter().flatten()
}

/// The last line that every configured sink has.
pub(super) async fn slowest(app: &App) -> Result<AuditCursor, ApiError> {
    let mut view = app.store.read().await?;
    let mut slowest = AuditCursor::END;
    for name in names(&app.audit) {
        slowest = slowest.min(at(view.audit_sinks().get(name).await?));
    }
    Ok(slowest)
}

/// Before the first line, if nothing arrived yet.
fn at(sink: Option<aeolus_store::AuditSink>) -> AuditCursor {
    sink.map_or(
        AuditCursor {
            position: 0,
            ordinal: 0,
        },
        |sink| sink.at,
    )
}

/// Gives every configured sink what is new until shutdown.
pub(super) async fn run(app: App, shutdown: CancellationToken) {
    let mut sinks = JoinSet::new();
    if let Some(file) = &app.audit.file {
        let sink = Sink::File(File::new(file.clone()));
        sinks.spawn(keep_giving(app.clone(), sink, shutdown.clone()));
    }
    if app.audit.stdout {
        sinks.spawn(keep_giving(
            app.clone(),
            Sink::Stdout(Stdout::default()),
            shutdown.clone(),
        ));
    }
    if let Some(config) = &app.audit.webhook {
        match Webhook::new(config.clone(), &app.egress) {
            Ok(webhook) => {
                let sink = Sink::Webhook(Box::new(webhook));
                sinks.spawn(keep_giving(app.clone(), sink, shutdown.clone()));
            }
            Err(error) => {
                tracing::error!(%error, "the audit log can't be sent: there are no trust anchors");
            }
        }
    }
    while sinks.join_next().await.is_some() {}
}

async fn keep_giving(app: App, mut sink: Sink, shutdown: CancellationToken) {
    let holder = aeolus_keys::digest::random_token(&*app.rng, 16);
    let hold = Hold {
        sink: sink.name(),
        holder: holder.expose(),
        lasts: LEASE,
    };
    let mut news = app.feed.subscribe();
    let mut backoff = BACKOFF.0;
    loop {
        news.mark_unchanged();
        // What is cut short at shutdown is given again at the next start.
        let given = tokio::select! {
            () = shutdown.cancelled() => break,
            given = round(&app, &mut sink, hold) => given,
        };
        let pause = match given {
            Ok(Given::Some) => {
                backoff = BACKOFF.0;
                continue;
            }
            Ok(Given::Nothing) => POLL,
            Err(error) => {
                app.metrics.audit_failed(hold.sink);
                tracing::warn!(sink = hold.sink, %error, "a sink does not take the audit log; trying again");
                let pause = backoff;
                backoff = (backoff * 2).min(BACKOFF.1);
                pause
            }
        };
        let failing = backoff > BACKOFF.0;
        tokio::select! {
            () = shutdown.cancelled() => break,
            () = tokio::time::sleep(pause) => {}
            _ = news.changed(), if !failing => {}
        }
    }
    if let Err(error) = release(&app, hold).await {
        tracing::debug!(sink = hold.sink, %error, "another replica has to wait for the lease to end");
    }
}

enum Given {
    Some,
    Nothing,
}

/// Gives a batch, if there is one and no other replica gives at this moment.
async fn round(app: &App, sink: &mut Sink, hold: Hold<'_>) -> Result<Given, SinkError> {
    if waiting(app, hold.sink).await?.is_none() {
        return Ok(Given::Nothing);
    }
    let mut write = app.store.write().await?;
    let held = write.audit_sinks().hold(hold, app.clock.now()).await?;
    write.commit().await?;
    let Some(held) = held else {
        return Ok(Given::Nothing);
    };
    let Some(batch) = next(app, held.at).await? else {
        return Ok(Given::Nothing);
    };
    let given = tokio::time::timeout(PATIENCE, sink.give(app, &batch)).await;
    given.map_err(|_| SinkError::Slow)??;
    let mut write = app.store.write().await?;
    let noted = write
        .audit_sinks()
        .delivered(hold, batch.to, app.clock.now())
        .await?;
    write.commit().await?;
    // Where the lease was lost another replica gives the same once more.
    Ok(if noted { Given::Some } else { Given::Nothing })
}

/// The next lines for a sink, and how far it is behind.
async fn waiting(app: &App, name: &'static str) -> Result<Option<()>, SinkError> {
    let mut view = app.store.read().await?;
    let after = at(view.audit_sinks().get(name).await?);
    let page = Page {
        after: Some(after),
        limit: 1,
    };
    let scope = Scope::Installation;
    let listing = view.audit_log().lines(scope, page).await?;
    let Some(line) = listing.items.first() else {
        app.metrics.audit_behind(name, (0, 0));
        return Ok(None);
    };
    let head = view.audit_log().chain(scope).await?;
    let head = head.map_or(0, |chain| chain.head.line);
    let first = line.link.map_or(1, |link| link.line);
    let lines = (head + 1).saturating_sub(first).max(1);
    let seconds = app.clock.now().since(batch::when(line)).as_secs();
    app.metrics.audit_behind(name, (lines, seconds));
    Ok(Some(()))
}

async fn next(app: &App, after: AuditCursor) -> Result<Option<Batch>, SinkError> {
    let page = Page {
        after: Some(after),
        limit: batch::LINES,
    };
    let mut view = app.store.read().await?;
    let listing = view.audit_log().lines(Scope::Installation, page).await?;
    Ok(Batch::of(&listing.items))
}

async fn release(app: &App, hold: Hold<'_>) -> Result<(), SinkError> {
    let mut write = app.store.write().await?;
    write.audit_sinks().release(hold).await?;
    write.commit().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use aeolus_model::Secret;

    use super::*;
    use crate::config::{AuditFile, AuditWebhook};

    #[test]
    fn what_could_never_work_is_refused() {
        let webhook = |url: &str, secret: &str| AuditConfig {
            webhook: Some(AuditWebhook {
                url: url.to_owned(),
                secret: Secret::new(secret.to_owned()),
            }),
            ..AuditConfig::default()
        };
        let long = "s".repeat(32);
        assert!(check(&webhook("https://siem.example.com/in?a=1", &long)).is_ok());
        assert!(check(&webhook("http://127.0.0.1:9/in", &long)).is_ok());
        for url in [
            "http://siem.example.com/",
            "ftp://a",
            "",
            "https://u:p@a.test/",
        ] {
            assert!(
                matches!(check(&webhook(url, &long)), Err(SinkConfigError::Url)),
                "{url}"
            );
        }
        let short = check(&webhook("https://a.test/", "short"));
        assert!(matches!(short, Err(SinkConfigError::Secret)));
        let file = AuditConfig {
            file: Some(AuditFile {
                path: "a".into(),
                max_bytes: 999_999,
                keep: 1,
            }),
            ..AuditConfig::default()
        };
        assert!(matches!(check(&file), Err(SinkConfigError::FileSize)));
        assert!(check(&AuditConfig::default()).is_ok());
    }
}
