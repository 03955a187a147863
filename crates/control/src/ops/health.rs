//! `GET /livez`, `GET /readyz`, `GET /v1/healthz`.

use axum::extract::State;
use http::StatusCode;

use crate::app::App;

/// The process answers.
pub(crate) async fn livez() -> &'static str {
    "ok\n"
}

/// Requests can be served: the database answers. A publisher that can't work is said, but control
/// is ready without it: signing in and the API go on.
pub(crate) async fn readyz(State(app): State<App>) -> (StatusCode, String) {
    match app.store.ping().await {
        Ok(()) => {
            let alarms = app.published.borrow().alarms.len();
            (
                StatusCode::OK,
                format!("ok\nplanes with alarms: {alarms}\n"),
            )
        }
        Err(error) => {
            tracing::error!(%error, "not ready");
            let text = format!("the database can't answer ({})\n", error.code());
            (StatusCode::SERVICE_UNAVAILABLE, text)
        }
    }
}
