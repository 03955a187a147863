//! What firewalls have to allow for a plane.

use std::collections::{BTreeMap, BTreeSet};

use aeolus_api::Listen;
use aeolus_api::client::Client;
use aeolus_api::connection::Connection;
use aeolus_api::fleet::TokenEndpointAuthMethod;
use aeolus_api::plane::Plane;
use aeolus_api::tenancy::Deployment;
use serde::Serialize;
use url::Url;

use super::Context;
use crate::args::PlaneShow;
use crate::config::{Gate, Sources};
use crate::control_client::{all, refused};
use crate::report::Failure;
use crate::ui::{self, Table};

/// One connection that is opened. Answers come back on it: nothing else needs to be allowed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Flow {
    /// `out` of the plane, `in` to it, `inside` it, or `beside` it.
    direction: Direction,
    /// Who opens it.
    from: &'static str,
    /// To which host.
    host: String,
    /// To which port; none for a Unix socket.
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
    /// What is spoken.
    protocol: &'static str,
    /// What for.
    purpose: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
enum Direction {
    Out,
    In,
    Inside,
    Beside,
}

impl Direction {
    const fn name(self) -> &'static str {
        match self {
            Self::Out => "out",
            Self::In => "in",
            Self::Inside => "inside",
            Self::Beside => "beside",
        }
    }
}

/// Lists every connection of a plane: what control knows of it, and where its gates listen.
pub(super) async fn show(
    client: &Client,
    plane: &Plane,
    args: &PlaneShow,
    context: &Context,
) -> Result<(), Failure> {
    let sources = Sources {
        file: args.config.as_deref(),
        environment: &context.environment,
        flags: Vec::new(),
    };
    let gate = sources.load()?.config.gate;
    let issuer = client.metadata().await.map_err(refused)?.issuer;
    let deployments = deployments_of(client, plane).await?;
    let connections = all(|cursor| {
        let client = client.clone();
        async move { client.connections(cursor.as_deref()).await }
    })
    .await?;
    let mut flows = flows(&issuer, &gate, &deployments);
    flows.extend(providers(&connections));
    flows.extend(sign_in_without_control(&connections, plane));
    flows.sort();
    let mut table = Table::new(&["DIRECTION", "FROM", "HOST", "PORT", "PROTOCOL", "PURPOSE"]);
    for flow in &flows {
        let port = flow.port.map(|port| port.to_string());
        table.row([
            flow.direction.name(),
            flow.from,
            &flow.host,
            &port.unwrap_or_default(),
            flow.protocol,
            &flow.purpose,
        ]);
    }
    ui::answer(context.output, &flows, &table)
}

async fn deployments_of(client: &Client, plane: &Plane) -> Result<Vec<Deployment>, Failure> {
    let organizations = all(|cursor| {
        let client = client.clone();
        async move { client.organizations(cursor.as_deref()).await }
    })
    .await?;
    let mut found = Vec::new();
    for organization in organizations {
        let id = organization.id.to_string();
        let deployments = all(|cursor| {
            let (client, id) = (client.clone(), id.clone());
            async move { client.deployments(&id, cursor.as_deref()).await }
        })
        .await?;
        found.extend(deployments.into_iter().filter(|d| d.plane_id == plane.id));
    }
    Ok(found)
}

fn flows(issuer: &str, gate: &Gate, deployments: &[Deployment]) -> Vec<Flow> {
    let mut flows = Vec::new();
    if let Some((host, port, protocol)) = endpoint(issuer) {
        let control = |direction, from, purpose: &str| Flow {
            direction,
            from,
            host: host.clone(),
            port: Some(port),
            protocol,
            purpose: purpose.to_owned(),
        };
        let news = "snapshots, events, renewals; the plane works without";
        flows.push(control(Direction::Out, "gate", news));
        flows.push(control(Direction::Beside, "browsers", "signing in"));
    }
    let mut hosts: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut upstreams: BTreeMap<(String, u16, &str), BTreeSet<&str>> = BTreeMap::new();
    for deployment in deployments {
        for route in &deployment.routes {
            let names = hosts.entry(route.host.as_str()).or_default();
            names.insert(deployment.name.as_str());
        }
        if let Some(at) = deployment.upstream.as_deref().and_then(endpoint) {
            let names = upstreams.entry(at).or_default();
            names.insert(deployment.name.as_str());
        }
    }
    for (host, names) in hosts {
        flows.push(Flow {
            direction: Direction::In,
            from: "browsers, programs",
            host: host.to_owned(),
            port: Some(443),
            protocol: "https",
            purpose: format!("{}, at the reverse proxy or load balancer", list(&names)),
        });
    }
    flows.extend(listeners(gate));
    for ((host, port, protocol), names) in upstreams {
        flows.push(Flow {
            direction: Direction::Inside,
            from: "gate",
            host,
            port: Some(port),
            protocol,
            purpose: format!("the Airflow of {}, for the built-in proxy", list(&names)),
        });
    }
    flows
}

/// Where the plane signs people in by itself: its gates exchange codes, browsers go to the provider and
/// come back to the auth host.
fn sign_in_without_control(connections: &[Connection], plane: &Plane) -> Vec<Flow> {
    let mut flows = Vec::new();
    for connection in connections {
        let mut planes = connection.plane_registrations.iter();
        let Some(registration) = planes.find(|one| one.plane == plane.name) else {
            continue;
        };
        let mut add = |direction, from, url: Option<&str>, purpose: &str| {
            if let Some((host, port, protocol)) = url.and_then(endpoint) {
                flows.push(Flow {
                    direction,
                    from,
                    host,
                    port: Some(port),
                    protocol,
                    purpose: format!("{purpose} at {} while control is away", connection.name),
                });
            }
        };
        let token = connection.token_endpoint.as_deref();
        add(Direction::Out, "gate", token, "exchanging sign-in codes");
        let authorization = connection.authorization_endpoint.as_deref();
        add(Direction::Beside, "browsers", authorization, "signing in");
        let signs = registration.token_endpoint_auth_method != TokenEndpointAuthMethod::None;
        if let (true, Some(host)) = (signs, &plane.auth_host) {
            flows.push(Flow {
                direction: Direction::In,
                from: "identity provider",
                host: host.clone(),
                port: Some(443),
                protocol: "https",
                purpose: format!(
                    "the keys of the plane's client, where {0} fetches them: /.aeolus/jwks/{0}",
                    connection.name
                ),
            });
        }
    }
    if let (false, Some(host)) = (flows.is_empty(), &plane.auth_host) {
        flows.push(Flow {
            direction: Direction::In,
            from: "browsers",
            host: host.clone(),
            port: Some(443),
            protocol: "https",
            purpose: "identity providers' answers while control is away: /.aeolus/callback"
                .to_owned(),
        });
    }
    flows
}

/// Whom control asks for keys. Gates get them from it and ask nobody.
fn providers(connections: &[Connection]) -> Vec<Flow> {
    let mut hosts: BTreeMap<(String, u16, &str), BTreeSet<&str>> = BTreeMap::new();
    for connection in connections
        .iter()
        .filter(|one| one.session_tokens || !one.plane_registrations.is_empty())
    {
        if let Some(at) = connection.discovery_url.as_deref().and_then(endpoint) {
            let names = hosts.entry(at).or_default();
            names.insert(connection.name.as_str());
        }
    }
    let flow = |((host, port, protocol), names)| Flow {
        direction: Direction::Beside,
        from: "control",
        host,
        port: Some(port),
        protocol,
        purpose: format!(
            "the keys of {}; its discovery document may name another host for them",
            list(&names)
        ),
    };
    hosts.into_iter().map(flow).collect()
}

/// Where the gate listens.
fn listeners(gate: &Gate) -> Vec<Flow> {
    let mut all = Vec::new();
    let mut add = |from, listen: &Listen, protocol, purpose: &str| {
        let (host, port) = match listen {
            Listen::Tcp(address) => (address.ip().to_string(), Some(address.port())),
            Listen::Unix(path) => (format!("unix:{}", path.display()), None),
        };
        all.push(Flow {
            direction: Direction::Inside,
            from,
            host,
            port,
            protocol,
            purpose: purpose.to_owned(),
        });
    };
    for listen in &gate.checks {
        add("reverse proxy", listen, "http", "one check per request");
        add(
            "airflow",
            listen,
            "http",
            "the keys of its tokens, fetched now and then",
        );
    }
    if let Some(listen) = &gate.grpc {
        add("envoy", listen, "grpc", "one check per request");
    }
    if let Some(listen) = &gate.fastcgi {
        add("apache", listen, "fastcgi", "one check per request");
    }
    if let Some(listen) = &gate.proxy {
        add(
            "load balancer",
            listen,
            "http",
            "requests, where the gate itself is the proxy",
        );
    }
    if let Some(listen) = &gate.metrics {
        add("prometheus", listen, "http", "figures and health");
    }
    all
}

fn endpoint(address: &str) -> Option<(String, u16, &'static str)> {
    let url = Url::parse(address).ok()?;
    let protocol = match url.scheme() {
        "http" => "http",
        "https" => "https",
        _ => return None,
    };
    Some((
        url.host_str()?.to_owned(),
        url.port_or_known_default()?,
        protocol,
    ))
}

fn list(names: &BTreeSet<&str>) -> String {
    let names: Vec<_> = names.iter().copied().collect();
    names.join(", ")
}
