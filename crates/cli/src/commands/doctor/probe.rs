//! Requests to a running proxy, byte by byte: a client for HTTP would repair what they are about.

use std::sync::Arc;
use std::time::Duration;

use aeolus_doctor::probe::{Answer, MOST, PROBES, Read, Target, read};
use aeolus_doctor::{Examined, Finding};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use url::Url;

use crate::config::{Environment, Tls, believed};
use crate::report::{Failure, Report};

/// The longest time for one request, with its connection.
const PATIENCE: Duration = Duration::from_secs(5);

/// A place to connect to.
struct Door {
    name: String,
    port: u16,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

/// Sends every request, one after another.
pub(super) async fn probe(url: &str, environment: &Environment) -> Result<Examined, Failure> {
    let (door, target) = door(url, environment)?;
    let mut examined = Examined::default();
    for probe in PROBES {
        let request = probe.request(&target);
        match tokio::time::timeout(PATIENCE, door.ask(&request)).await {
            Ok(Err(error)) => return Err(unreachable(url, &error)),
            Ok(Ok(Some(answer))) if !probe.holds(&answer) => examined.findings.push(Finding {
                guard: probe.guard,
                at: format!("{}: answered {}", probe.tries, answer.status),
            }),
            Ok(Ok(_)) => {}
            Err(_) => examined
                .notes
                .push(format!("{}: no answer within 5 s", probe.tries)),
        }
    }
    if examined.notes.len() == PROBES.len() {
        return Err(unreachable(url, &"it answers nothing at all"));
    }
    Ok(examined)
}

fn door(url: &str, environment: &Environment) -> Result<(Door, Target), Failure> {
    let parsed = Url::parse(url).map_err(|error| unusable(url, &error.to_string()))?;
    let tls = match parsed.scheme() {
        "http" => false,
        "https" => true,
        _ => return Err(unusable(url, "only http and https can be probed")),
    };
    let plain = parsed.username().is_empty()
        && parsed.password().is_none()
        && parsed.query().is_none()
        && parsed.fragment().is_none();
    let (Some(name), true) = (parsed.host_str(), plain) else {
        return Err(unusable(url, "give scheme, host, port and path only"));
    };
    let port = parsed.port_or_known_default().unwrap_or(80);
    let target = Target {
        host: parsed
            .port()
            .map_or_else(|| name.to_owned(), |port| format!("{name}:{port}")),
        base: parsed.path().trim_end_matches('/').to_owned(),
    };
    let name = name.trim_matches(['[', ']']).to_owned();
    let tls = if tls {
        Some(secure(url, &name, environment)?)
    } else {
        None
    };
    Ok((Door { name, port, tls }, target))
}

/// TLS with the system's authorities, and those that the environment names.
fn secure(
    url: &str,
    name: &str,
    environment: &Environment,
) -> Result<(TlsConnector, ServerName<'static>), Failure> {
    let believed = believed(Tls::of_environment(environment))?;
    let config = believed.trust().client();
    let config = config.map_err(|error| unusable(url, &error.to_string()))?;
    let name = ServerName::try_from(name.to_owned());
    let name = name.map_err(|error| unusable(url, &error.to_string()))?;
    Ok((TlsConnector::from(Arc::new(config)), name))
}

impl Door {
    /// One request on a connection of its own. None if that is ended without an answer.
    async fn ask(&self, request: &[u8]) -> std::io::Result<Option<Answer>> {
        // RFC 6761: these are this machine, whatever its resolver says.
        let local = self.name == "localhost" || self.name.ends_with(".localhost");
        let name = if local { "127.0.0.1" } else { &self.name };
        let connection = TcpStream::connect((name, self.port)).await?;
        match &self.tls {
            Some((tls, name)) => {
                let secure = tls.connect(name.clone(), connection).await?;
                Ok(exchange(secure, request).await)
            }
            None => Ok(exchange(connection, request).await),
        }
    }
}

/// A connection that breaks off has refused the request.
async fn exchange(
    mut connection: impl AsyncRead + AsyncWrite + Unpin,
    request: &[u8],
) -> Option<Answer> {
    connection.write_all(request).await.ok()?;
    connection.flush().await.ok()?;
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let count = connection.read(&mut buffer).await.unwrap_or(0);
        bytes.extend(buffer.get(..count).unwrap_or_default());
        match read(&bytes, count == 0 || bytes.len() > MOST) {
            Read::More => {}
            Read::Enough(answer) => return Some(answer),
            Read::Nothing => return None,
        }
    }
}

fn unusable(url: &str, why: &str) -> Failure {
    Report::new("CLI-0022", format!("{url} can't be probed: {why}"))
        .help("give the URL at which clients reach the deployment, such as https://etl.example.com")
        .usage()
}

fn unreachable(url: &str, why: &dyn std::fmt::Display) -> Failure {
    Report::new("CLI-0023", format!("{url} can't be reached: {why}"))
        .why("Nothing is known about this proxy.")
        .help("check the name, the port, and for https that this machine trusts the certificate")
        .failed()
}
