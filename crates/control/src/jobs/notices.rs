//! What an organization should hear of its API tokens: lines of its audit log, each said once, from where
//! the log's sinks carry them on, and e-mails where a server takes some.

use std::collections::VecDeque;
use std::time::Duration;

use aeolus_model::{Action, AuditEvent, Change, OrganizationId, UserId};
use aeolus_store::{Notice, NoticeKind, Page, StoreError, Unit as _};

use crate::app::App;
use crate::email::{self, Told};
use crate::policy;

const DAY: Duration = Duration::from_secs(86_400);
/// Looked at by one statement, whose time is bounded.
const WINDOW: u32 = 2000;
/// Read together.
const ORGANIZATIONS: u32 = 200;
/// Said in one transaction, which others wait for.
const AT_ONCE: usize = 100;

const KINDS: [(NoticeKind, Action); 5] = [
    (expires(30, 7), Action::TokenExpiresSoon),
    (expires(7, 1), Action::TokenExpiresSoon),
    (expires(1, 0), Action::TokenExpiresSoon),
    (NoticeKind::Unused(days(90)), Action::TokenUnused),
    (NoticeKind::OwnerLeft, Action::TokenOwnerLeft),
];

const fn days(days: u32) -> Duration {
    DAY.saturating_mul(days)
}

const fn expires(within: u32, beyond: u32) -> NoticeKind {
    NoticeKind::Expires {
        within: days(within),
        beyond: days(beyond),
    }
}

/// Says what there is to say. Replicas of control that do it at once say each thing once.
pub(super) async fn say(app: &App) -> Result<(), StoreError> {
    of_all(app).await?;
    let mut page = Page::first(ORGANIZATIONS);
    loop {
        let mut view = app.store.read().await?;
        let listing = view.organizations().list(page).await?;
        drop(view);
        for organization in &listing.items {
            // A policy of a newer version is none of ours to read.
            let notices = policy::of(organization)
                .ok()
                .and_then(|policy| policy.notices);
            if let Some(after) = notices.and_then(|notices| notices.rotate_after_days) {
                of_age(app, organization.id, days(after)).await?;
            }
        }
        match listing.next {
            Some(next) => page.after = Some(next),
            None => return Ok(()),
        }
    }
}

/// What the age of an organization's tokens says.
async fn of_age(
    app: &App,
    organization: OrganizationId,
    after: Duration,
) -> Result<(), StoreError> {
    let kind = NoticeKind::Old {
        organization,
        after,
    };
    let mut before = None;
    loop {
        let mut view = app.store.read().await?;
        let mut tokens = view.tokens();
        let Some(window) = tokens.window(Some(organization), before, WINDOW).await? else {
            return Ok(());
        };
        let found = tokens.due_notices(kind, window, app.clock.now()).await?;
        drop(view);
        let found: Vec<_> = found
            .into_iter()
            .map(|notice| (kind, Action::TokenRotationDue, notice))
            .collect();
        for some in found.chunks(AT_ONCE) {
            say_some(app, some).await?;
        }
        before = Some(window);
    }
}

/// What is said of every organization's tokens.
async fn of_all(app: &App) -> Result<(), StoreError> {
    let mut before = None;
    loop {
        let mut view = app.store.read().await?;
        let Some(window) = view.tokens().window(None, before, WINDOW).await? else {
            return Ok(());
        };
        let mut found = Vec::new();
        for (kind, action) in KINDS {
            let notices = view
                .tokens()
                .due_notices(kind, window, app.clock.now())
                .await?;
            found.extend(notices.into_iter().map(|notice| (kind, action, notice)));
        }
        let back = view.tokens().owners_back(window).await?;
        drop(view);
        for some in back.chunks(AT_ONCE) {
            let mut write = app.store.write().await?;
            for token in some {
                write.tokens().forget_owner(*token).await?;
            }
            write.commit().await?;
        }
        for some in found.chunks(AT_ONCE) {
            say_some(app, some).await?;
        }
        before = Some(window);
    }
}

async fn say_some(app: &App, some: &[(NoticeKind, Action, Notice)]) -> Result<(), StoreError> {
    let mut told = told(app, some).await?;
    let mut write = app.store.write().await?;
    let mut taken = Vec::new();
    for (kind, action, notice) in some {
        let told = told.pop_front().flatten();
        if write.tokens().take_notice(*kind, notice).await? {
            write.audit(line(app, notice, *action));
            taken.extend(told);
        }
    }
    email::note(app, &mut write, &taken).await?;
    app.commit(write).await.map(|_| ())
}

/// What is told by e-mail of each of these, and to whom.
async fn told(
    app: &App,
    some: &[(NoticeKind, Action, Notice)],
) -> Result<VecDeque<Option<(Told, Vec<UserId>)>>, StoreError> {
    let mut all = VecDeque::new();
    if app.mailer.is_some() {
        let mut view = app.store.read().await?;
        for (kind, _, notice) in some {
            all.push_back(email::told_of(&mut view, (*kind, notice)).await?);
        }
    }
    Ok(all)
}

fn line(app: &App, notice: &Notice, action: Action) -> AuditEvent {
    AuditEvent {
        organization: Some(notice.organization),
        target: notice.token.to_string(),
        changes: vec![
            Change::from("name", notice.name.clone()),
            Change::from("endAt", notice.expires_at.secs().to_string()),
        ],
        ..AuditEvent::of_system(app.clock.now(), action)
    }
}
