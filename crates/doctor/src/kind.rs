//! Which proxy a configuration is for.

/// A proxy that has a tested configuration in `deploy/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// nginx with `auth_request`.
    Nginx,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 1] = [Self::Nginx];

    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
        }
    }
}
