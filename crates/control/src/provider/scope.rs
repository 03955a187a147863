//! Scopes: names separated by one space (RFC 6749 §3.3).

use aeolus_api::oauth::SCOPE_OFFLINE_ACCESS;

use super::client::Client;

pub(super) const OPENID: &str = "openid";
pub(super) const OFFLINE_ACCESS: &str = SCOPE_OFFLINE_ACCESS;

/// Whether a scope has a name.
pub(super) fn has(scope: &str, name: &str) -> bool {
    scope.split(' ').any(|held| held == name)
}

/// What a client is granted of what it asked for. Refresh tokens are for the command line alone: gates
/// renew the sessions of their cookies by themselves. The person is not asked again (OpenID Connect Core
/// §11 allows that): the client is ours, and they started it.
pub(super) fn granted(client: Client, asked: &str) -> String {
    if client == Client::Cli && has(asked, OFFLINE_ACCESS) {
        format!("{OPENID} {OFFLINE_ACCESS}")
    } else {
        OPENID.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use aeolus_model::PlaneId;

    use super::*;

    #[test]
    fn refresh_tokens_are_for_the_command_line_that_asks_for_them() {
        let gate = Client::Plane(PlaneId::from_bytes([7; 16]));
        let asked = "openid email offline_access";
        assert_eq!(granted(Client::Cli, asked), "openid offline_access");
        assert_eq!(granted(gate, asked), "openid");
        assert_eq!(granted(Client::Cli, "openid offline_accessx"), "openid");
    }
}
