//! Which proxy a configuration is for.

/// A proxy that has a tested configuration in `deploy/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// nginx with `auth_request`.
    Nginx,
    /// Caddy with `forward_auth`.
    Caddy,
    /// HAProxy with the action of `deploy/haproxy`.
    Haproxy,
    /// Apache with `mod_authnz_fcgi`.
    Apache,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Nginx, Self::Caddy, Self::Haproxy, Self::Apache];

    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Caddy => "caddy",
            Self::Haproxy => "haproxy",
            Self::Apache => "apache",
        }
    }
}
