//! What new rules end: lives of tokens and sessions that they no longer allow.

use std::time::Duration;

use aeolus_api::policy::{Policy, SessionLife, ShortenedToken};
use aeolus_model::{OrganizationId, Scope, Session, SessionId};
use aeolus_store::{Page, Unit as _, Write};

use crate::app::App;
use crate::error::ApiError;
use crate::tokens::FOREVER;

/// So many are named.
const NAMED: usize = 100;
/// So many sessions are looked at together.
const PAGE: u32 = 1000;
const DAY: u64 = 86_400;

/// What rules end.
#[derive(Debug, Default)]
pub(crate) struct Ended {
    pub(crate) tokens: Vec<ShortenedToken>,
    pub(crate) tokens_total: u64,
    /// Tokens that go on although new ones like them are forbidden.
    pub(crate) lasting_total: u64,
    pub(crate) sessions: Vec<SessionId>,
    pub(crate) sessions_total: u64,
}

impl Ended {
    /// For the line of a change; empty if nothing ends.
    pub(crate) fn text(&self) -> String {
        let (values, sessions) = (self.tokens_total, self.sessions_total);
        match (values, sessions) {
            (0, 0) => String::new(),
            _ => format!(": {values} token values end sooner, {sessions} sessions end"),
        }
    }
}

/// Brings what there is under a policy. Values live no longer than it allows from when they were issued,
/// those that have already lived longer are revoked; sessions that have lasted too long, or lack a second
/// factor that it wants, end.
pub(crate) async fn tighten(
    app: &App,
    write: &mut Write,
    organization: OrganizationId,
    policy: &Policy,
) -> Result<Ended, ApiError> {
    let mut ended = Ended::default();
    let days = policy.token_max_days.unwrap_or_default();
    for (kind, days) in [
        (Scope::Organization, days.organization),
        (Scope::Workspace, days.workspace),
        (Scope::Deployment, days.deployment),
    ] {
        if let Some(days) = days {
            tokens(app, write, (organization, kind, days), &mut ended).await?;
        }
    }
    if policy.tokens_must_expire {
        ended.lasting_total = write.tokens().lasting(organization, FOREVER).await?;
    }
    let rules = Rules {
        absolute: policy.session_life.map(SessionLife::absolute),
        second_factor: policy.second_factor.is_required(),
    };
    sessions(app, write, (organization, rules), &mut ended).await?;
    Ok(ended)
}

async fn tokens(
    app: &App,
    write: &mut Write,
    (organization, kind, days): (OrganizationId, Scope, u32),
    ended: &mut Ended,
) -> Result<(), ApiError> {
    let life = Duration::from_secs(u64::from(days) * DAY);
    let now = app.clock.now();
    let of = (organization, kind);
    let shortened = write.tokens().shorten(of, life, now).await?;
    ended.tokens_total += u64::try_from(shortened.len()).unwrap_or(u64::MAX);
    for value in shortened {
        if ended.tokens.len() >= NAMED {
            break;
        }
        let token = write.tokens().get(value.token).await?;
        ended.tokens.push(ShortenedToken {
            id: value.token,
            name: token.map(|record| record.token.name).unwrap_or_default(),
            end_at: value.was_to_end.secs(),
            new_end_at: value.ends.secs(),
        });
    }
    Ok(())
}

/// What sessions are ended by.
struct Rules {
    /// They last no longer.
    absolute: Option<Duration>,
    /// They need a second factor.
    second_factor: bool,
}

async fn sessions(
    app: &App,
    write: &mut Write,
    (organization, rules): (OrganizationId, Rules),
    ended: &mut Ended,
) -> Result<(), ApiError> {
    let now = app.clock.now();
    let oldest = rules.absolute.map(|absolute| now.minus(absolute));
    // Whether there was a second factor is asked of all there are.
    let began_by = match (rules.second_factor, oldest) {
        (true, _) => now,
        (false, Some(oldest)) => oldest,
        (false, None) => return Ok(()),
    };
    let ends = |session: &Session| {
        oldest.is_some_and(|oldest| session.auth_time <= oldest)
            || (rules.second_factor && !session.amr.has_second_factor())
    };
    let until = (began_by, now);
    let mut page = Page::first(PAGE);
    loop {
        let mut sessions = write.sessions();
        let listing = sessions.began_by(organization, until, page).await?;
        for session in listing.items.iter().filter(|session| ends(session)) {
            write
                .sessions()
                .end_in(session.id, organization, now)
                .await?;
            ended.sessions_total += 1;
            if ended.sessions.len() < NAMED {
                ended.sessions.push(session.id);
            }
        }
        match listing.next {
            Some(next) => page.after = Some(next),
            None => return Ok(()),
        }
    }
}
