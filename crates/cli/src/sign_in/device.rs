//! Signing in on a machine without a browser, by one that has one (RFC 8628).

use std::time::Duration;

use aeolus_api::client::{Client, ClientError};
use aeolus_api::oauth::{
    CLI_CLIENT_ID, DeviceAnswer, GRANT_DEVICE_CODE, SCOPE_OFFLINE_ACCESS, TokenAnswer,
};
use aeolus_model::Clock;
use tokio::time::Instant;

use super::{metadata, refusal};
use crate::control_client::refused;
use crate::credentials::Credentials;
use crate::report::{Failure, Report};
use crate::ui;

/// What each `slow_down` adds to the pause between two questions (§3.5).
const SLOWER: Duration = Duration::from_secs(5);

/// Shows a code and waits until somebody has agreed to it elsewhere.
pub(crate) async fn by_device(client: &Client, clock: &dyn Clock) -> Result<Credentials, Failure> {
    let metadata = metadata(client).await?;
    if metadata.device_authorization_endpoint.is_none() {
        let what = format!("{} signs no machines in by a code", client.base());
        return Err(Report::new("CLI-0009", what)
            .why("Its operator has switched that off (`control.deviceFlow`).")
            .help("run `aeolus login` where there is a browser, or make an API token")
            .failed());
    }
    let scope = format!("openid {SCOPE_OFFLINE_ACCESS}");
    let form = [("client_id", CLI_CLIENT_ID), ("scope", scope.as_str())];
    let asked = client.device_authorization(&form).await.map_err(refused)?;
    ui::note(&format!(
        "Open {}\nin a browser anywhere, and type the code\n\n  {}\n",
        ui::plain(&asked.verification_uri),
        ui::plain(&asked.user_code)
    ));
    let answer = wait(client, &asked).await?;
    Ok(Credentials::of(client.base(), answer, clock))
}

async fn wait(client: &Client, asked: &DeviceAnswer) -> Result<TokenAnswer, Failure> {
    let form = [
        ("grant_type", GRANT_DEVICE_CODE),
        ("device_code", &asked.device_code),
        ("client_id", CLI_CLIENT_ID),
    ];
    let end = Instant::now() + Duration::from_secs(asked.expires_in);
    let mut pause = Duration::from_secs(asked.interval.max(1));
    while Instant::now() < end {
        tokio::time::sleep(pause).await;
        match client.exchange(&form).await {
            Ok(answer) => return Ok(answer),
            Err(error) => pause = next_pause(error, pause)?,
        }
    }
    Err(expired())
}

/// How long to wait before the next question, if there is to be one.
fn next_pause(error: ClientError, pause: Duration) -> Result<Duration, Failure> {
    let problem = match error {
        // Control may be away for a moment: the code is still good.
        ClientError::Timeout | ClientError::Unreachable(_) | ClientError::Busy { .. } => {
            return Ok(pause.saturating_add(SLOWER));
        }
        ClientError::Refused(problem) => problem,
        error => return Err(refused(error)),
    };
    match problem.code.as_str() {
        "authorization_pending" => Ok(pause),
        "slow_down" => Ok(pause.saturating_add(SLOWER)),
        "access_denied" => Err(refusal("somebody refused this machine")),
        "expired_token" => Err(expired()),
        _ => Err(refused(ClientError::Refused(problem))),
    }
}

fn expired() -> Failure {
    Report::new("CLI-0009", "nobody has typed the code in time")
        .help("run `aeolus login --device` again")
        .failed()
}

#[cfg(test)]
mod tests {
    use aeolus_api::Problem;

    use super::*;

    #[test]
    fn only_what_may_still_come_to_something_is_asked_again() {
        let pause = Duration::from_secs(5);
        let said = |code| ClientError::Refused(Box::new(Problem::new(400, code, "no")));
        let next = |error| next_pause(error, pause).ok();
        assert_eq!(next(said("authorization_pending")), Some(pause));
        assert_eq!(next(said("slow_down")), Some(pause * 2));
        assert_eq!(next(ClientError::Timeout), Some(pause * 2));
        for over in ["access_denied", "expired_token", "invalid_grant"] {
            assert_eq!(next(said(over)), None, "{over}");
        }
        assert_eq!(next(ClientError::Malformed), None);
    }
}
