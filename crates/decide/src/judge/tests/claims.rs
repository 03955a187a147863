//! Each claim of each kind of token, taken away, of each other type, and changed. The signature is good
//! each time: what holds is that every claim is read, and read strictly. The snapshot says what a gate
//! answers; the assertions say what no edit of it may make true.

use std::fmt::Write as _;

use aeolus_keys::Kind;
use aeolus_testkit::claims::{Change, changes};
use serde_json::{Map, Value};

use super::get;
use crate::fixture::Fleet;
use crate::{Decision, Reason};

/// Claims that may be absent. What they say only narrows, or is not asked at a gate.
const OPTIONAL: [&str; 4] = ["acr", "amr", "perms", "surfaces"];
/// Claims that may have another value: a gate has nothing to compare it with, or it is a bound that is
/// kept all the same.
const FREE: [&str; 14] = [
    "acr longer",
    "acr empty",
    "amr other",
    "auth_time later",
    "auth_time earlier",
    "client_id longer",
    "client_id other",
    "exp later",
    "iat earlier",
    "jti longer",
    "jti empty",
    "nbf earlier",
    "sid other",
    // Its authority is inside, nobody has a record of it.
    "direct.sub other",
];

fn claims_of(fleet: &Fleet, kind: Kind) -> Map<String, Value> {
    let claims = match kind {
        Kind::Access => {
            let mut claims = fleet.access_claims();
            claims.amr = vec!["pwd".to_owned()];
            claims.acr = Some("1".to_owned());
            serde_json::to_value(claims)
        }
        Kind::Api => {
            let mut claims = fleet.api_claims();
            claims.surfaces = Some(vec![aeolus_keys::claims::Surface::Planes]);
            serde_json::to_value(claims)
        }
        _ => {
            let mut claims = fleet.direct_claims();
            claims.perms = Some(vec![aeolus_model::Permission::DeploymentAirflowGet]);
            serde_json::to_value(claims)
        }
    };
    match claims.unwrap() {
        Value::Object(claims) => claims,
        other => panic!("{other}"),
    }
}

/// What a gate says, in a word.
fn said(fleet: &Fleet, kind: Kind, claims: &Map<String, Value>) -> String {
    match get(fleet, &fleet.bearer(kind, claims)) {
        Decision::Allow(_) => "allowed".to_owned(),
        Decision::Deny(deny) => deny.reason.code().to_owned(),
        other @ Decision::SignIn(_) => format!("{other:?}"),
    }
}

#[test]
fn t24_t28_t38_each_claim_of_each_kind_is_read_strictly() {
    let fleet = Fleet::new();
    let mut matrix = String::new();
    for kind in [Kind::Access, Kind::Api, Kind::Direct] {
        let good = claims_of(&fleet, kind);
        assert_eq!(said(&fleet, kind, &good), "allowed", "{kind}");
        for (claim, value) in &good {
            for (change, other) in changes(value) {
                let mut claims = good.clone();
                claims.remove(claim);
                claims.extend(other.map(|other| (claim.clone(), other)));
                let said = said(&fleet, kind, &claims);
                let what = format!("{kind}.{claim} {}", change.name());
                writeln!(matrix, "{what}: {said}").unwrap();
                let may_pass = match change {
                    Change::Gone | Change::Retyped("null") => OPTIONAL.contains(&claim.as_str()),
                    Change::Retyped(_) => false,
                    Change::Other(_) => FREE.iter().any(|free| what.ends_with(free)),
                };
                assert!(said != "allowed" || may_pass, "{what}");
            }
        }
    }
    insta::assert_snapshot!(matrix);
}

/// We have no `DPoP` (RFC 9449): its scheme is no credential, its proof changes nothing, and a token that
/// needs one is none.
#[test]
fn o17_dpop_is_no_credential_and_a_bound_token_no_bearer() {
    let fleet = Fleet::new();
    for kind in [Kind::Access, Kind::Api, Kind::Direct] {
        let good = claims_of(&fleet, kind);
        let bearer = fleet.bearer(kind, &good);
        let token = bearer.strip_prefix("Bearer ").unwrap();
        let reason = |headers: &[(&str, &str)]| {
            let decision = fleet.ask("GET /api/v2/dags", "etl.test", headers);
            crate::fixture::denied(decision)
        };
        for scheme in ["DPoP", "dpop"] {
            let header = format!("{scheme} {token}");
            let headers = [("authorization", header.as_str()), ("dpop", token)];
            assert_eq!(reason(&headers), Reason::SchemeUnknown, "{kind}");
        }
        // Nor is there one in the proof's header.
        assert_eq!(reason(&[("dpop", token)]), Reason::CredentialMissing);
        let proven = [("authorization", bearer.as_str()), ("dpop", "eyJ.eyJ.x")];
        let decision = fleet.ask("GET /api/v2/dags", "etl.test", &proven);
        assert!(crate::fixture::allowed(&decision), "{kind}");
        let mut bound = good.clone();
        bound.insert("cnf".to_owned(), serde_json::json!({"jkt": "x"}));
        assert_eq!(said(&fleet, kind, &bound), "token_claims", "{kind}");
    }
}
