//! A gate's folder with more in it than a fleet document holds.
//!
//! `grow GATE_FOLDER KEYS_FOLDER DEPLOYMENTS LISTED` takes the one deployment of a folder as the pattern
//! of so many, each with an API token of its own, signs a status list of so many values, every other
//! one revoked, and prints `HOST DEPLOYMENT TOKEN`, one line for each deployment.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aeolus_gate::replica::fs::SystemFs;
use aeolus_gate::replica::{Data, Installation, Parts, Replica, SystemBootClock, install};
use aeolus_keys::claims::{Api, ApiKind};
use aeolus_keys::digest::random_token;
use aeolus_keys::{Kind, SigningKey, SystemRng};
use aeolus_model::{
    Clock as _, DeploymentId, OrganizationId, Resource, Role, Secret, SystemClock, TokenId,
};
use aeolus_snapshot::section::{self, Deployment, Grant, Subject};
use aeolus_snapshot::{Edition, Position, Root, Sections, publish};
use anyhow::{Context as _, bail};

/// Every second value of the list is revoked; ours are the others.
const REVOKED: u8 = 0b1010_1010;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [gate, keys, deployments, listed] = arguments.as_slice() else {
        bail!("usage: grow GATE_FOLDER KEYS_FOLDER DEPLOYMENTS LISTED");
    };
    let (gate, keys) = (Path::new(gate), Path::new(keys));
    let (count, listed): (u32, u32) = (deployments.parse()?, listed.parse()?);
    if listed / 2 < count {
        bail!(
            "a list of {listed} has no place for {count} tokens, every other value being revoked"
        );
    }
    let data = Data::open(gate, Arc::new(SystemFs))?;
    let replica: Replica<Sections> = Replica::open(
        &data,
        Parts {
            wall: Arc::new(SystemClock),
            boot: Arc::new(SystemBootClock),
            revise: None,
            build: Box::new(|snapshot| snapshot.sections().clone()),
        },
    );
    let loaded = replica.current().context("the folder has no snapshot")?;
    let mut sections = loaded.world.clone();
    let pattern = sections.deployments.deployments.pop();
    let pattern = pattern.context("the fleet has no deployment")?;
    let signer = SigningKey::from_pkcs8(&Secret::new(std::fs::read(keys.join("api.key"))?))?;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for number in 0..count {
        let host = format!("g{number:06}.bench.test");
        let grown = Grown::of(&pattern, &host)?;
        // Spread over the whole list, on even places.
        let index = u64::from(number) * u64::from(listed) / u64::from(count);
        let token = grown.token(&sections, &signer, u32::try_from(index)? & !1)?;
        writeln!(out, "{host} {} {token}", grown.id)?;
        grown.add_to(&mut sections);
    }
    let bytes = usize::try_from(listed.div_ceil(8))?;
    let all = sections.revocations.values_mut();
    all.for_each(|revocations| revocations.status = vec![REVOKED; bytes]);
    let root = Root::parse(&std::fs::read_to_string(keys.join("root.json"))?)?;
    let signer = SigningKey::from_pkcs8(&Secret::new(std::fs::read(keys.join("snapshot.key"))?))?;
    let position = loaded.manifest.position;
    let edition = Edition {
        plane: data.settings.plane,
        position: Position {
            seq: position.seq + 1,
            ..position
        },
        issued_at: SystemClock.now(),
        lag: None,
        min_generation: 1,
    };
    let published = publish(&edition, &sections, &signer)?;
    let what = Installation {
        settings: &data.settings,
        root: &root,
        published: &published,
        position: edition.position,
        issued_at: edition.issued_at,
    };
    install(gate, &what, &SystemRng)?;
    Ok(out.flush()?)
}

/// A deployment like another one, and a token for it alone.
struct Grown {
    id: DeploymentId,
    record: Deployment,
    token: TokenId,
}

impl Grown {
    fn of(pattern: &Deployment, host: &str) -> anyhow::Result<Self> {
        let id = DeploymentId::new(&SystemClock, &SystemRng);
        let mut record = pattern.clone();
        record.id = id.as_bytes().to_vec();
        let route = record.routes.first_mut().context("it has no host")?;
        host.clone_into(&mut route.host);
        Ok(Self {
            id,
            record,
            token: TokenId::new(&SystemClock, &SystemRng),
        })
    }

    fn token(
        &self,
        sections: &Sections,
        signer: &SigningKey,
        index: u32,
    ) -> anyhow::Result<String> {
        let now = SystemClock.now();
        let organization = OrganizationId::from_slice(&self.record.organization)?;
        let claims = Api {
            iss: sections.keys.issuer.clone(),
            aud: format!("urn:aeolus:org:{organization}"),
            sub: self.token,
            client_id: self.token,
            iat: now.secs(),
            nbf: now.secs(),
            exp: now.plus(Duration::from_hours(8)).secs(),
            jti: random_token(&SystemRng, 16).expose().clone(),
            idx: index,
            status: None,
            ent: Resource::Deployment(self.id),
            surfaces: None,
            kind: ApiKind,
        };
        Ok(signer.sign(Kind::Api, &claims)?)
    }

    fn add_to(self, sections: &mut Sections) {
        let subject = self.token.as_bytes().to_vec();
        sections.grants.grants.push(Grant {
            subject_kind: section::SubjectKind::Token.into(),
            subject: subject.clone(),
            resource_kind: section::ResourceKind::Deployment.into(),
            resource: self.record.id.clone(),
            permissions: Role::DeploymentEditor.shipped().to_bytes().to_vec(),
        });
        sections.subjects.subjects.push(Subject {
            id: subject,
            kind: section::SubjectKind::Token.into(),
            ..Subject::default()
        });
        sections.deployments.deployments.push(self.record);
    }
}
