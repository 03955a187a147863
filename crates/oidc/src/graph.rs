//! Microsoft Graph, which knows what doesn't fit Entra's tokens.

use crate::{Connection, Kind};

/// Entra's clouds: where people sign in, and the Graph there.
const CLOUDS: [(&str, &str); 4] = [
    ("login.microsoftonline.com", "https://graph.microsoft.com"),
    ("login.microsoftonline.us", "https://graph.microsoft.us"),
    (
        "login.partner.microsoftonline.cn",
        "https://microsoftgraph.chinacloudapi.cn",
    ),
    (
        "login.chinacloudapi.cn",
        "https://microsoftgraph.chinacloudapi.cn",
    ),
];

/// The Graph of a connection's cloud, for [`crate::Groups::AskGraph`]. It follows from where the operator
/// pointed, never from a token, which could name any host. None for other providers.
pub fn graph(connection: &Connection) -> Option<&'static str> {
    let host = connection.discovery().host();
    let mut clouds = CLOUDS.iter().filter(|(sign_in, _)| *sign_in == host);
    let (_, graph) = clouds.next()?;
    (connection.kind() == Kind::Microsoft).then_some(*graph)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fixture::{TENANT, connection, custom};

    #[test]
    fn a19_graph_is_where_the_operator_pointed() {
        let of = |host: &str| {
            let url = format!("https://{host}/{TENANT}/v2.0");
            let settings = json!({"clientId": "c", "discoveryUrl": url});
            graph(&connection(Kind::Microsoft, settings))
        };
        let public = Some("https://graph.microsoft.com");
        assert_eq!(of("login.microsoftonline.com"), public);
        assert_eq!(
            of("login.microsoftonline.us"),
            Some("https://graph.microsoft.us")
        );
        assert_eq!(of("login.example.com"), None);
        assert_eq!(graph(&custom(json!({}))), None);
    }
}
