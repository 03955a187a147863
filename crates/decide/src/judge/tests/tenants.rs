//! What is issued in one organization, at the gate's hosts of each: every kind of credential, both ways.

use aeolus_model::DeploymentId;

use super::*;

/// An organization with its one deployment and that one's host.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Tenant {
    organization: OrganizationId,
    deployment: DeploymentId,
    host: &'static str,
}

const TENANTS: [Tenant; 2] = [
    Tenant {
        organization: ACME,
        deployment: ETL,
        host: "etl.test",
    },
    Tenant {
        organization: OTHER,
        deployment: FOREIGN,
        host: "foreign.test",
    },
];

/// Two organizations that let in whoever is in the other: grants refuse nobody here.
fn open_fleet() -> Fleet {
    use section::SubjectKind::{Token, User};
    let mut fleet = Fleet::new();
    for tenant in TENANTS {
        let all = Resource::Organization(tenant.organization);
        let grants = &mut fleet.sections.grants.grants;
        grants.push(grant(User, ANN.as_bytes(), all, Role::OrganizationOwner));
        grants.push(grant(Token, BOT.as_bytes(), all, Role::OrganizationOwner));
    }
    fleet
}

/// A header of each kind of credential of a tenant, and why another tenant refuses it.
fn credentials(fleet: &Fleet, of: Tenant) -> [(&'static str, String, Reason); 4] {
    let mut access = fleet.access_claims();
    access.aud = format!("urn:aeolus:deployment:{}", of.deployment);
    access.org = Some(of.organization);
    let mut api = fleet.api_claims();
    api.aud = format!("urn:aeolus:org:{}", of.organization);
    api.ent = Resource::Organization(of.organization);
    let mut direct = fleet.direct_claims();
    direct.aud = format!("urn:aeolus:direct:{}", of.organization);
    direct.ent = Resource::Organization(of.organization);
    direct.grants = TENANTS
        .map(|tenant| aeolus_keys::claims::DirectGrant {
            resource: Resource::Deployment(tenant.deployment),
            role: Role::DeploymentAdmin,
        })
        .to_vec();
    let cookie = fleet.seal(of.host, fleet.cookie_claims());
    [
        (
            "authorization",
            fleet.bearer(Kind::Access, &access),
            Reason::TokenAudience,
        ),
        (
            "authorization",
            fleet.bearer(Kind::Api, &api),
            Reason::TokenAudience,
        ),
        (
            "authorization",
            fleet.bearer(Kind::Direct, &direct),
            Reason::TokenAudience,
        ),
        ("cookie", cookie, Reason::SessionMalformed),
    ]
}

#[test]
fn t36_every_kind_of_credential_is_good_in_its_own_organization_alone() {
    for own in TENANTS {
        for (kind, (name, value, refusal)) in credentials(&open_fleet(), own).iter().enumerate() {
            // Only this tenant's cookie is sealed.
            let fleet = open_fleet();
            credentials(&fleet, own);
            for at in TENANTS {
                let what = format!("credential {kind} of {} at {}", own.host, at.host);
                let decision = fleet.ask("GET /api/v2/dags", at.host, &[(*name, value)]);
                if at == own {
                    assert!(allowed(&decision), "{what}: {decision:?}");
                } else {
                    assert_eq!(denied(decision), *refusal, "{what}");
                }
            }
        }
    }
}

/// Where only the name of an organization or of a deployment is another's.
#[test]
fn t36_nor_is_one_that_names_both() {
    let fleet = open_fleet();
    let [acme, other] = TENANTS;
    let ask = |at: Tenant, bearer: &str| {
        let headers = [("authorization", bearer)];
        fleet.ask("GET /api/v2/dags", at.host, &headers)
    };
    let mut access = fleet.access_claims();
    access.aud = format!("urn:aeolus:deployment:{}", other.deployment);
    let access = fleet.bearer(Kind::Access, &access);
    for at in TENANTS {
        assert_eq!(denied(ask(at, &access)), Reason::TokenAudience);
    }
    let mut api = fleet.api_claims();
    api.ent = Resource::Organization(other.organization);
    let api = fleet.bearer(Kind::Api, &api);
    assert_eq!(denied(ask(acme, &api)), Reason::Scope);
    assert_eq!(denied(ask(other, &api)), Reason::TokenAudience);
    let mut direct = fleet.direct_claims();
    direct.ent = Resource::Organization(other.organization);
    let direct = fleet.bearer(Kind::Direct, &direct);
    assert_eq!(denied(ask(acme, &direct)), Reason::Scope);
    assert_eq!(denied(ask(other, &direct)), Reason::TokenAudience);
}

/// A session that is good at the other organization's host as well has no power there of the first.
#[test]
fn t36_a_session_at_both_has_in_each_what_is_granted_there() {
    let fleet = Fleet::new();
    for at in TENANTS {
        let cookie = fleet.seal(at.host, fleet.cookie_claims());
        let decision = fleet.ask("GET /api/v2/dags", at.host, &[("cookie", &cookie)]);
        if at.organization == ACME {
            assert!(allowed(&decision), "{decision:?}");
        } else {
            assert_eq!(denied(decision), Reason::Forbidden);
        }
    }
}
