//! What may change while a gate runs: read at its start, and again at each SIGHUP.

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;

use aeolus_decide::{Rails, Upstreams};
use aeolus_gate::forwarded::TrustedProxies;
use aeolus_gate::guard::Proxies;
use aeolus_gate::observe::Share;
use aeolus_gate::siblings::{PeerError, SiblingConfig};
use aeolus_gate::{Caps, Live, Patience, Rates};
use aeolus_keys::ProxySecrets;
use aeolus_model::{Cidr, CidrError, Host};
use aeolus_tls::Believed;

use crate::commands::Context;
use crate::config::{Compat, Effective, Gate, Siblings};
use crate::report::{Failure, Report};

/// What may change while a gate runs.
pub(super) fn live(effective: &Effective, context: &Context) -> Result<Live, Failure> {
    let config = &effective.config;
    Ok(Live {
        proxies: proxies(&config.gate, &effective.base, context)?,
        trusted_proxies: TrustedProxies(blocks(
            "gate.trustedProxies",
            &config.gate.trusted_proxies,
        )?),
        allow_sample: Share::of(config.observability.allow_sample.into()),
        parent_cookie: parent_cookie(&config.compat)?.map(|(_, name)| name),
        patience: Patience {
            head: config.limits.head_timeout.duration(),
            stall: config.limits.stall_timeout.duration(),
        },
        rates: Rates {
            failed: config.limits.failed_per_minute,
            requests_per_subject: config.limits.requests_per_subject_per_minute,
        },
        caps: Caps {
            connections: as_size(config.limits.connections),
            per_source: as_size(config.limits.connections_per_source),
            waiting: as_size(config.limits.requests),
        },
        drain_delay: config.limits.drain_delay.duration(),
        rails: rails(&config.gate.rails)?,
    })
}

fn as_size(count: NonZeroU32) -> usize {
    usize::try_from(count.get()).unwrap_or(usize::MAX)
}

/// The domain and name of a parent domain's cookie.
pub(in crate::commands) fn parent_cookie(
    compat: &Compat,
) -> Result<Option<(Host, String)>, Failure> {
    let Some(cookie) = &compat.parent_cookie else {
        return Ok(None);
    };
    let name = cookie.name().ok_or_else(|| {
        Report::new("CFG-0004", "compat.parentCookie.name is no cookie's name")
            .help("use letters, digits, '-', '_' and '.', at most 128 of them")
            .usage()
    })?;
    Ok(Some((cookie.domain.clone(), name)))
}

/// What the plane allows.
pub(in crate::commands) fn rails(config: &crate::config::Rails) -> Result<Rails, Failure> {
    let upstream = |text: &String| {
        Upstreams::parse(text).ok_or_else(|| {
            Report::new(
                "CFG-0004",
                format!("gate.rails.upstreams: {text:?} is no host"),
            )
            .help("give a network such as 10.0.0.0/8, a host name, or .suffix for all names below")
            .usage()
        })
    };
    let organizations = config.organizations.as_ref();
    Ok(Rails {
        organizations: organizations.map(|ids| ids.iter().copied().collect()),
        upstreams: config
            .upstreams
            .iter()
            .map(upstream)
            .collect::<Result<_, _>>()?,
        never_public: config.never_public.clone(),
        highest_role: config.highest_role,
    })
}

/// Who may ask from other machines.
fn proxies(gate: &Gate, base: &Path, context: &Context) -> Result<Proxies, Failure> {
    let secrets = [
        ("gate.proxySecret", &gate.proxy_secret),
        ("gate.proxySecretBefore", &gate.proxy_secret_before),
    ];
    let secrets = secrets.into_iter().filter_map(|(key, source)| {
        let source = source.as_ref()?;
        Some(source.read(key, base, &context.environment))
    });
    Ok(Proxies {
        from: blocks("gate.checksFrom", &gate.checks_from)?,
        secrets: ProxySecrets::new(secrets.collect::<Result<_, _>>()?),
    })
}

fn blocks(key: &str, written: &[String]) -> Result<Vec<Cidr>, Failure> {
    let blocks = written.iter().map(|block| block.parse());
    blocks
        .collect::<Result<_, _>>()
        .map_err(|error: CidrError| Report::new("CFG-0004", format!("{key}: {error}")).usage())
}

/// Where replicas of the plane meet.
pub(super) fn siblings(config: Siblings, believed: &Believed) -> Result<SiblingConfig, Failure> {
    let peers = config.peers.iter().map(|peer| peer.parse());
    let peers = peers
        .collect::<Result<_, _>>()
        .map_err(|error: PeerError| {
            Report::new("CFG-0004", format!("gate.siblings.peers: {error}")).usage()
        })?;
    Ok(SiblingConfig {
        listen: config.listen,
        peers,
        trust: Some(Arc::clone(believed.trust())),
    })
}
