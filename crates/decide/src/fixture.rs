//! A small fleet for this crate's tests: two organizations, three deployments, some people.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use aeolus_keys::claims::{self, AccessKind, ApiKind, DirectKind};
use aeolus_keys::{Alg, Kind, SigningKey};
use aeolus_model::{
    ConnectionId, DeploymentId, OrganizationId, Permission, PermissionSet, Resource, Role,
    SessionId, Time, TokenId, UserId, WorkspaceId,
};
use aeolus_snapshot::{Sections, section};
use aeolus_testkit::SeededRng;

use crate::{
    Decision, Freshness, Headers, Judge, Memory, Reason, Request, SessionCookie, Site, Verified,
    World,
};

pub(crate) const NOW: Time = Time::from_secs(1_900_000_000);
pub(crate) const ISSUER: &str = "https://control.test";
pub(crate) const ACME: OrganizationId = OrganizationId::from_bytes([1; 16]);
pub(crate) const OTHER: OrganizationId = OrganizationId::from_bytes([2; 16]);
pub(crate) const SALES: WorkspaceId = WorkspaceId::from_bytes([3; 16]);
pub(crate) const ETL: DeploymentId = DeploymentId::from_bytes([4; 16]);
pub(crate) const BI: DeploymentId = DeploymentId::from_bytes([5; 16]);
pub(crate) const FOREIGN: DeploymentId = DeploymentId::from_bytes([6; 16]);
/// Owner of ACME.
pub(crate) const ANN: UserId = UserId::from_bytes([7; 16]);
/// Viewer of ETL only.
pub(crate) const EVE: UserId = UserId::from_bytes([8; 16]);
/// API token with the operator role in the workspace.
pub(crate) const BOT: TokenId = TokenId::from_bytes([9; 16]);
pub(crate) const SESSION: SessionId = SessionId::from_bytes([10; 16]);
pub(crate) const LOCAL: ConnectionId = ConnectionId::from_bytes([11; 16]);

pub(crate) struct Fleet {
    pub(crate) sections: Sections,
    pub(crate) missing: BTreeSet<OrganizationId>,
    pub(crate) age: Option<Duration>,
    pub(crate) now: Time,
    pub(crate) renewed: HashMap<(SessionId, OrganizationId), Time>,
    pub(crate) ended: HashSet<SessionId>,
    pub(crate) cookies: RefCell<HashMap<Vec<u8>, SessionCookie>>,
    pub(crate) access: SigningKey,
    pub(crate) api: SigningKey,
    pub(crate) direct: SigningKey,
}

/// Some session, where which one is of no interest.
pub(crate) const fn some_credential() -> crate::Credential {
    crate::Credential::Session(SessionCookie {
        session: SessionId::from_bytes([9; 16]),
        user: UserId::from_bytes([7; 16]),
        connection: ConnectionId::from_bytes([8; 16]),
        auth_time: Time::EPOCH,
        access_start: Time::EPOCH,
        access_end: Time::EPOCH,
        absolute_end: Time::EPOCH,
        begun: crate::Begun::AtControl,
    })
}

impl Memory for Fleet {
    fn verified(&self, token: &[u8], world: &World, now: Time) -> Result<Arc<Verified>, Reason> {
        world.verify(token, now).map(Arc::new)
    }

    fn open_session(&self, site: Site<'_>, value: &[u8]) -> Option<SessionCookie> {
        let key = [format!("{site:?}|").as_bytes(), value].concat();
        self.cookies.borrow().get(&key).copied()
    }

    fn renewed(&self, session: SessionId, organization: OrganizationId) -> Option<Time> {
        self.renewed.get(&(session, organization)).copied()
    }

    fn ended(&self, session: SessionId, _: OrganizationId) -> bool {
        self.ended.contains(&session)
    }
}

fn deployment(id: DeploymentId, organization: OrganizationId, host: &str) -> section::Deployment {
    section::Deployment {
        id: id.as_bytes().to_vec(),
        organization: organization.as_bytes().to_vec(),
        workspace: SALES.as_bytes().to_vec(),
        name: host.replace('.', "-"),
        routes: vec![section::Route {
            host: host.to_owned(),
            path_prefix: String::new(),
        }],
        profile: section::Profile::Airflow3 as i32,
        max_stale: 86_400,
        hard_stale: 7 * 86_400,
        stale_then: section::StalePolicy::ServeUntilExp as i32,
        ..section::Deployment::default()
    }
}

pub(crate) fn grant(
    kind: section::SubjectKind,
    subject: &[u8],
    at: Resource,
    role: Role,
) -> section::Grant {
    let (resource_kind, resource) = match at {
        Resource::System => (section::ResourceKind::System, vec![]),
        Resource::Organization(id) => (section::ResourceKind::Organization, id.as_bytes().to_vec()),
        Resource::Workspace(id) => (section::ResourceKind::Workspace, id.as_bytes().to_vec()),
        Resource::Deployment(id) => (section::ResourceKind::Deployment, id.as_bytes().to_vec()),
    };
    section::Grant {
        subject_kind: kind as i32,
        subject: subject.to_vec(),
        resource_kind: resource_kind as i32,
        resource,
        permissions: role.shipped().to_bytes().to_vec(),
    }
}

fn subject(kind: section::SubjectKind, id: &[u8], email: &str) -> section::Subject {
    section::Subject {
        id: id.to_vec(),
        kind: kind as i32,
        email: email.to_owned(),
        name: email.to_owned(),
        ..section::Subject::default()
    }
}

impl Fleet {
    pub(crate) fn new() -> Self {
        use section::SubjectKind::{Token, User};
        let key = |name: &str| SigningKey::generate(Alg::EdDsa, &SeededRng::new(name)).unwrap();
        let (access, api, direct) = (key("access"), key("api"), key("direct"));
        let record = |kind: Kind, key: &SigningKey| section::TokenKey {
            kind: kind.name().to_owned(),
            jwk: key.public().to_jwk().to_json(),
        };
        let keys = vec![
            record(Kind::Access, &access),
            record(Kind::Api, &api),
            record(Kind::Direct, &direct),
        ];
        let revocations = section::Revocations {
            status: vec![0; 8],
            ..section::Revocations::default()
        };
        let sections = Sections {
            deployments: section::Deployments {
                deployments: vec![
                    deployment(ETL, ACME, "etl.test"),
                    deployment(BI, ACME, "bi.test"),
                    deployment(FOREIGN, OTHER, "foreign.test"),
                ],
            },
            subjects: section::Subjects {
                subjects: vec![
                    subject(User, ANN.as_bytes(), "ann@example.com"),
                    subject(User, EVE.as_bytes(), "eve@example.com"),
                    subject(Token, BOT.as_bytes(), ""),
                ],
                teams: vec![],
            },
            grants: section::GrantList {
                grants: vec![
                    grant(
                        User,
                        ANN.as_bytes(),
                        Resource::Organization(ACME),
                        Role::OrganizationOwner,
                    ),
                    grant(
                        User,
                        EVE.as_bytes(),
                        Resource::Deployment(ETL),
                        Role::DeploymentViewer,
                    ),
                    grant(
                        Token,
                        BOT.as_bytes(),
                        Resource::Workspace(SALES),
                        Role::WorkspaceOperator,
                    ),
                ],
            },
            keys: section::Keys {
                issuer: ISSUER.to_owned(),
                keys,
            },
            connections: section::Connections {
                connections: vec![section::Connection {
                    id: LOCAL.as_bytes().to_vec(),
                    name: "local".to_owned(),
                    kind: "local".to_owned(),
                    session_tokens: None,
                    plane_registration: None,
                }],
                identity_salt: Vec::new(),
                auth_host: String::new(),
            },
            rollouts: section::Rollouts::default(),
            certificates: section::Certificates::default(),
            changes: section::Changes::default(),
            revocations: [(ACME, revocations.clone()), (OTHER, revocations)].into(),
        };
        Self {
            sections,
            missing: BTreeSet::new(),
            age: Some(Duration::ZERO),
            now: NOW,
            renewed: HashMap::new(),
            ended: HashSet::new(),
            cookies: RefCell::default(),
            access,
            api,
            direct,
        }
    }

    pub(crate) fn world(&self) -> World {
        World::from_sections(&self.sections, &self.missing)
    }

    pub(crate) fn revocations(&mut self) -> &mut section::Revocations {
        self.sections.revocations.get_mut(&ACME).unwrap()
    }

    pub(crate) fn decide(&self, request: &Request<'_>) -> Decision {
        let world = self.world();
        let judge = Judge {
            world: &world,
            memory: self,
            freshness: Freshness { age: self.age },
            now: self.now,
        };
        judge.decide(request)
    }

    /// Decides `METHOD target` at a host with these headers.
    pub(crate) fn ask(&self, line: &str, host: &str, headers: &[(&str, &str)]) -> Decision {
        let (method, target) = line.split_once(' ').unwrap();
        self.decide(&Request {
            method: method.as_bytes(),
            host: Some(host.as_bytes()),
            target: target.as_bytes(),
            headers: Headers::collect(headers.iter().map(|(n, v)| (*n, v.as_bytes()))),
            ..Request::default()
        })
    }

    pub(crate) fn access_claims(&self) -> claims::Access {
        claims::Access {
            iss: ISSUER.to_owned(),
            aud: format!("urn:aeolus:deployment:{ETL}"),
            sub: ANN,
            iat: self.now.secs(),
            exp: self.now.secs() + 3_600,
            jti: "a".to_owned(),
            client_id: "cli".to_owned(),
            org: Some(ACME),
            sid: SESSION,
            auth_time: self.now.secs() - 10,
            amr: vec![],
            acr: None,
            kind: AccessKind,
        }
    }

    pub(crate) fn api_claims(&self) -> claims::Api {
        claims::Api {
            iss: ISSUER.to_owned(),
            aud: format!("urn:aeolus:org:{ACME}"),
            sub: BOT,
            client_id: BOT,
            iat: self.now.secs() - 100,
            nbf: self.now.secs() - 100,
            exp: self.now.secs() + 3_600,
            jti: "b".to_owned(),
            idx: 5,
            status: None,
            ent: Resource::Workspace(SALES),
            surfaces: None,
            kind: ApiKind,
        }
    }

    pub(crate) fn direct_claims(&self) -> claims::Direct {
        claims::Direct {
            iss: ISSUER.to_owned(),
            aud: format!("urn:aeolus:direct:{ACME}"),
            sub: TokenId::from_bytes([99; 16]),
            client_id: TokenId::from_bytes([99; 16]),
            iat: self.now.secs(),
            nbf: self.now.secs(),
            exp: self.now.secs() + 3_600,
            jti: "c".to_owned(),
            idx: 6,
            status: None,
            ent: Resource::Organization(ACME),
            grants: vec![claims::DirectGrant {
                resource: Resource::Deployment(ETL),
                role: Role::DeploymentAdmin,
            }],
            perms: None,
            kind: DirectKind,
        }
    }

    pub(crate) fn cookie_claims(&self) -> SessionCookie {
        SessionCookie {
            session: SESSION,
            user: ANN,
            connection: LOCAL,
            auth_time: self.now.minus(Duration::from_secs(10)),
            access_start: self.now,
            access_end: self.now.plus(Duration::from_secs(8 * 3_600)),
            absolute_end: self.now.plus(Duration::from_secs(30 * 86_400)),
            begun: crate::Begun::AtControl,
        }
    }

    /// Seals a cookie for a host with a name of its own; the header that carries it.
    pub(crate) fn seal(&self, host: &str, cookie: SessionCookie) -> String {
        self.seal_at(Site::Named(host), cookie)
    }

    pub(crate) fn seal_at(&self, site: Site<'_>, cookie: SessionCookie) -> String {
        let key = format!("{site:?}|sealed").into_bytes();
        self.cookies.borrow_mut().insert(key, cookie);
        "__Host-aeolus=sealed".to_owned()
    }

    pub(crate) fn bearer(&self, kind: Kind, claims: &impl serde::Serialize) -> String {
        let key = match kind {
            Kind::Access => &self.access,
            Kind::Api => &self.api,
            _ => &self.direct,
        };
        format!("Bearer {}", key.sign(kind, claims).unwrap())
    }
}

/// The reason of a refusal; panics if it is none.
pub(crate) fn denied(decision: Decision) -> Reason {
    match decision {
        Decision::Deny(deny) => deny.reason,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn allowed(decision: &Decision) -> bool {
    matches!(decision, Decision::Allow(_))
}

pub(crate) fn no_door() -> PermissionSet {
    PermissionSet::EMPTY.with(Permission::DeploymentAirflowAdmin)
}
