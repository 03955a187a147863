//! Which proxy a configuration is for.

/// A proxy that has a tested configuration in `deploy/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// nginx with `auth_request`.
    Nginx,
    /// Caddy with `forward_auth`.
    Caddy,
    /// Traefik with `ForwardAuth`.
    Traefik,
    /// Envoy with `ext_authz`.
    Envoy,
    /// HAProxy with the action of `deploy/haproxy`.
    Haproxy,
    /// Apache with `mod_authnz_fcgi`.
    Apache,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Nginx,
        Self::Caddy,
        Self::Traefik,
        Self::Envoy,
        Self::Haproxy,
        Self::Apache,
    ];

    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Caddy => "caddy",
            Self::Traefik => "traefik",
            Self::Envoy => "envoy",
            Self::Haproxy => "haproxy",
            Self::Apache => "apache",
        }
    }

    /// The proxy of this name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}
