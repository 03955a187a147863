//! Where a server listens: `host:port` or `unix:PATH`.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One address to listen on. Port 0 asks the system for a free one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Listen {
    /// A TCP address. `localhost` is `127.0.0.1`: names are not looked up, so that what a listener
    /// is bound to can be read off its configuration.
    Tcp(SocketAddr),
    /// A Unix socket, by the path of its file.
    Unix(PathBuf),
}

/// A text that is no address to listen on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not an address to listen on: use an IP address and port such as 127.0.0.1:8800, or unix:/path/to/socket"
)]
pub struct ListenError(String);

impl Listen {
    /// Whether only this machine can connect: loopback, or a Unix socket.
    pub fn is_local(&self) -> bool {
        match self {
            Self::Tcp(address) => address.ip().is_loopback(),
            Self::Unix(_) => true,
        }
    }
}

impl FromStr for Listen {
    type Err = ListenError;

    fn from_str(text: &str) -> Result<Self, ListenError> {
        let error = || ListenError(text.to_owned());
        if let Some(path) = text.strip_prefix("unix:") {
            let path = PathBuf::from(path);
            let named = path.is_absolute() && path.file_name().is_some();
            return named.then_some(Self::Unix(path)).ok_or_else(error);
        }
        let numeric = match text.strip_prefix("localhost:") {
            Some(port) => format!("127.0.0.1:{port}"),
            None => text.to_owned(),
        };
        numeric.parse().map(Self::Tcp).map_err(|_| error())
    }
}

impl TryFrom<String> for Listen {
    type Error = ListenError;

    fn try_from(text: String) -> Result<Self, ListenError> {
        text.parse()
    }
}

impl From<Listen> for String {
    fn from(listen: Listen) -> Self {
        listen.to_string()
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_sockets_round_trip() {
        for text in [
            "127.0.0.1:8800",
            "[::1]:0",
            "0.0.0.0:80",
            "unix:/run/aeolus.sock",
        ] {
            assert_eq!(text.parse::<Listen>().unwrap().to_string(), text);
        }
        let local: Listen = "localhost:8800".parse().unwrap();
        assert_eq!(local.to_string(), "127.0.0.1:8800");
        assert!(local.is_local());
        assert!(!"0.0.0.0:80".parse::<Listen>().unwrap().is_local());
    }

    #[test]
    fn names_and_relative_paths_are_refused() {
        for text in [
            "",
            "8800",
            ":8800",
            "example.com:80",
            "unix:",
            "unix:sock",
            "unix:/",
            "127.0.0.1:70000",
        ] {
            assert!(text.parse::<Listen>().is_err(), "{text}");
        }
    }
}
