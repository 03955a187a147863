//! The answer of a provider, however it came.

use aeolus_model::Time;
use aeolus_oidc::{Answer, Channel, Redirects, takes_id_token};
use aeolus_store::Unit as _;
use axum::response::{IntoResponse as _, Response};
use http::HeaderMap;

use super::ask::Asked;
use super::attempts::{self, Begun};
use super::finish::{self, Came};
use super::provider::{Need, Place};
use super::refused::{About, OrRefused as _, Refused, Stop, page};
use super::{graph, pace, person};
use crate::app::App;
use crate::connections::{self, Settings, SignIn};
use crate::ctx::RequestInfo;
use crate::error::{ApiError, Failure};
use crate::signin::continuation::Continuation;

/// Longest answer: as long as `aeolus_oidc` reads.
pub(super) const MAX: usize = 48 * 1024;

/// Takes an answer. The attempt that it is to ends with it, whatever comes of it.
pub(super) async fn take(
    app: &App,
    (info, headers): (&RequestInfo, &HeaderMap),
    (text, channel): (&str, Channel),
) -> Response {
    if let Some(seconds) =
        app.federation
            .pace
            .count(pace::Ask::Answer, &info.counted_as(), app.clock.now())
    {
        return page(app, info, &Refused::Pace(seconds), About::default()).await;
    }
    let answer = match Answer::parse(text, channel) {
        Ok(answer) => answer,
        Err(error) => return page(app, info, &Refused::Answer(error), About::default()).await,
    };
    let Some(begun) = attempts::of_state(app, headers, answer.state()) else {
        return page(app, info, &Refused::Attempt, About::default()).await;
    };
    let mut response = match Box::pin(ends(app, (info, headers), &begun, answer)).await {
        Ok(response) => response,
        Err(error) => Failure::into_response(error.into_page()),
    };
    attempts::forget(app, &mut response, begun.attempt.state());
    response
}

async fn ends(
    app: &App,
    parts: (&RequestInfo, &HeaderMap),
    begun: &Begun,
    answer: Answer,
) -> Result<Response, ApiError> {
    let to = Continuation::read(app, Some(&begun.rd)).await?;
    let mut view = app.store.read().await?;
    let row = view.connections().get(begun.connection).await?;
    drop(view);
    let name = row.as_ref().map(|row| row.name.clone());
    let found = row.as_ref().and_then(|row| connections::sign_in(app, row));
    let settings = row.as_ref().and_then(Settings::of);
    let done = match (found, settings) {
        (Some(sign_in), Some(settings)) => {
            judge(app, parts, (begun, answer), (&sign_in, &settings, &to)).await
        }
        _ => Err(Stop::Refused(Refused::Connection)),
    };
    match done {
        Ok(response) => Ok(response),
        Err(Stop::Broken(error)) => Err(error),
        Err(Stop::Refused(refused)) => {
            let about = About {
                connection: name.as_ref(),
                asked: None,
                to: Some(&to),
            };
            Ok(page(app, parts.0, &refused, about).await)
        }
    }
}

/// Nothing of the answer is used, and nobody is asked for anything with it, before it is checked (O7, O9).
async fn judge(
    app: &App,
    parts: (&RequestInfo, &HeaderMap),
    (begun, answer): (&Begun, Answer),
    (sign_in, settings, to): (&SignIn, &Settings, &Continuation),
) -> Result<Response, Stop> {
    if attempts::provider_of(&sign_in.connection) != begun.provider {
        return Err(Stop::Refused(Refused::Connection));
    }
    let connection = app.federation.began.finishing(sign_in, begun.revision);
    let egress = app.federation.egress(&app.egress).or_refused()?;
    let provider = app.federation.providers.of(sign_in.id, &connection);
    let (source, now) = (parts.0.counted_as(), app.clock.now());
    let _place = provider.place(Place::Answer(&source)).or_refused()?;
    let discovery = provider
        .discovery(egress, &connection, (Need::Any, now))
        .await
        .or_refused()?;
    answer
        .check(&connection, &discovery, &begun.attempt)
        .or_refused()?;
    let asked = Asked {
        egress,
        provider: &provider,
        connection: &connection,
        discovery: &discovery,
        attempt: &begun.attempt,
        now,
    };
    let redirects = Redirects::new(&app.issuer);
    if matches!(answer, Answer::Code { .. }) {
        spend(app, begun, (&source, now))?;
    }
    let proved = person::of_answer(&asked, &redirects, answer).await;
    if matches!(proved, Err(Stop::Refused(Refused::Tokens(_)))) {
        app.federation.pace.failed(&source, now);
    }
    let proved = proved?;
    let identity = Box::pin(graph::complete(app, &asked, (sign_in, proved.identity))).await?;
    let shown = takes_id_token(&connection, &discovery);
    let came = Came {
        begun,
        connection: &connection,
        settings,
        identity: &identity,
        hint: proved.id_token.filter(|_| shown),
        to,
    };
    finish::finish(app, parts, &came).await
}

/// An attempt is worth one exchange at each replica: whoever kept its cookie has the provider asked for nothing
/// again, and whoever sends codes that are none for no more than a few of theirs.
fn spend(app: &App, begun: &Begun, (source, now): (&str, Time)) -> Result<(), Stop> {
    if let Some(seconds) = app.federation.pace.wait(source, now) {
        return Err(Stop::Refused(Refused::Pace(seconds)));
    }
    if app.federation.spent.spend(begun.attempt.state(), now) {
        Ok(())
    } else {
        Err(Stop::Refused(Refused::Again))
    }
}
