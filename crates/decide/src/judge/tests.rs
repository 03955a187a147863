mod claims;
mod networks;
mod reference;
mod revoked;
mod tenants;
mod times;
mod wildcards;

use std::time::Duration;

use aeolus_keys::Kind;
use aeolus_model::{AirflowRole, Resource, Role, UserId};
use aeolus_snapshot::section;
use proptest::prelude::*;

use super::*;
use crate::Headers;
use crate::fixture::*;

const HOUR: Duration = Duration::from_secs(3_600);

fn get(fleet: &Fleet, bearer: &str) -> Decision {
    fleet.ask("GET /api/v2/dags", "etl.test", &[("authorization", bearer)])
}

fn role(decision: &Decision) -> Option<AirflowRole> {
    match decision {
        Decision::Allow(allowed) => match allowed.access() {
            Access::As(identity) => identity.role,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

#[test]
fn tokens_of_each_kind_pass_where_they_are_for() {
    let fleet = Fleet::new();
    let access = fleet.bearer(Kind::Access, &fleet.access_claims());
    assert_eq!(role(&get(&fleet, &access)), Some(AirflowRole::Admin));
    let api = fleet.bearer(Kind::Api, &fleet.api_claims());
    assert_eq!(role(&get(&fleet, &api)), Some(AirflowRole::Op));
    let on_bi = fleet.ask("POST /x", "bi.test", &[("authorization", &api)]);
    assert_eq!(role(&on_bi), Some(AirflowRole::Op));
    // Capped: an administrator's role inside a direct token is an operator's at most.
    let direct = fleet.bearer(Kind::Direct, &fleet.direct_claims());
    assert_eq!(role(&get(&fleet, &direct)), Some(AirflowRole::Op));
    let on_bi = fleet.ask("GET /x", "bi.test", &[("authorization", &direct)]);
    assert_eq!(denied(on_bi), Reason::Forbidden);
}

#[test]
fn a_direct_tokens_permissions_only_narrow() {
    let fleet = Fleet::new();
    let mut claims = fleet.direct_claims();
    claims.perms = Some(vec![aeolus_model::Permission::DeploymentAirflowGet]);
    let narrowed = fleet.bearer(Kind::Direct, &claims);
    assert_eq!(role(&get(&fleet, &narrowed)), Some(AirflowRole::Viewer));
    claims.grants[0].resource = Resource::System;
    let system = fleet.bearer(Kind::Direct, &claims);
    assert_eq!(denied(get(&fleet, &system)), Reason::Forbidden);
}

#[test]
fn t7_t29_wrong_issuer_audience_key_and_kind_are_refused() {
    let fleet = Fleet::new();
    let try_access = |change: fn(&mut aeolus_keys::claims::Access)| {
        let mut claims = fleet.access_claims();
        change(&mut claims);
        denied(get(&fleet, &fleet.bearer(Kind::Access, &claims)))
    };
    assert_eq!(try_access(|c| c.iss += "/"), Reason::TokenIssuer);
    assert_eq!(
        try_access(|c| c.aud = ISSUER.to_owned()),
        Reason::TokenAudience
    );
    assert_eq!(
        try_access(|c| c.aud = format!("urn:aeolus:deployment:{BI}")),
        Reason::TokenAudience
    );
    assert_eq!(try_access(|c| c.org = Some(OTHER)), Reason::TokenAudience);
    assert_eq!(try_access(|c| c.org = None), Reason::TokenClaims);
    assert_eq!(
        try_access(|c| c.exp = NOW.secs() - 60),
        Reason::TokenExpired
    );
    assert_eq!(
        try_access(|c| c.iat = NOW.secs() + 61),
        Reason::TokenNotYetValid
    );
    // A token signed by another kind's key, or with claims of another kind.
    let crossed = fleet.api.sign(Kind::Api, &fleet.access_claims()).unwrap();
    assert_eq!(
        denied(get(&fleet, &format!("Bearer {crossed}"))),
        Reason::TokenClaims
    );
    // Flipping any one of the last bytes breaks the signature.
    let good = fleet.bearer(Kind::Access, &fleet.access_claims());
    let mut bad = good.into_bytes();
    let at = bad.len() - 10;
    bad[at] = if bad[at] == b'A' { b'B' } else { b'A' };
    let bad = String::from_utf8(bad).unwrap();
    assert_eq!(denied(get(&fleet, &bad)), Reason::TokenSignature);
}

#[test]
fn t36_an_organizations_token_opens_nothing_of_anothers() {
    let fleet = Fleet::new();
    let api = fleet.bearer(Kind::Api, &fleet.api_claims());
    let there = fleet.ask("GET /x", "foreign.test", &[("authorization", &api)]);
    assert_eq!(denied(there), Reason::TokenAudience);
}

#[test]
fn an_api_tokens_entity_and_surfaces_bound_it() {
    let fleet = Fleet::new();
    let mut claims = fleet.api_claims();
    claims.ent = Resource::Deployment(BI);
    assert_eq!(
        denied(get(&fleet, &fleet.bearer(Kind::Api, &claims))),
        Reason::Scope
    );
    claims.ent = Resource::System;
    assert_eq!(
        denied(get(&fleet, &fleet.bearer(Kind::Api, &claims))),
        Reason::Scope
    );
    let mut claims = fleet.api_claims();
    claims.surfaces = Some(vec![aeolus_keys::claims::Surface::Control]);
    assert_eq!(
        denied(get(&fleet, &fleet.bearer(Kind::Api, &claims))),
        Reason::TokenSurface
    );
}

#[test]
fn t44_revoked_ended_marked_and_unknown_values_are_refused() {
    let mut fleet = Fleet::new();
    let api = fleet.bearer(Kind::Api, &fleet.api_claims());
    fleet.revocations().status[0] = 1 << 5;
    assert_eq!(denied(get(&fleet, &api)), Reason::TokenRevoked);
    fleet.revocations().status = vec![];
    assert_eq!(denied(get(&fleet, &api)), Reason::TokenIndexUnknown);
    fleet.revocations().status = vec![0; 8];
    fleet.revocations().ends = vec![section::End {
        index: 5,
        not_after: NOW.secs() - 1,
    }];
    assert_eq!(denied(get(&fleet, &api)), Reason::TokenEnded);
    fleet.revocations().ends.clear();
    fleet.revocations().marks = vec![section::Mark {
        subject_kind: section::SubjectKind::Token as i32,
        subject: BOT.as_bytes().to_vec(),
        not_before: NOW.secs(),
    }];
    assert_eq!(denied(get(&fleet, &api)), Reason::SubjectMark);
    fleet.revocations().marks.clear();
    fleet.revocations().not_before = NOW.secs();
    assert_eq!(denied(get(&fleet, &api)), Reason::OrganizationMark);
    fleet.revocations().not_before = 0;
    assert!(allowed(&get(&fleet, &api)));
    fleet.missing.insert(ACME);
    assert_eq!(denied(get(&fleet, &api)), Reason::RevocationsMissing);
}

#[test]
fn a_deleted_token_and_a_dropped_key_are_refused_on_every_hit() {
    let mut fleet = Fleet::new();
    let claims = fleet.api_claims();
    let world = fleet.world();
    let token = fleet.api.sign(Kind::Api, &claims).unwrap();
    let verified = world.verify(token.as_bytes(), NOW).unwrap();
    let etl = world.deployment(ETL).unwrap();
    assert_eq!(world.alive(&verified, etl, NOW), Ok(()));
    fleet.sections.keys.keys.remove(1);
    let later = fleet.world();
    assert_eq!(
        later.alive(&verified, etl, NOW),
        Err(Reason::TokenKeyUnknown)
    );
    let mut fleet = Fleet::new();
    fleet.sections.subjects.subjects.pop();
    let api = fleet.bearer(Kind::Api, &claims);
    assert_eq!(denied(get(&fleet, &api)), Reason::SubjectUnknown);
}

#[test]
fn an_access_token_dies_with_its_session() {
    let mut fleet = Fleet::new();
    let access = fleet.bearer(Kind::Access, &fleet.access_claims());
    fleet.ended.insert(SESSION);
    assert_eq!(denied(get(&fleet, &access)), Reason::SessionEnded);
    fleet.ended.clear();
    fleet.revocations().sessions = vec![section::EndedSession {
        id: SESSION.as_bytes().to_vec(),
        absolute_end: NOW.secs() + 9,
    }];
    assert_eq!(denied(get(&fleet, &access)), Reason::SessionEnded);
}

#[test]
fn t42_the_authorization_header_is_read_strictly() {
    let fleet = Fleet::new();
    let good = fleet.bearer(Kind::Api, &fleet.api_claims());
    let lower = good.replace("Bearer", "bearer");
    assert!(allowed(&get(&fleet, &lower)));
    let twice = [("authorization", &*good), ("authorization", &*good)];
    let twice = fleet.ask("GET /x", "etl.test", &twice);
    assert_eq!(denied(twice), Reason::AuthorizationRepeated);
    for (value, reason) in [
        (
            "Bearer a, Bearer b".to_owned(),
            Reason::AuthorizationMalformed,
        ),
        (good.replace(' ', "\t"), Reason::AuthorizationMalformed),
        (good.replace(' ', "  "), Reason::AuthorizationMalformed),
        ("Bearer".to_owned(), Reason::AuthorizationMalformed),
        ("Bearer ".to_owned(), Reason::AuthorizationMalformed),
        ("Basic YTpi".to_owned(), Reason::SchemeUnknown),
        ("Bearer x".to_owned(), Reason::TokenMalformed),
    ] {
        assert_eq!(denied(get(&fleet, &value)), reason, "{value}");
    }
}

#[test]
fn t48_header_and_cookie_are_never_mixed() {
    let fleet = Fleet::new();
    let cookie = fleet.seal("etl.test", fleet.cookie_claims());
    let mut claims = fleet.access_claims();
    claims.sub = EVE;
    let eve = fleet.bearer(Kind::Access, &claims);
    let both = [("authorization", &*eve), ("cookie", &*cookie)];
    assert_eq!(
        role(&fleet.ask("GET /x", "etl.test", &both)),
        Some(AirflowRole::Viewer)
    );
    let bad = [("authorization", "Bearer x"), ("cookie", &*cookie)];
    assert_eq!(
        denied(fleet.ask("GET /x", "etl.test", &bad)),
        Reason::TokenMalformed
    );
}

#[test]
fn t51_methods() {
    let fleet = Fleet::new();
    let api = fleet.bearer(Kind::Api, &fleet.api_claims());
    for line in ["TRACE /x", "CONNECT /x", "get /x", "PROPFIND /x"] {
        let answer = fleet.ask(line, "etl.test", &[("authorization", &api)]);
        assert_eq!(denied(answer), Reason::Method, "{line}");
    }
    for name in [
        "x-http-method-override",
        "x-http-method",
        "x-method-override",
    ] {
        let headers = [("authorization", &*api), (name, "DELETE")];
        let answer = fleet.ask("POST /x", "etl.test", &headers);
        assert_eq!(denied(answer), Reason::MethodOverride, "{name}");
    }
    let head = fleet.ask("HEAD /api/v2/dags", "etl.test", &[]);
    assert_eq!(denied(head), Reason::CredentialMissing);
}

#[test]
fn m3_row_46_hosts_must_agree_with_each_other_and_the_pin() {
    let fleet = Fleet::new();
    let at = |host: Option<&'static [u8]>, target: &'static [u8], pin| {
        fleet.decide(&Request {
            method: b"GET",
            host,
            target,
            pin,
            ..Request::default()
        })
    };
    let b = b"http://bi.test/static/x";
    assert_eq!(denied(at(Some(b"etl.test"), b, None)), Reason::HostsDiffer);
    assert_eq!(
        denied(at(Some(b"bi.test:81"), b, None)),
        Reason::HostsDiffer
    );
    assert_eq!(denied(at(None, b, Some(ETL))), Reason::PinMismatch);
    assert!(allowed(&at(None, b, Some(BI))));
    assert!(allowed(&at(Some(b"BI.test."), b"/static/x", Some(BI))));
    assert_eq!(
        denied(at(Some(b"nobody.test"), b"/", None)),
        Reason::HostUnknown
    );
    assert_eq!(denied(at(Some(b"a b"), b"/", None)), Reason::HostMalformed);
    assert_eq!(denied(at(None, b"/", None)), Reason::HostMissing);
}

#[test]
fn row_48_no_query_parameter_decides_anything() {
    let fleet = Fleet::new();
    for query in ["deployment=x", "rd=//evil", "access_token=x", "auth=none"] {
        let answer = fleet.ask(&format!("GET /api/v2/dags?{query}"), "etl.test", &[]);
        assert_eq!(denied(answer), Reason::CredentialMissing);
    }
}

#[test]
fn row_2_public_is_read_off_the_path_alone() {
    let fleet = Fleet::new();
    let answer = fleet.ask("GET /api/v2/dags?x=/static/y", "etl.test", &[]);
    assert_eq!(denied(answer), Reason::CredentialMissing);
    assert!(allowed(&fleet.ask("GET /static/y?x=1", "etl.test", &[])));
}

#[test]
fn row_82_browsers_are_sent_to_sign_in_and_programs_are_not() {
    let fleet = Fleet::new();
    let html = [("accept", "text/html")];
    match fleet.ask("GET /dags?x=1", "etl.test", &html) {
        Decision::SignIn(sign_in) => {
            assert_eq!(sign_in.location(), "/.aeolus/sign-in?next=/dags%3Fx%3D1");
        }
        other => panic!("{other:?}"),
    }
    let post = fleet.ask("POST /dags", "etl.test", &html);
    assert_eq!(denied(post), Reason::CredentialMissing);
    // A path that a browser might take for another host is not gone back to.
    let evil = fleet.ask("GET //evil.test", "etl.test", &html);
    assert_eq!(denied(evil), Reason::CredentialMissing);
}

#[test]
fn airflows_own_sign_in_and_out_are_handed_over() {
    let fleet = Fleet::new();
    let location = |target: &str| match fleet.ask(&format!("GET {target}"), "etl.test", &[]) {
        Decision::SignIn(sign_in) => sign_in.location(),
        other => panic!("{other:?}"),
    };
    let login = "/api/v2/auth/login";
    assert_eq!(location(login), "/.aeolus/sign-in?next=/");
    let next = "?next=https%3A%2F%2Fetl.test%2Fdags%3Fx%3D1";
    assert_eq!(
        location(&format!("{login}{next}")),
        "/.aeolus/sign-in?next=/dags%3Fx%3D1"
    );
    for evil in [
        "https://evil.test/x",
        "//evil.test",
        "%2F%5Cevil",
        "javascript:x",
    ] {
        assert_eq!(
            location(&format!("{login}?next={evil}")),
            "/.aeolus/sign-in?next=/"
        );
    }
    assert_eq!(location("/api/v2/auth/logout"), "/.aeolus/sign-out");
}

fn with_cookie(
    fleet: &Fleet,
    line: &str,
    cookie: SessionCookie,
    more: &[(&str, &str)],
) -> Decision {
    let header = fleet.seal("etl.test", cookie);
    let mut headers = vec![("cookie", &*header)];
    headers.extend_from_slice(more);
    fleet.ask(line, "etl.test", &headers)
}

#[test]
fn o28_o29_session_cookies() {
    let fleet = Fleet::new();
    let cookie = fleet.cookie_claims();
    assert_eq!(
        role(&with_cookie(&fleet, "GET /x", cookie, &[])),
        Some(AirflowRole::Admin)
    );
    assert_eq!(
        denied(with_cookie(&fleet, "POST /x", cookie, &[])),
        Reason::CrossSite
    );
    let same = [("sec-fetch-site", "same-origin")];
    assert!(allowed(&with_cookie(&fleet, "POST /x", cookie, &same)));
    let cross = [("origin", "https://evil.test")];
    assert_eq!(
        denied(with_cookie(&fleet, "DELETE /x", cookie, &cross)),
        Reason::CrossSite
    );
    // Another host's cookie, a flipped one, a twin.
    let there = fleet.ask("GET /x", "bi.test", &[("cookie", "__Host-aeolus=sealed")]);
    assert_eq!(denied(there), Reason::SessionMalformed);
    let flipped = fleet.ask("GET /x", "etl.test", &[("cookie", "__Host-aeolus=seaLed")]);
    assert_eq!(denied(flipped), Reason::SessionMalformed);
    let twin = "__Host-aeolus=sealed; __Host-aeolus=other";
    assert_eq!(
        denied(fleet.ask("GET /x", "etl.test", &[("cookie", twin)])),
        Reason::CookieAmbiguous
    );
    // The name without its prefix is not the session's on a real host.
    let bare = fleet.ask("GET /x", "etl.test", &[("cookie", "aeolus=sealed")]);
    assert_eq!(denied(bare), Reason::CredentialMissing);
}

#[test]
fn t52_a_websocket_with_a_cookie_needs_the_same_origin() {
    let fleet = Fleet::new();
    let cookie = fleet.cookie_claims();
    let socket = ("upgrade", "websocket");
    assert_eq!(
        denied(with_cookie(&fleet, "GET /ws", cookie, &[socket])),
        Reason::CrossSite
    );
    let evil = [socket, ("origin", "https://evil.test")];
    assert_eq!(
        denied(with_cookie(&fleet, "GET /ws", cookie, &evil)),
        Reason::CrossSite
    );
    let own = [socket, ("origin", "https://etl.test")];
    assert!(allowed(&with_cookie(&fleet, "GET /ws", cookie, &own)));
    let none = fleet.ask("GET /ws", "etl.test", &[socket]);
    assert_eq!(denied(none), Reason::CredentialMissing);
    let h2c = fleet.ask("GET /ws", "etl.test", &[("upgrade", "h2c")]);
    assert_eq!(denied(h2c), Reason::UpgradeNotWebsocket);
    let hop = fleet.ask("GET /x", "etl.test", &[("connection", "close, X-User")]);
    assert_eq!(denied(hop), Reason::ConnectionNamesIdentity);
}

#[test]
fn sessions_end_are_renewed_and_outlive_an_outage_within_bounds() {
    let mut fleet = Fleet::new();
    let cookie = fleet.cookie_claims();
    let used = |fleet: &Fleet| match with_cookie(fleet, "GET /x", cookie, &[]) {
        Decision::Allow(allowed) => match allowed.access() {
            Access::As(identity) => Ok(identity.session.unwrap()),
            other => panic!("{other:?}"),
        },
        Decision::Deny(deny) => Err(deny.reason),
        Decision::SignIn(_) => panic!(),
    };
    assert!(!used(&fleet).unwrap().renew);
    fleet.now = NOW.plus(6 * HOUR);
    assert!(used(&fleet).unwrap().renew);
    // Past its end with control in reach: over, unless it was renewed.
    fleet.now = NOW.plus(8 * HOUR);
    assert_eq!(used(&fleet), Err(Reason::SessionExpired));
    fleet.renewed.insert((SESSION, OTHER), NOW.plus(16 * HOUR));
    assert_eq!(used(&fleet), Err(Reason::SessionExpired), "not elsewhere");
    fleet.renewed.insert((SESSION, ACME), NOW.plus(16 * HOUR));
    assert_eq!(used(&fleet).unwrap().extended, None);
    fleet.renewed.clear();
    // Control went away before the end: it goes on for maxStale, and says so.
    fleet.now = NOW.plus(10 * HOUR);
    fleet.age = Some(3 * HOUR);
    assert!(used(&fleet).unwrap().extended.is_some());
    // Control came by after the end and the session was not renewed: over.
    fleet.age = Some(HOUR);
    assert_eq!(used(&fleet), Err(Reason::SessionExpired));
    fleet.age = None;
    assert_eq!(used(&fleet), Err(Reason::SessionExpired));
    fleet.now = NOW.plus(33 * HOUR);
    fleet.age = Some(30 * HOUR);
    assert_eq!(used(&fleet), Err(Reason::SessionExpired));
    fleet.now = cookie.absolute_end;
    fleet.renewed.insert((SESSION, ACME), fleet.now.plus(HOUR));
    assert_eq!(used(&fleet), Err(Reason::SessionExpired));
}

#[test]
fn a_session_dies_by_its_id_its_marks_and_its_connection() {
    let mut fleet = Fleet::new();
    let cookie = fleet.cookie_claims();
    fleet.ended.insert(SESSION);
    assert_eq!(
        denied(with_cookie(&fleet, "GET /x", cookie, &[])),
        Reason::SessionEnded
    );
    fleet.ended.clear();
    fleet.revocations().marks = vec![section::Mark {
        subject_kind: section::SubjectKind::User as i32,
        subject: ANN.as_bytes().to_vec(),
        not_before: NOW.secs(),
    }];
    assert_eq!(
        denied(with_cookie(&fleet, "GET /x", cookie, &[])),
        Reason::SubjectMark
    );
    fleet.revocations().marks.clear();
    fleet.sections.connections.connections.clear();
    assert_eq!(
        denied(with_cookie(&fleet, "GET /x", cookie, &[])),
        Reason::ConnectionGone
    );
}

#[test]
fn permissions_decide_and_an_unknown_person_has_none() {
    let mut fleet = Fleet::new();
    let mut claims = fleet.access_claims();
    claims.sub = EVE;
    let eve = fleet.bearer(Kind::Access, &claims);
    assert_eq!(role(&get(&fleet, &eve)), Some(AirflowRole::Viewer));
    fleet.sections.grants.grants[1].permissions = no_door().to_bytes().to_vec();
    assert_eq!(denied(get(&fleet, &eve)), Reason::Forbidden);
    claims.sub = UserId::from_bytes([77; 16]);
    let nobody = fleet.bearer(Kind::Access, &claims);
    assert_eq!(denied(get(&fleet, &nobody)), Reason::Forbidden);
}

#[test]
fn team_grants_reach_members() {
    let mut fleet = Fleet::new();
    let team = [55; 16];
    fleet.sections.subjects.subjects[1].teams = vec![team.to_vec()];
    fleet.sections.subjects.teams = vec![section::Team {
        id: team.to_vec(),
        name: "data".to_owned(),
    }];
    let at = Resource::Workspace(SALES);
    let grant = grant(
        section::SubjectKind::Team,
        &team,
        at,
        Role::WorkspaceOperator,
    );
    fleet.sections.grants.grants.push(grant);
    let mut claims = fleet.access_claims();
    claims.sub = EVE;
    let answer = get(&fleet, &fleet.bearer(Kind::Access, &claims));
    assert_eq!(role(&answer), Some(AirflowRole::Op));
    let Decision::Allow(allowed) = answer else {
        panic!()
    };
    let Access::As(identity) = allowed.access() else {
        panic!()
    };
    assert_eq!(
        identity
            .person
            .teams
            .iter()
            .map(|t| &**t)
            .collect::<Vec<_>>(),
        ["data"]
    );
}

#[test]
fn f13_f14_f15_staleness_policies_hold() {
    use section::StalePolicy::{Deny, ReadOnly, ServeUntilExp, StaticAllow, Unspecified};
    let mut fleet = Fleet::new();
    let day = 24 * HOUR;
    let api = fleet.bearer(Kind::Api, &fleet.api_claims());
    let mut ask = |policy: section::StalePolicy, age, method: &str| {
        fleet.sections.deployments.deployments[0].stale_then = policy as i32;
        fleet.age = age;
        let line = format!("{method} /api/v2/dags");
        match fleet.ask(&line, "etl.test", &[("authorization", &api)]) {
            Decision::Allow(_) => None,
            Decision::Deny(deny) => Some(deny.reason),
            Decision::SignIn(_) => panic!(),
        }
    };
    assert_eq!(ask(Deny, Some(day), "GET"), None);
    assert_eq!(ask(Deny, Some(2 * day), "GET"), Some(Reason::Stale));
    assert_eq!(ask(Unspecified, Some(2 * day), "GET"), Some(Reason::Stale));
    assert_eq!(ask(ServeUntilExp, Some(2 * day), "POST"), None);
    assert_eq!(
        ask(ServeUntilExp, Some(8 * day), "GET"),
        Some(Reason::Stale)
    );
    assert_eq!(ask(ReadOnly, Some(2 * day), "GET"), None);
    assert_eq!(
        ask(ReadOnly, Some(2 * day), "POST"),
        Some(Reason::StaleReadOnly)
    );
    assert_eq!(ask(StaticAllow, Some(80 * day), "POST"), None);
    // The bound itself still serves; the next second does not.
    let second = Duration::from_secs(1);
    assert_eq!(ask(Deny, Some(day + second), "GET"), Some(Reason::Stale));
    for (method, passes) in [
        ("GET", true),
        ("HEAD", true),
        ("OPTIONS", true),
        ("POST", false),
        ("PUT", false),
        ("PATCH", false),
        ("DELETE", false),
    ] {
        assert_eq!(ask(ReadOnly, Some(day), method), None, "{method}");
        let refused = (!passes).then_some(Reason::StaleReadOnly);
        assert_eq!(
            ask(ReadOnly, Some(day + second), method),
            refused,
            "{method}"
        );
    }
    // A clock that can't be trusted counts as past maxStale.
    assert_eq!(ask(Deny, None, "GET"), Some(Reason::Stale));
    assert_eq!(ask(ReadOnly, None, "POST"), Some(Reason::StaleReadOnly));
}

#[test]
fn f26_a_record_this_version_cannot_understand_is_refused_alone() {
    type Break = fn(&mut section::Deployment);
    let breaks: [Break; 7] = [
        |d| d.profile = 0,
        |d| d.profile = 99,
        |d| d.id = vec![1],
        |d| d.max_stale = 1,
        |d| d.task_execution_from = vec!["x".to_owned()],
        |d| d.networks = vec!["x".to_owned()],
        |d| {
            d.rules = vec![section::PathRule {
                path: "/x".to_owned(),
                methods: vec![],
                require: "everything".to_owned(),
            }];
        },
    ];
    for broken in breaks {
        let mut fleet = Fleet::new();
        broken(&mut fleet.sections.deployments.deployments[0]);
        let api = fleet.bearer(Kind::Api, &fleet.api_claims());
        assert_eq!(denied(get(&fleet, &api)), Reason::DeploymentNotUnderstood);
        let bi = fleet.ask("GET /x", "bi.test", &[("authorization", &api)]);
        assert!(allowed(&bi));
        assert_eq!(fleet.world().refused().len(), 1);
    }
}

#[test]
fn two_deployments_at_one_address_serve_nobody() {
    let mut fleet = Fleet::new();
    fleet.sections.deployments.deployments[1].routes[0].host = "etl.test".to_owned();
    let answer = fleet.ask("GET /static/x", "etl.test", &[]);
    assert_eq!(denied(answer), Reason::DeploymentNotUnderstood);
}

#[test]
fn prefixes_route_by_whole_segments_and_both_readings() {
    let mut fleet = Fleet::new();
    let records = &mut fleet.sections.deployments.deployments;
    for (record, prefix) in records.iter_mut().zip(["/etl", "/etl/bi"]) {
        record.routes[0].host = "shared.test".to_owned();
        record.routes[0].path_prefix = prefix.to_owned();
    }
    let pinned = |target: &str| match fleet.ask(&format!("GET {target}"), "shared.test", &[]) {
        Decision::Allow(allowed) => Ok(allowed.deployment().id),
        Decision::Deny(deny) => Err(deny.reason),
        Decision::SignIn(_) => panic!(),
    };
    assert_eq!(pinned("/etl/static/x"), Ok(ETL));
    assert_eq!(pinned("/etl/bi/static/x"), Ok(BI));
    assert_eq!(pinned("/etlx/static/x"), Err(Reason::HostUnknown));
    assert_eq!(pinned("/static/x"), Err(Reason::HostUnknown));
    assert_eq!(
        pinned("/etl%2Fbi/static/x"),
        Err(Reason::TargetReadingsDiffer)
    );
    assert_eq!(
        pinned("/etl/bi%2Fstatic/x"),
        Err(Reason::TargetReadingsDiffer)
    );
}

#[test]
fn equal_rule_sets_are_kept_once() {
    let world = Fleet::new().world();
    let (etl, bi) = (
        world.deployment(ETL).unwrap(),
        world.deployment(BI).unwrap(),
    );
    assert!(Arc::ptr_eq(&etl.rules, &bi.rules));
}

fn any_header() -> impl Strategy<Value = (&'static str, Vec<u8>)> {
    let names = prop::sample::select(vec![
        "authorization",
        "cookie",
        "origin",
        "accept",
        "upgrade",
        "connection",
        "sec-fetch-site",
        "sec-fetch-mode",
    ]);
    (names, proptest::collection::vec(any::<u8>(), 0..40))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn arbitrary_bytes_never_panic_and_never_open_a_private_path(
        method in proptest::collection::vec(any::<u8>(), 0..8),
        host in proptest::collection::vec(any::<u8>(), 0..24),
        target in proptest::collection::vec(any::<u8>(), 0..48),
        headers in proptest::collection::vec(any_header(), 0..6),
    ) {
        let fleet = Fleet::new();
        let headers = Headers::collect(headers.iter().map(|(n, v)| (*n, &**v)));
        for method in [&*method, b"GET"] {
            for host in [&*host, b"etl.test"] {
                let private = [b"/api/v2/dags/", &*target].concat();
                let request = Request { method, host: Some(host), target: &private, headers: headers.clone(), ..Request::default() };
                prop_assert!(!allowed(&fleet.decide(&request)));
                let request = Request { target: &target, ..request };
                let _ = fleet.decide(&request);
            }
        }
    }

    #[test]
    fn more_grants_never_remove(bytes in any::<[u8; 12]>(), write in any::<bool>()) {
        let mut fleet = Fleet::new();
        let api = fleet.bearer(Kind::Api, &fleet.api_claims());
        let line = if write { "POST /api/v2/dags" } else { "GET /api/v2/dags" };
        let ask = |fleet: &Fleet| fleet.ask(line, "etl.test", &[("authorization", &api)]);
        fleet.sections.grants.grants[2].permissions = bytes.to_vec();
        let before = allowed(&ask(&fleet));
        let mut more = fleet.sections.grants.grants[2].clone();
        more.permissions = bytes.map(|b| !b).to_vec();
        fleet.sections.grants.grants.push(more);
        prop_assert!(!before || allowed(&ask(&fleet)));
    }
}
