//! Tokens and session cookies for the deployments of a gate's folder, as many as are asked for: what
//! signing in would give, without anybody to ask.
//!
//! `credentials GATE_FOLDER KEYS_FOLDER COUNT` prints `HOST DEPLOYMENT TOKEN COOKIE`, one line each, in
//! the deployments' order, again and again. Every token is another one.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aeolus_decide::{Deployment, SessionCookie, World};
use aeolus_gate::replica::fs::SystemFs;
use aeolus_gate::replica::{Data, Parts, Replica, SystemBootClock};
use aeolus_keys::claims::{Access, AccessKind};
use aeolus_keys::digest::random_token;
use aeolus_keys::seal::{Purpose, Sealer};
use aeolus_keys::{Kind, SigningKey, SystemRng};
use aeolus_model::{Clock as _, ConnectionId, Secret, SessionId, Subject, SystemClock, UserId};
use anyhow::{Context as _, bail};

const LIFE: Duration = Duration::from_hours(8);

fn main() -> anyhow::Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [gate, keys, count] = arguments.as_slice() else {
        bail!("usage: credentials GATE_FOLDER KEYS_FOLDER COUNT");
    };
    let maker = Maker::open(Path::new(gate), Path::new(keys))?;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for (_, deployment) in (0..count.parse()?).zip(maker.deployments.iter().cycle()) {
        let host = deployment
            .hosts
            .first()
            .context("a deployment without a host")?;
        let session = SessionId::new(&SystemClock, &SystemRng);
        let token = maker.token(deployment, session)?;
        let cookie = maker.cookie(host, session)?;
        writeln!(out, "{host} {} {token} {cookie}", deployment.id)?;
    }
    Ok(out.flush()?)
}

struct Maker {
    deployments: Vec<Arc<Deployment>>,
    issuer: String,
    user: UserId,
    connection: ConnectionId,
    access: SigningKey,
    sealer: Sealer,
}

impl Maker {
    fn open(gate: &Path, keys: &Path) -> anyhow::Result<Self> {
        let data = Data::open(gate, Arc::new(SystemFs))?;
        let parts = Parts {
            wall: Arc::new(SystemClock),
            boot: Arc::new(SystemBootClock),
            revise: None,
            build: Box::new(|snapshot| Arc::new(World::from_snapshot(snapshot))),
        };
        let replica: Replica<Arc<World>> = Replica::open(&data, parts);
        let loaded = replica.current().context("the folder has no snapshot")?;
        let world = &loaded.world;
        let mut deployments: Vec<_> = world.deployments().cloned().collect();
        deployments.sort_by(|a, b| a.name.cmp(&b.name));
        let user = world.people().find_map(|(subject, _)| match subject {
            Subject::User(id) => Some(id),
            Subject::Token(_) | Subject::Team(_) => None,
        });
        let access = Secret::new(std::fs::read(keys.join("access.key"))?);
        Ok(Self {
            deployments,
            issuer: world.issuer().to_owned(),
            user: user.context("the fleet has no people")?,
            connection: world
                .connections()
                .next()
                .context("there is no connection")?,
            access: SigningKey::from_pkcs8(&access)?,
            sealer: Sealer::new(
                &data.secret,
                data.settings.plane.as_bytes(),
                SystemClock.now(),
            ),
        })
    }

    fn token(&self, deployment: &Deployment, session: SessionId) -> anyhow::Result<String> {
        let now = SystemClock.now();
        let claims = Access {
            iss: self.issuer.clone(),
            aud: deployment.audience(),
            sub: self.user,
            iat: now.secs(),
            exp: now.plus(LIFE).secs(),
            jti: random_token(&SystemRng, 16).expose().clone(),
            client_id: "aeolus-cli".to_owned(),
            org: Some(deployment.organization),
            sid: session,
            auth_time: now.secs(),
            amr: Vec::new(),
            acr: None,
            kind: AccessKind,
        };
        Ok(self.access.sign(Kind::Access, &claims)?)
    }

    fn cookie(&self, host: &str, session: SessionId) -> anyhow::Result<String> {
        let now = SystemClock.now();
        let cookie = SessionCookie {
            session,
            user: self.user,
            connection: self.connection,
            auth_time: now,
            access_start: now,
            access_end: now.plus(LIFE),
            absolute_end: now.plus(LIFE),
            begun: aeolus_decide::Begun::AtControl,
        };
        Ok(self
            .sealer
            .seal(Purpose::Session, host, &cookie.encode(), &SystemRng)?)
    }
}
