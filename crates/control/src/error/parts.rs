//! What errors are called in answers: status, code, title and detail.

use aeolus_api::plane::OVER_IN_ORGANIZATION;

use super::ApiError;

pub(crate) const NO_CERTIFICATE: &str = "certificate";
pub(crate) const OTHER_CERTIFICATE: &str = "certificate-of-another-plane";

const ELSEWHERE: &str = "The organization's policy names the networks to come from. Come from one of \
                         them, or let somebody there change the policy.";

const ONE_FACTOR: &str = "The organization's policy wants a second factor of people. Set one up at /second-factor, \
                          or sign in again with its code (`aeolus logout`, `aeolus login`).";

const OWN_FACTOR: &str =
    "This session began without it: sign in again with its code (`aeolus logout`, `aeolus login`).";

const RECENT: &str = "It is only for somebody who has signed in within the last ten minutes, so that a session somebody \
                      found is not enough. Sign in again (`aeolus logout`, `aeolus login`) and repeat it. Nothing was \
                      changed.";

const TWO_COOKIES: &str = "One may have been planted by another site. Remove this domain's cookies and \
                           sign in again.";

const USED_UP: &str = "Ask again when `Retry-After` says, and less often; whoever operates the installation \
                       can allow more a minute.";

const SHARE_USED_UP: &str = "The rest of it is for the organization's other people and tokens. Ask again when \
                             `Retry-After` says, and less often; whoever operates the installation can \
                             give one caller more of it.";

const OVER_THERE: &str = "It was ended there, has lasted as long as the organization's policy allows, or began without \
                          the second factor that the organization wants.";

const TOO_LONG: &str = "You have been signed in for longer than the organization's policy allows: sign out \
                        and in again (`aeolus logout`, `aeolus login`).";

/// Status, code, title and detail.
pub(super) fn parts(error: &ApiError) -> (u16, &'static str, &'static str, String) {
    use ApiError as E;
    match error {
        E::NoCredential => (
            401,
            "no-credential",
            "This needs a credential",
            "Send `Authorization: Bearer` with an access or API token; `aeolus login` gets one."
                .into(),
        ),
        E::NoSession => (
            401,
            "no-session",
            "Nobody is signed in here",
            "Sign in at /login. Only this site's own session counts; no other credential does.".into(),
        ),
        E::BadCredential(_) => (
            401,
            "bad-credential",
            "The credential is not good",
            "It is expired, revoked, meant for another place, or not one of ours. Sign in again or \
             make a new token."
                .into(),
        ),
        E::Forbidden(what) => (
            403,
            "forbidden",
            "You may not do this",
            format!("It needs {what}; an owner can grant it."),
        ),
        E::NotFound(what) => (
            404,
            "not-found",
            "There is no such thing here",
            format!("No such {what}, or you may not see it."),
        ),
        E::NoEndpoint => (404, "no-endpoint", "There is no such endpoint", String::new()),
        E::Method => (
            405,
            "method",
            "This endpoint has no such method",
            String::new(),
        ),
        E::Invalid(_) => (
            422,
            "invalid",
            "The input is not valid",
            "Nothing was changed.".into(),
        ),
        E::Parameter(what) => (
            400,
            "parameter",
            "There is no such parameter here",
            format!("{}: {}. Nothing was changed.", what.at, what.message),
        ),
        E::Path => (400, "path", "The path is no UTF-8", String::new()),
        E::Body(what) => (400, "body", "The body can't be read", what.clone()),
        E::MediaType => (
            415,
            "media-type",
            "The body has the wrong media type",
            "Send `Content-Type: application/json`.".into(),
        ),
        E::TooLarge => (413, "too-large", "The body is too large", String::new()),
        E::Again(_) | E::KeyReused | E::KeyBegun | E::ChangedSinceRead => repeated_parts(error),
        E::Conflict(_) | E::Managed(_) | E::Provisioned(_) | E::TeamsOnly(_) | E::ReservedHost(_) => conflict_parts(error),
        E::Gone(_) | E::OverInOrganization => over_parts(error),
        E::SignInAgain | E::Network | E::SecondFactor | E::OwnSecondFactor | E::RecentSignIn | E::NoCertificate | E::OtherCertificate => rule_parts(error),
        E::Quota(_) | E::QuotaShare(_) => quota_parts(error),
        E::CrossSite => (
            403,
            "cross-site",
            "The request came from another site",
            "Requests with a session cookie must come from this site's own pages.".into(),
        ),
        E::AmbiguousCookie => (
            400,
            "ambiguous-cookie",
            "Two session cookies were sent",
            TWO_COOKIES.into(),
        ),
        E::NotReady(what) => (
            503,
            "not-ready",
            "Something isn't set up yet",
            (*what).to_owned(),
        ),
        E::Email(what) => (502, "email-not-sent", "The e-mail was not sent", what.clone()),
        E::Store(error) => store_parts(error),
        E::Internal(_) => (
            500,
            "internal",
            "Something broke here",
            "It is in the log under this request's id.".into(),
        ),
    }
}

fn quota_parts(error: &ApiError) -> (u16, &'static str, &'static str, String) {
    let (code, title, detail) = match error {
        ApiError::QuotaShare(_) => (
            "quota-share",
            "You have used up your share of the organization's quota",
            SHARE_USED_UP,
        ),
        _ => ("quota", "The organization has used up its quota", USED_UP),
    };
    (429, code, title, detail.to_owned())
}

/// Who has to prove more, by an organization's rules or their own.
fn rule_parts(error: &ApiError) -> (u16, &'static str, &'static str, String) {
    let (code, title, detail) = match error {
        ApiError::SignInAgain => ("sign-in-again", "Sign in again", TOO_LONG),
        ApiError::SecondFactor => (
            "second-factor-required",
            "The organization wants a second factor",
            ONE_FACTOR,
        ),
        ApiError::OwnSecondFactor => (
            "second-factor-required",
            "You have a second factor",
            OWN_FACTOR,
        ),
        ApiError::OtherCertificate => (
            OTHER_CERTIFICATE,
            "The certificate is another plane's",
            "It names planes by urn:aeolus:plane:NAME, and this one is not among them: issue one that names it.",
        ),
        ApiError::NoCertificate => (
            NO_CERTIFICATE,
            "A certificate is needed here",
            "Gates show one of the operator's authority at every connection.",
        ),
        ApiError::RecentSignIn => ("recent-sign-in-required", "Sign in again for this", RECENT),
        _ => ("network", "Not from this network", ELSEWHERE),
    };
    (403, code, title, detail.to_owned())
}

/// What is wrong with a request that builds on another one.
fn repeated_parts(error: &ApiError) -> (u16, &'static str, &'static str, String) {
    match error {
        ApiError::KeyReused => (
            422,
            "idempotency-key-reused",
            "The Idempotency-Key stands for another request",
            "You sent the same key with another method, URL or body in the last day. Send a new key with \
             each new request, and the same one only to repeat a request as it was. Nothing was changed."
                .into(),
        ),
        ApiError::KeyBegun => (
            409,
            "idempotency-key-begun",
            "The same request was begun before and has no answer yet",
            "It is at work, or control was stopped in the middle of it and nobody knows whether it was done. Ask \
             again in a minute; if this stays, look whether it was done, and send a new key to do it again."
                .into(),
        ),
        ApiError::ChangedSinceRead => (
            412,
            "changed-since-read",
            "It has changed since you read it",
            "Read it again, look at what is different, and send your change with the new `ETag` in \
             `If-Match`. Nothing was changed."
                .into(),
        ),
        // It is rendered as it was, never as a refusal.
        _ => (409, "answered", "This was answered before", String::new()),
    }
}

/// What of the state of things a request contradicts.
fn conflict_parts(error: &ApiError) -> (u16, &'static str, &'static str, String) {
    match error {
        ApiError::Managed(what) => (
            409,
            "managed-by-document",
            "A fleet document counts on it",
            format!(
                "{what} Change the document and apply it; else the next apply would fail, or undo it. Nothing \
                 was changed."
            ),
        ),
        ApiError::Provisioned(what) => (
            409,
            "managed-by-scim",
            "An identity provider says that by SCIM",
            format!(
                "{what} Change the group there; roles can be given to it here. Nothing was changed."
            ),
        ),
        ApiError::TeamsOnly(organization) => (
            409,
            "teams-only",
            "People get roles here by teams alone",
            format!(
                "The rules of organization {organization} say so (`teamsOnly`): give the role to a team that the \
                 person is in, or change the rules. Nothing was changed."
            ),
        ),
        ApiError::ReservedHost(host) => (
            409,
            "reserved-host",
            "The host is not a deployment's to have",
            format!(
                "{host} is, or reaches, where control answers or a plane's authHost. Give the \
                 deployment another host, or the plane another authHost. Nothing was changed."
            ),
        ),
        ApiError::Conflict(what) => (409, "conflict", "That can't be done now", what.clone()),
        other => (409, "conflict", "That can't be done now", other.to_string()),
    }
}

/// What was here once.
fn over_parts(error: &ApiError) -> (u16, &'static str, &'static str, String) {
    match error {
        ApiError::OverInOrganization => (
            410,
            OVER_IN_ORGANIZATION,
            "The session is over in this organization",
            OVER_THERE.into(),
        ),
        ApiError::Gone(what) => (410, "gone", "That is over", (*what).to_owned()),
        other => (410, "gone", "That is over", other.to_string()),
    }
}

/// What a database's answer means to a caller.
fn store_parts(error: &aeolus_store::StoreError) -> (u16, &'static str, &'static str, String) {
    use aeolus_store::StoreError as S;
    if error.is_outage() {
        return (
            503,
            "store",
            "The database can't answer",
            "Try again shortly; the log has the cause under this request's id.".into(),
        );
    }
    let (code, detail) = match error {
        S::Taken(what) => ("taken", format!("There already is {}.", what.name())),
        S::ForeignHost => (
            "foreign-host",
            "The host belongs to another organization; give each its own hosts.".to_owned(),
        ),
        S::Reference => (
            "reference",
            "Something it names doesn't exist, or something else still depends on it.".to_owned(),
        ),
        _ => (
            "changed-meanwhile",
            "Somebody changed it meanwhile; read it again and retry.".to_owned(),
        ),
    };
    (
        409,
        code,
        "That can't be done now",
        format!("{detail} Nothing was changed."),
    )
}
