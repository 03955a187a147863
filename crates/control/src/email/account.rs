//! What a person is told of their own account: whoever changes what they sign in by, it may not be them.

use std::fmt::Write as _;

use aeolus_model::{Clock, EmailId, Rng, UserId, moment};
use aeolus_store::{StoreError, Unit as _, Write};
use serde::{Deserialize, Serialize};

use crate::app::App;

/// What has become of what somebody signs in by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum News {
    Enrolled,
    Removed,
    Reset,
    CodesRenewed,
    CodeUsed,
    PasswordReset,
}

/// One thing to tell, as it is kept until a message is made of it.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Told {
    account: News,
    at: i64,
}

/// Notes what somebody is to be told, in the transaction that it tells of, if a server takes e-mails.
pub(crate) async fn tell(
    app: &App,
    write: &mut Write,
    user: UserId,
    news: News,
) -> Result<(), StoreError> {
    if app.mailer.is_none() {
        return Ok(());
    }
    if write.emails().noted().await? >= super::outbox::NOTES {
        app.metrics.email("dropped");
        return Ok(());
    }
    note(write, (user, news), (&*app.clock, &*app.rng)).await
}

/// The same where nobody knows whether one does: what nobody sends is forgotten.
pub(crate) async fn note(
    write: &mut Write,
    (user, news): (UserId, News),
    (clock, rng): (&dyn Clock, &dyn Rng),
) -> Result<(), StoreError> {
    let now = clock.now();
    let told = Told {
        account: news,
        at: now.secs(),
    };
    let content = serde_json::to_string(&told)
        .map_err(|error| StoreError::Corrupt(format!("an e-mail's content: {error}")))?;
    let id = EmailId::new(clock, rng);
    write.emails().note((id, user), &content, now).await
}

/// The subject and the text of one message about all of it. Nothing, if there is nothing to tell.
pub(super) fn message(told: &[Told], issuer: &str) -> Option<(String, String)> {
    let subject = match told {
        [] => return None,
        [one] => what(one.account),
        _ => "What you sign in by was changed",
    };
    let mut text = format!("At Aeolus at {issuer}:\n\n");
    for told in told {
        // Writing to a text can't fail.
        let _ = writeln!(text, "  {}  {}.", moment(told.at), what(told.account));
    }
    let _ = write!(
        text,
        "\nIf that was you, or you asked somebody for it, nothing is to be done. If not, somebody else signs in as you: \
         tell whoever administers Aeolus for you, change your password, and look at\n\n    aeolus session list\n\n\
         --\nSent by Aeolus at {issuer}, where you can sign in.\n"
    );
    Some((subject.to_owned(), text))
}

const fn what(news: News) -> &'static str {
    match news {
        News::Enrolled => "Your second factor was set up",
        News::Removed => "Your second factor was removed",
        News::Reset => "An administrator removed your second factor",
        News::CodesRenewed => "Your recovery codes were replaced by others",
        News::CodeUsed => "A recovery code of yours was used",
        News::PasswordReset => "Your password was set anew by a link",
    }
}
