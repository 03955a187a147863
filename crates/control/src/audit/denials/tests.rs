use http::StatusCode;

use super::*;

fn refuse(denials: &Denials, who: Option<&Actor>, (source, route): (&str, &str), status: u16) {
    let failure = Failure {
        status: StatusCode::from_u16(status).unwrap(),
        ..Failure::from(ApiError::NoCredential)
    };
    let info = RequestInfo {
        source: source.to_owned(),
        ..RequestInfo::default()
    };
    if let Some(actor) = who {
        info.note_actor(actor);
    }
    let refused = Refused {
        failure: &failure,
        info: &info,
        route,
        path: "/v1/organizations/acme/tokens",
        about: None,
    };
    denials.note(&refused, Time::EPOCH);
}

#[test]
fn however_many_strangers_come_the_log_gets_a_few_lines() {
    let denials = Denials::default();
    for n in 0..10_000 {
        let source = format!("10.0.{}.{}", n / 256, n % 256);
        refuse(&denials, None, (&source, "/v1/me"), 401);
    }
    let waiting = denials.take(true);
    assert_eq!(waiting.strangers.seen.len(), 33);
    let rest = waiting.strangers.seen.values().map(|d| d.count).max();
    assert_eq!(rest, Some(10_000 - 32));
    assert!(waiting.known.is_empty());
    // What can't be written is counted on.
    denials.keep(waiting);
    refuse(&denials, None, ("10.0.0.0", "/v1/me"), 401);
    let again = denials.take(true).strangers;
    assert_eq!((again.seen.len(), again.beyond), (33, 0));
    assert_eq!(again.seen.values().map(|d| d.count).sum::<u64>(), 10_001);
}

#[test]
fn whoever_tries_everything_leaves_room_for_others() {
    let denials = Denials::default();
    let user = |n| Actor::User(aeolus_model::UserId::from_bytes([n; 16]));
    for n in 0..1_000 {
        let route = format!("/v1/route/{n}");
        refuse(&denials, Some(&user(1)), ("a", &route), 403);
    }
    refuse(&denials, Some(&user(2)), ("a", "/v1/me"), 403);
    let known = denials.take(false).known;
    assert_eq!((known.seen.len(), known.beyond), (18, 0));
    let of = |actor: Actor| {
        let of_one = known.seen.values().filter(move |d| d.actor == actor);
        of_one.map(|d| d.count).sum::<u64>()
    };
    assert_eq!((of(user(1)), of(user(2))), (1_000, 1));
}

/// Each organization's log has what was tried there.
#[test]
fn refusals_in_two_organizations_are_two() {
    let denials = Denials::default();
    let failure = Failure::from(ApiError::Forbidden("no".into()));
    let info = RequestInfo::default();
    info.note_actor(&Actor::System);
    for path in [
        "/v1/organizations/acme/tokens",
        "/v1/organizations/globex/tokens",
    ] {
        let refused = Refused {
            failure: &failure,
            info: &info,
            route: "/v1/organizations/{o}/tokens",
            path,
            about: None,
        };
        denials.note(&refused, Time::EPOCH);
    }
    let known = denials.take(false).known;
    let whose = known.seen.values().map(|d| d.organization.as_deref());
    assert!(whose.eq([Some("acme"), Some("globex")]));
}

#[test]
fn only_refusals_of_the_api_count() {
    let denials = Denials::default();
    let known = Actor::System;
    for (route, status) in [
        ("/v1/authorization", 401),
        ("/login", 403),
        ("/v1/me", 404),
        ("/v1/me", 500),
    ] {
        refuse(&denials, Some(&known), ("a", route), status);
    }
    assert!(denials.take(true).known.is_empty());
    for _ in 0..3 {
        refuse(&denials, Some(&known), ("a", "/v1/me"), 403);
    }
    refuse(&denials, None, ("a", "/v1/me"), 401);
    let waiting = denials.take(false);
    assert!(waiting.strangers.is_empty(), "they wait for their minute");
    let counts = waiting.known.seen.values().map(|d| d.count);
    assert_eq!(counts.collect::<Vec<_>>(), [3]);
    assert_eq!(organization_in("/v1/organizations/acme"), Some("acme"));
    assert_eq!(organization_in("/v1/organizations/"), None);
    assert_eq!(organization_in("/v1/me"), None);
}
