//! Who may ask for codes, and where codes may go.

use aeolus_api::oauth::{
    CLI_CALLBACK_PATH, CLI_CLIENT_ID, CLI_SIGNED_OUT_PATH, GATE_CALLBACK_PATH,
};
use aeolus_model::{DeploymentId, Host, PlaneId, is_loopback};

/// A client of the provider. There is no registration: these two kinds are all there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Client {
    /// The gates of a plane, confidential: they prove who they are by a plane assertion.
    Plane(PlaneId),
    /// The command line: public, on the person's own machine.
    Cli,
}

const PLANE_PREFIX: &str = "urn:aeolus:plane:";
const DEPLOYMENT_PREFIX: &str = "urn:aeolus:deployment:";

impl Client {
    /// Reads a `client_id`.
    pub(crate) fn parse(client_id: &str) -> Option<Self> {
        if client_id == CLI_CLIENT_ID {
            return Some(Self::Cli);
        }
        let plane = client_id.strip_prefix(PLANE_PREFIX)?.parse().ok()?;
        Some(Self::Plane(plane))
    }

    /// The `client_id`.
    pub(crate) fn id(self) -> String {
        match self {
            Self::Plane(plane) => format!("{PLANE_PREFIX}{plane}"),
            Self::Cli => CLI_CLIENT_ID.to_owned(),
        }
    }
}

/// Reads a `resource` (RFC 8707) that names a deployment.
pub(crate) fn deployment_of(resource: &str) -> Option<DeploymentId> {
    resource.strip_prefix(DEPLOYMENT_PREFIX)?.parse().ok()
}

/// The audience of access tokens for a deployment.
pub(crate) fn deployment_audience(id: DeploymentId) -> String {
    format!("{DEPLOYMENT_PREFIX}{id}")
}

/// The host whose deployments may receive a code there: byte for byte
/// `https://HOST/.aeolus/callback` (RFC 9700 §2.1), or on a loopback name either scheme, any port.
pub(crate) fn gate_redirect(uri: &str) -> Option<Host> {
    let (_, rest) = uri.split_once("://")?;
    let end = match rest.find(']') {
        Some(end) => end + 1,
        None => rest.find(['/', ':'])?,
    };
    let host = Host::parse(rest.get(..end)?).ok()?;
    is_gate_redirect(uri, &host).then_some(host)
}

fn is_gate_redirect(uri: &str, host: &Host) -> bool {
    let Some(origin) = uri.strip_suffix(GATE_CALLBACK_PATH) else {
        return false;
    };
    let secure = origin.strip_prefix("https://");
    if is_loopback(host.as_str()) {
        let rest = secure.or_else(|| origin.strip_prefix("http://"));
        let port = rest.and_then(|rest| rest.strip_prefix(host.as_str()));
        port.is_some_and(|port| port.is_empty() || is_port(port))
    } else {
        secure == Some(host.as_str())
    }
}

/// Whether the command line may receive a code there: a loopback IP literal, any port, the exact
/// path (RFC 8252 §7.3). `localhost` is not accepted: a resolver decides what it means (§8.3).
pub(crate) fn is_cli_redirect(uri: &str) -> bool {
    is_on_loopback(uri, CLI_CALLBACK_PATH)
}

/// Whether the command line may send a browser there after signing out: by the same rule.
pub(crate) fn is_cli_signed_out(uri: &str) -> bool {
    is_on_loopback(uri, CLI_SIGNED_OUT_PATH)
}

fn is_on_loopback(uri: &str, path: &str) -> bool {
    let Some(origin) = uri.strip_suffix(path) else {
        return false;
    };
    ["http://127.0.0.1", "http://[::1]"]
        .iter()
        .filter_map(|literal| origin.strip_prefix(literal))
        .any(is_port)
}

/// The host and the path of a page that a gate may send a browser to after signing out. The host is
/// read by the rule of [`gate_redirect`]; whether there is such a page, only the records tell.
pub(crate) fn gate_page(uri: &str) -> Option<(Host, &str)> {
    let (_, rest) = uri.split_once("://")?;
    let path = rest.get(rest.find('/')?..)?;
    let origin = uri.strip_suffix(path)?;
    let host = gate_redirect(&format!("{origin}{GATE_CALLBACK_PATH}"))?;
    Some((host, path))
}

/// `:1` to `:65535`, without leading zeros.
fn is_port(text: &str) -> bool {
    let Some(digits) = text.strip_prefix(':') else {
        return false;
    };
    let plain = digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
    plain && digits.parse::<u16>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(text: &str) -> Host {
        Host::parse(text).unwrap()
    }

    #[test]
    fn o6_the_command_line_has_a_loopback_literal_and_any_port() {
        assert!(is_cli_redirect("http://127.0.0.1:1/callback"));
        assert!(is_cli_redirect("http://127.0.0.1:65535/callback"));
        assert!(is_cli_redirect("http://[::1]:4711/callback"));
        for bad in [
            "http://localhost:4711/callback",
            "http://127.0.0.1:4711/other",
            "http://127.0.0.1:4711/callback/",
            "http://127.0.0.1:4711/callback?x",
            "http://127.0.0.1:4711/a/callback",
            "http://127.0.0.1:0/callback",
            "http://127.0.0.1:65536/callback",
            "http://127.0.0.1/callback",
            "http://127.0.0.1.evil.example:1/callback",
            "http://127.0.0.1:1@evil.example/callback",
            "https://127.0.0.1:4711/callback",
            "http://127.1:4711/callback",
        ] {
            assert!(!is_cli_redirect(bad), "{bad}");
        }
    }

    #[test]
    fn a_gates_redirect_is_one_string_but_for_the_port_of_a_loopback_name() {
        let etl = host("etl.example.com");
        assert!(is_gate_redirect(
            "https://etl.example.com/.aeolus/callback",
            &etl
        ));
        for bad in [
            "http://etl.example.com/.aeolus/callback",
            "https://etl.example.com:443/.aeolus/callback",
            "https://ETL.example.com/.aeolus/callback",
            "https://etl.example.com./.aeolus/callback",
            "https://evil.etl.example.com/.aeolus/callback",
            "https://etl.example.com.evil/.aeolus/callback",
            "https://u@etl.example.com/.aeolus/callback",
            "https://etl.example.com/x/.aeolus/callback",
            "https://etl.example.com/.aeolus/callback?x=1",
            "https://etl.example.com/.aeolus/callback/",
            "https://etl.example.com/%2eaeolus/callback",
        ] {
            assert!(!is_gate_redirect(bad, &etl), "{bad}");
        }
        let local = host("etl.localhost");
        assert!(is_gate_redirect(
            "http://etl.localhost:8808/.aeolus/callback",
            &local
        ));
        assert!(is_gate_redirect(
            "http://etl.localhost/.aeolus/callback",
            &local
        ));
        assert!(is_gate_redirect(
            "https://etl.localhost:8808/.aeolus/callback",
            &local
        ));
        assert!(!is_gate_redirect(
            "http://etl.localhost:08/.aeolus/callback",
            &local
        ));
        assert!(!is_gate_redirect(
            "http://etl.localhost:1:2/.aeolus/callback",
            &local
        ));
    }

    #[test]
    fn row_60_a_redirects_host_is_read_back_byte_for_byte_or_not_at_all() {
        let read = |uri: &str| gate_redirect(uri).map(String::from);
        for (uri, host) in [
            (
                "https://a.etl.example.com/.aeolus/callback",
                "a.etl.example.com",
            ),
            (
                "http://etl.localhost:8808/.aeolus/callback",
                "etl.localhost",
            ),
            ("http://[::1]:8808/.aeolus/callback", "[::1]"),
        ] {
            assert_eq!(read(uri).as_deref(), Some(host), "{uri}");
        }
        for bad in [
            "https://*.etl.example.com/.aeolus/callback",
            "https://a.etl.example.com@evil.test/.aeolus/callback",
            "https://evil.test/a.etl.example.com/.aeolus/callback",
            "https://a.etl.example.com:443/.aeolus/callback",
            "https://A.etl.example.com/.aeolus/callback",
            "https://a.etl.example.com./.aeolus/callback",
            "https://a.etl.example.com%2f/.aeolus/callback",
            "https://a.etl.example.com\\/.aeolus/callback",
            "https://a.etl.example.com?/.aeolus/callback",
            "https://a_b.etl.example.com/.aeolus/callback",
            "http://a.etl.example.com/.aeolus/callback",
            "//a.etl.example.com/.aeolus/callback",
            "https:///.aeolus/callback",
            "https://",
            "https://]",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn o31_after_signing_out_a_page_is_read_byte_for_byte_or_not_at_all() {
        let read = |uri| gate_page(uri).map(|(host, path)| format!("{host} {path}"));
        for (uri, page) in [
            ("https://etl.example.com/", "etl.example.com /"),
            ("https://etl.example.com/a/?x=1", "etl.example.com /a/?x=1"),
            ("http://etl.localhost:8808/etl/", "etl.localhost /etl/"),
        ] {
            assert_eq!(read(uri).as_deref(), Some(page), "{uri}");
        }
        for bad in [
            "https://etl.example.com",
            "http://etl.example.com/",
            "https://etl.example.com:443/",
            "https://etl.example.com@evil.test/",
            "https://etl.example.com\\/",
            "https://evil.test#.etl.example.com/",
            "javascript://etl.example.com/",
            "//etl.example.com/",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
        assert!(is_cli_signed_out("http://127.0.0.1:4711/signed-out"));
        for bad in [
            "http://127.0.0.1:4711/callback",
            "http://127.0.0.1:4711/signed-out?x",
            "http://localhost:4711/signed-out",
            "https://evil.test/signed-out",
        ] {
            assert!(!is_cli_signed_out(bad), "{bad}");
        }
    }

    #[test]
    fn clients_and_resources_have_one_spelling() {
        let plane = PlaneId::from_bytes([7; 16]);
        assert_eq!(
            Client::parse(&Client::Plane(plane).id()),
            Some(Client::Plane(plane))
        );
        assert_eq!(Client::parse("aeolus-cli"), Some(Client::Cli));
        assert_eq!(Client::parse("urn:aeolus:plane:x"), None);
        assert_eq!(Client::parse("AEOLUS-CLI"), None);
        let id = DeploymentId::from_bytes([8; 16]);
        assert_eq!(deployment_of(&deployment_audience(id)), Some(id));
        assert_eq!(deployment_of("https://x"), None);
    }
}
