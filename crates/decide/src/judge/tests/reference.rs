//! The decision against a naive second opinion: written from the design's sentences, with strings
//! and linear searches only, and asked about a million generated requests.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use aeolus_keys::Kind;
use aeolus_model::{
    AirflowRole, DeploymentId, OrganizationId, Permission, Resource, Role, TokenId, UserId,
};
use aeolus_snapshot::section::{self, SubjectKind};
use aeolus_testkit::SeededRng;

use super::*;
use crate::Headers;
use crate::fixture::*;
use crate::token::{Audience, Signer};

const WORLDS: u32 = 1_000;
const PER_WORLD: u32 = 1_000;

const SEGMENTS: &[&str] = &[
    "api",
    "v2",
    "dags",
    "static",
    "version",
    "monitor",
    "health",
    "auth",
    "login",
    "logout",
    "execution",
    "edge_worker",
    "plugin",
    "open",
    "hook",
    "API",
    "",
    "a%2Fb",
    "%73tatic",
    "%2e%2e",
    "..",
    ".",
    "..;x",
    "x;y",
    "%252F",
    "%2f",
    "%zz",
    "%00",
    "a%5Cb",
    ".aeolus",
    "~",
    "a:b+c",
];
const PREFIXES: &[&str] = &[
    "",
    "/api/v2/dags",
    "/static",
    "/api/v2",
    "/api/v2/version",
    "/api/v2/auth/login",
    "/api/v2/auth/logout",
    "/execution",
    "/plugin/open",
    "/plugin/hook",
    "/team/bi",
    "/team/bi/api/v2/dags",
    "/team%2Fbi",
    "/api%2Fv2",
];
const METHODS: &[&str] = &[
    "GET", "GET", "GET", "HEAD", "OPTIONS", "POST", "POST", "PUT", "PATCH", "DELETE", "TRACE",
    "get",
];
const HOSTS: &[&str] = &[
    "etl.test",
    "etl.test",
    "ETL.test.",
    "shared.test",
    "foreign.test",
    "nobody.test",
];
const ROLES: &[Role] = &[
    Role::OrganizationOwner,
    Role::OrganizationMember,
    Role::WorkspaceOwner,
    Role::WorkspaceOperator,
    Role::WorkspaceAuthor,
    Role::WorkspaceMember,
    Role::WorkspaceAccessor,
    Role::DeploymentAdmin,
    Role::DeploymentEditor,
    Role::DeploymentViewer,
    Role::DeploymentAccessor,
];

/// What becomes of a request, without the reasons.
#[derive(Debug, PartialEq, Eq)]
enum Fate {
    As(Option<AirflowRole>),
    Anonymous,
    Through,
    SignIn,
    SignOut,
    Status(u16),
}

/// A credential as both sides know it.
#[derive(Clone)]
struct Credential {
    verified: Verified,
    revoked: bool,
}

struct Case<'a> {
    host: &'a str,
    path: String,
    method: &'a str,
    credential: Option<usize>,
}

/// Everything that one round of cases is about.
struct Round {
    fleet: Fleet,
    credentials: Vec<Credential>,
    grants: Vec<(Subject, Resource, Role)>,
    stale: Option<(StalenessPolicy, bool)>,
}

struct Stub<'a>(&'a [Credential]);

impl Memory for Stub<'_> {
    fn verified(&self, token: &[u8], _: &World, _: Time) -> Result<Arc<Verified>, Reason> {
        let number: usize = str::from_utf8(token).unwrap().parse().unwrap();
        Ok(Arc::new(self.0[number].verified.clone()))
    }

    fn open_session(&self, _: Site<'_>, _: &[u8]) -> Option<SessionCookie> {
        None
    }

    fn renewed(&self, _: SessionId, _: OrganizationId) -> Option<Time> {
        None
    }

    fn ended(&self, _: SessionId, _: OrganizationId) -> bool {
        false
    }
}

/// Small numbers from a seed.
struct Dice(SeededRng, Cell<u64>);

impl Dice {
    fn new(name: &str) -> Self {
        Self(SeededRng::new(name), Cell::new(0))
    }

    fn below(&self, n: usize) -> usize {
        // A linear congruential step is random enough to choose test cases, and cheap.
        if self.1.get() == 0 {
            let mut seed = [0; 8];
            aeolus_model::Rng::fill(&self.0, &mut seed);
            self.1.set(u64::from_le_bytes(seed) | 1);
        }
        let next = self
            .1
            .get()
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        self.1.set(next);
        usize::try_from(next >> 33).unwrap() % n
    }

    fn one<'a, T: ?Sized>(&self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len())]
    }
}

fn round(dice: &Dice) -> Round {
    let mut fleet = Fleet::new();
    let shared = |record: &mut section::Deployment, prefix: &str| {
        record.routes = vec![section::Route {
            host: "shared.test".to_owned(),
            path_prefix: prefix.to_owned(),
        }];
    };
    let rule = |path: &str, methods: &[&str], require: &str| section::PathRule {
        path: path.to_owned(),
        methods: methods.iter().map(|&m| m.to_owned()).collect(),
        require: require.to_owned(),
    };
    let records = &mut fleet.sections.deployments.deployments;
    records[0].rules = vec![
        rule("/plugin/open/**", &[], "public"),
        rule("/plugin/hook", &["POST"], "pass-through"),
        rule("/plugin/**", &[], "deployment.airflow.admin"),
    ];
    shared(&mut records[1], "/team/bi");
    let stale = match dice.below(6) {
        0 => Some((StalenessPolicy::Deny, false)),
        1 => Some((StalenessPolicy::ReadOnly, false)),
        2 => Some((StalenessPolicy::StaticAllow, true)),
        3 => Some((StalenessPolicy::ServeUntilExp, true)),
        _ => None,
    };
    for record in records.iter_mut() {
        record.stale_then = match stale.map(|(policy, _)| policy) {
            Some(StalenessPolicy::Deny) => section::StalePolicy::Deny,
            Some(StalenessPolicy::ReadOnly) => section::StalePolicy::ReadOnly,
            Some(StalenessPolicy::StaticAllow) => section::StalePolicy::StaticAllow,
            _ => section::StalePolicy::ServeUntilExp,
        } as i32;
    }
    fleet.age = match stale {
        None => Some(Duration::from_secs(10)),
        Some((_, false)) => Some(Duration::from_secs(2 * 86_400)),
        Some((_, true)) => Some(Duration::from_secs(8 * 86_400)),
    };
    let resources = [
        Resource::Organization(ACME),
        Resource::Organization(OTHER),
        Resource::Workspace(SALES),
        Resource::Deployment(ETL),
        Resource::Deployment(BI),
        Resource::Deployment(FOREIGN),
    ];
    let (mut grants, mut credentials) = (Vec::new(), Vec::new());
    let (mut people, mut list) = (Vec::new(), Vec::new());
    for number in 0..6_u8 {
        let subject = if number < 3 {
            Subject::User(UserId::from_bytes([100 + number; 16]))
        } else {
            Subject::Token(TokenId::from_bytes([100 + number; 16]))
        };
        let (kind, id) = match subject {
            Subject::User(id) => (SubjectKind::User, id.as_bytes().to_vec()),
            Subject::Token(id) => (SubjectKind::Token, id.as_bytes().to_vec()),
            Subject::Team(_) => unreachable!(),
        };
        if dice.below(8) > 0 {
            people.push(section::Subject {
                id: id.clone(),
                kind: kind as i32,
                ..section::Subject::default()
            });
            for _ in 0..dice.below(3) {
                let (at, role) = (resources[dice.below(6)], ROLES[dice.below(ROLES.len())]);
                grants.push((subject, at, role));
                list.push(grant(kind, &id, at, role));
            }
        }
        credentials.push(credential(
            dice,
            &fleet,
            subject,
            u32::from(number),
            &resources,
        ));
    }
    fleet.sections.subjects.subjects = people;
    fleet.sections.grants.grants = list;
    for revocations in fleet.sections.revocations.values_mut() {
        for (number, credential) in credentials.iter().enumerate() {
            if credential.revoked && credential.verified.index.is_some() {
                revocations.status[0] |= 1 << number;
            }
            if let (true, Subject::User(id)) = (credential.revoked, credential.verified.subject) {
                revocations.marks.push(section::Mark {
                    subject_kind: SubjectKind::User as i32,
                    subject: id.as_bytes().to_vec(),
                    not_before: NOW.secs() + 1,
                });
            }
        }
    }
    Round {
        fleet,
        credentials,
        grants,
        stale,
    }
}

fn credential(
    dice: &Dice,
    fleet: &Fleet,
    subject: Subject,
    index: u32,
    at: &[Resource],
) -> Credential {
    let user = matches!(subject, Subject::User(_));
    let deployments = [ETL, BI, FOREIGN];
    let verified = Verified {
        signer: Signer::Own {
            kind: if user { Kind::Access } else { Kind::Api },
            kid: if user { &fleet.access } else { &fleet.api }.public().kid(),
        },
        subject,
        organization: Some(if dice.below(4) == 0 { OTHER } else { ACME }),
        audience: if user {
            Audience::Deployment(deployments[dice.below(3)])
        } else {
            Audience::Organization
        },
        scope: (!user).then(|| at[dice.below(at.len())]),
        session: None,
        issued: NOW.secs(),
        not_before: NOW.secs(),
        expires: NOW.secs() + if dice.below(8) == 0 { -3_600 } else { 3_600 },
        index: (!user).then_some(index),
        held: None,
        told: crate::LastTold::default(),
    };
    Credential {
        verified,
        revoked: dice.below(6) == 0,
    }
}

fn path(dice: &Dice) -> String {
    let mut path = dice.one(PREFIXES).to_owned();
    for _ in 0..dice.below(4) * dice.below(2) {
        path.push('/');
        path.push_str(dice.one(SEGMENTS));
    }
    if path.is_empty() {
        "/".to_owned()
    } else {
        path
    }
}

// The second opinion.

fn percent_decode(path: &str) -> Option<String> {
    let mut rest = path;
    let mut bytes = Vec::new();
    while let Some(at) = rest.find('%') {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        bytes.push(u8::from_str_radix(rest.get(at + 1..at + 3)?, 16).ok()?);
        rest = &rest[at + 3..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    let text = String::from_utf8(bytes).ok()?;
    (!text.contains(|c: char| c.is_control())).then_some(text)
}

fn dotted(path: &str) -> bool {
    path.replace('\\', "/").split('/').any(|segment| {
        let name = segment.split(';').next().unwrap();
        name == "." || name == ".."
    })
}

/// Strictness by the design's order, and the permission that is needed.
fn class(deployment: DeploymentId, path: &str, method: &str) -> (u8, Vec<Permission>) {
    let safe = ["GET", "HEAD", "OPTIONS"].contains(&method);
    let below = |base: &str| path == base || path.starts_with(&format!("{base}/"));
    let private = |permission| (if safe { 3 } else { 4 }, vec![permission]);
    let open = |strictness| (strictness, Vec::new());
    if below("/.aeolus") || below("/execution") || below("/edge_worker") {
        return open(5);
    }
    if deployment == ETL {
        if below("/plugin/open") {
            return open(1);
        }
        if path == "/plugin/hook" && method == "POST" {
            return open(0);
        }
        if below("/plugin") {
            return private(Permission::DeploymentAirflowAdmin);
        }
    }
    match path {
        _ if safe && below("/static") => open(1),
        "/api/v2/version" | "/api/v2/monitor/health" if safe => open(1),
        "/api/v2/auth/login" if safe => open(2),
        "/api/v2/auth/logout" if safe => (2, vec![Permission::DeploymentAirflowAdmin]),
        _ => private(Permission::DeploymentAirflowGet),
    }
}

fn expected(round: &Round, case: &Case<'_>) -> Fate {
    if !["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"].contains(&case.method) {
        return Fate::Status(405);
    }
    let Some(decoded) = percent_decode(&case.path) else {
        return Fate::Status(400);
    };
    if dotted(&case.path) || dotted(&decoded) {
        return Fate::Status(400);
    }
    let host = case.host.to_lowercase();
    let on = |path: &str| match host.trim_end_matches('.') {
        "etl.test" => Some((ETL, ACME, path.to_owned())),
        "foreign.test" => Some((FOREIGN, OTHER, path.to_owned())),
        "shared.test" if path == "/team/bi" || path.starts_with("/team/bi/") => {
            Some((BI, ACME, path["/team/bi".len()..].to_owned()))
        }
        _ => None,
    };
    let (raw, read) = match (on(&case.path), on(&decoded)) {
        (None, None) => return Fate::Status(404),
        (Some(raw), Some(read)) => (raw, read),
        _ => return Fate::Status(400),
    };
    let (deployment, organization) = (raw.0, raw.1);
    let mut readings = vec![
        class(deployment, &raw.2, case.method),
        class(deployment, &read.2, case.method),
    ];
    let twice = percent_decode(&decoded).is_none_or(|twice| twice != decoded);
    let has_escape = |t: &str| {
        t.match_indices('%').any(|(at, _)| {
            t.get(at + 1..at + 3)
                .is_some_and(|d| d.chars().all(|c| c.is_ascii_hexdigit()))
        })
    };
    if decoded.contains("//")
        || decoded.contains(['\\', '?', '#'])
        || (twice && has_escape(&decoded))
    {
        let mut merged = decoded.replace('\\', "/");
        while merged.contains("//") {
            merged = merged.replace("//", "/");
        }
        readings.push(on(&merged).map_or((5, vec![]), |found| {
            class(deployment, &found.2, case.method)
        }));
        let safe = ["GET", "HEAD", "OPTIONS"].contains(&case.method);
        readings.push((
            if safe { 3 } else { 4 },
            vec![Permission::DeploymentAirflowGet],
        ));
    }
    let strictness = readings
        .iter()
        .map(|(strictness, _)| *strictness)
        .max()
        .unwrap();
    if strictness == 5 {
        return Fate::Status(403);
    }
    let writes = !["GET", "HEAD", "OPTIONS"].contains(&case.method);
    match round.stale {
        Some((StalenessPolicy::StaticAllow, _)) | None => {}
        Some((_, true) | (StalenessPolicy::Deny, _)) => return Fate::Status(503),
        Some((StalenessPolicy::ReadOnly, _)) if writes => return Fate::Status(503),
        Some(_) => {}
    }
    match strictness {
        0 => return Fate::Through,
        1 => return Fate::Anonymous,
        2 => {
            let out = readings
                .iter()
                .any(|(s, needs)| *s == 2 && !needs.is_empty());
            return if out { Fate::SignOut } else { Fate::SignIn };
        }
        _ => {}
    }
    let needs: Vec<Permission> = readings
        .into_iter()
        .filter(|(strictness, _)| *strictness >= 3)
        .flat_map(|(_, needs)| needs)
        .collect();
    admitted(round, case, (deployment, organization), &needs)
}

/// Who asks, and whether they may.
fn admitted(
    round: &Round,
    case: &Case<'_>,
    (deployment, organization): (DeploymentId, OrganizationId),
    needs: &[Permission],
) -> Fate {
    let Some(credential) = case.credential.map(|number| &round.credentials[number]) else {
        return Fate::Status(401);
    };
    let verified = &credential.verified;
    let elsewhere = match verified.audience {
        Audience::Deployment(at) => at != deployment,
        Audience::Organization | Audience::Person => false,
        Audience::Parent => true,
    };
    if verified.expires < NOW.secs()
        || verified.organization != Some(organization)
        || elsewhere
        || credential.revoked
    {
        return Fate::Status(401);
    }
    let chain = [
        Resource::Deployment(deployment),
        Resource::Workspace(SALES),
        Resource::Organization(organization),
    ];
    if verified.scope.is_some_and(|scope| !chain.contains(&scope)) {
        return Fate::Status(403);
    }
    let known = &round.fleet.sections.subjects.subjects;
    let id = match verified.subject {
        Subject::User(id) => id.as_bytes().to_vec(),
        Subject::Token(id) => id.as_bytes().to_vec(),
        Subject::Team(_) => unreachable!(),
    };
    if !known.iter().any(|subject| subject.id == id) {
        return Fate::Status(if matches!(verified.subject, Subject::User(_)) {
            403
        } else {
            401
        });
    }
    let mut held = HashSet::new();
    for (_, _, role) in round
        .grants
        .iter()
        .filter(|(who, at, _)| *who == verified.subject && chain.contains(at))
    {
        held.extend(role.shipped().iter());
    }
    if !needs.iter().all(|permission| held.contains(permission)) {
        return Fate::Status(403);
    }
    Fate::As(AirflowRole::of(held.into_iter().collect()))
}

fn actual(decision: &Decision) -> Fate {
    match decision {
        Decision::Deny(deny) => Fate::Status(deny.status()),
        Decision::SignIn(sign_in) => match sign_in.to {
            Destination::SignIn { .. } => Fate::SignIn,
            Destination::SignOut => Fate::SignOut,
        },
        Decision::Allow(allowed) => match allowed.access() {
            Access::Anonymous => Fate::Anonymous,
            Access::PassThrough => Fate::Through,
            Access::As(identity) => Fate::As(identity.role),
        },
    }
}

/// What an explanation stops at is what the decision says.
fn explained(judge: &Judge<'_>, request: &Request<'_>) {
    let explanation = explain(judge, request);
    let stopped = explanation.steps.last().and_then(|step| step.stopped);
    let reason = match &explanation.decision {
        Decision::Deny(deny) => Some(deny.reason),
        Decision::SignIn(sign_in) => stopped.and(Some(sign_in.reason)),
        Decision::Allow(_) => None,
    };
    assert_eq!(stopped, reason, "{explanation:?}");
}

#[test]
fn a_naive_second_opinion_agrees_a_million_times() {
    let dice = Dice::new("reference");
    let mut seen: HashMap<String, u32> = HashMap::new();
    for _ in 0..WORLDS {
        let round = round(&dice);
        let world = round.fleet.world();
        let judge = Judge {
            world: &world,
            memory: &Stub(&round.credentials),
            freshness: Freshness {
                age: round.fleet.age,
            },
            now: NOW,
        };
        for _ in 0..PER_WORLD {
            let number = dice.below(round.credentials.len() + 1);
            let case = Case {
                host: dice.one(HOSTS),
                path: path(&dice),
                method: dice.one(METHODS),
                credential: (number < round.credentials.len()).then_some(number),
            };
            let bearer = case.credential.map(|number| format!("Bearer {number}"));
            let headers = bearer
                .iter()
                .map(|value| ("authorization", value.as_bytes()));
            let request = Request {
                method: case.method.as_bytes(),
                host: Some(case.host.as_bytes()),
                target: case.path.as_bytes(),
                headers: Headers::collect(headers),
                ..Request::default()
            };
            let decision = judge.decide(&request);
            if dice.below(50) == 0 {
                explained(&judge, &request);
            }
            let (actual, expected) = (actual(&decision), expected(&round, &case));
            assert_eq!(
                actual,
                expected,
                "{} {} at {} with {:?}: {decision:?}",
                case.method,
                case.path,
                case.host,
                case.credential.map(|n| &round.credentials[n].verified)
            );
            *seen.entry(format!("{expected:?}")).or_default() += 1;
        }
    }
    // Every fate was met often enough to mean something.
    for fate in [
        "As(Some(Admin))",
        "As(Some(Viewer))",
        "Anonymous",
        "Through",
        "SignIn",
        "SignOut",
        "Status(403)",
        "Status(503)",
    ] {
        assert!(
            seen.get(fate).is_some_and(|count| *count > 100),
            "{fate}: {seen:?}"
        );
    }
}
