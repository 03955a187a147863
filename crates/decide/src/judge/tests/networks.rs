//! From where an organization lets anybody ask.

use aeolus_keys::Kind;

use super::{allowed, denied};
use crate::fixture::*;
use crate::request::Request;
use crate::{Decision, Headers, Reason};

fn ask(fleet: &Fleet, target: &str, bearer: Option<&str>, peer: Option<&str>) -> Decision {
    let headers = bearer.map(|bearer| ("authorization", bearer.as_bytes()));
    fleet.decide(&Request {
        method: b"GET",
        host: Some(b"etl.test"),
        target: target.as_bytes(),
        headers: Headers::collect(headers),
        peer: peer.map(|peer| peer.parse().unwrap()),
        ..Request::default()
    })
}

#[test]
fn what_is_not_public_is_refused_from_elsewhere_whatever_the_credential() {
    let mut fleet = Fleet::new();
    let networks = ["10.0.0.0/8", "fd00::/8"];
    fleet.sections.deployments.deployments[0].networks = networks.map(str::to_owned).to_vec();
    let good = fleet.bearer(Kind::Access, &fleet.access_claims());
    for inside in ["10.1.2.3", "::ffff:10.1.2.3", "fd00::1"] {
        assert!(
            allowed(&ask(&fleet, "/api/v2/dags", Some(&good), Some(inside))),
            "{inside}"
        );
    }
    for outside in [Some("192.0.2.1"), Some("::1"), None] {
        for bearer in [Some(good.as_str()), Some("Bearer x"), None] {
            let answer = ask(&fleet, "/api/v2/dags", bearer, outside);
            assert_eq!(denied(answer), Reason::Network, "{outside:?}");
        }
        let health = ask(&fleet, "/api/v2/monitor/health", None, outside);
        assert!(allowed(&health), "the public is not bounded");
    }
}
