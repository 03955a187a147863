//! Where an organization wants a second factor of people.

use super::*;
use crate::{Begun, SessionCookie};

#[test]
fn a_deployment_that_wants_a_second_factor_takes_the_providers_word_for_it_and_nothing_less() {
    let mut fleet = fleet();
    assert!(allowed(&get(&fleet, &rsa(&claims()))), "nothing is wanted");
    fleet.sections.deployments.deployments[0].second_factor = true;
    change(&mut fleet).second_factor_acr = vec!["urn:okta:loa:2fa:any".to_owned()];
    for proven in [
        with("amr", json!(["pwd", "mfa"])),
        with("amr", json!("mfa")),
        with("acr", json!("urn:okta:loa:2fa:any")),
    ] {
        assert!(allowed(&get(&fleet, &rsa(&proven))), "{proven}");
    }
    for unproven in [
        claims(),
        with("amr", json!(["pwd", "otp"])),
        with("amr", json!(["MFA"])),
        with("amr", json!([["mfa"]])),
        with("amr", json!({"mfa": true})),
        with("amr", json!(5)),
        with("acr", json!("mfa")),
        with("acr", json!(["urn:okta:loa:2fa:any"])),
        with("acr", json!("urn:okta:loa:2fa:any ")),
    ] {
        let answer = get(&fleet, &rsa(&unproven));
        assert_eq!(denied(answer), Reason::SecondFactor, "{unproven}");
    }
}

#[test]
fn programs_and_sessions_that_control_let_in_are_not_asked_for_a_second_factor() {
    let mut fleet = fleet();
    fleet.sections.deployments.deployments[0].second_factor = true;
    for bearer in [
        fleet.bearer(Kind::Api, &fleet.api_claims()),
        fleet.bearer(Kind::Direct, &fleet.direct_claims()),
        fleet.bearer(Kind::Access, &fleet.access_claims()),
    ] {
        let answer = fleet.ask(
            "GET /api/v2/dags",
            "etl.test",
            &[("authorization", &bearer)],
        );
        assert!(allowed(&answer));
    }
    for (begun, lets_in) in [
        (Begun::AtControl, true),
        (
            Begun::Here {
                second_factor: true,
            },
            true,
        ),
        (
            Begun::Here {
                second_factor: false,
            },
            false,
        ),
    ] {
        let cookie = SessionCookie {
            begun,
            ..fleet.cookie_claims()
        };
        let sealed = fleet.seal("etl.test", cookie);
        let answer = fleet.ask("GET /api/v2/dags", "etl.test", &[("cookie", &sealed)]);
        assert_eq!(allowed(&answer), lets_in, "{begun:?}");
    }
}
