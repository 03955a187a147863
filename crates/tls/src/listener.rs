//! One listening socket, whatever its kind.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use aeolus_api::Listen;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio_util::either::Either;

use crate::handed_over::{HandedOver, Socket};

/// A bound socket that accepts connections.
pub struct Listener {
    socket: Either<TcpListener, UnixListener>,
    bound: Bound,
}

/// Where a listener is really bound: port 0 has become a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bound {
    /// A TCP address.
    Tcp(SocketAddr),
    /// A Unix socket's file.
    Unix(PathBuf),
}

impl Bound {
    /// As a person would type it: `host:port` or `unix:PATH`.
    pub fn address(&self) -> String {
        match self {
            Self::Tcp(address) => address.to_string(),
            Self::Unix(path) => format!("unix:{}", path.display()),
        }
    }
}

/// An accepted connection.
pub struct Connection {
    /// Its bytes.
    pub stream: Either<TcpStream, UnixStream>,
    /// The other end; none on a Unix socket, which only this machine can reach.
    pub peer: Option<IpAddr>,
}

/// Why a server can't listen.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Somebody else has the address.
    #[error(
        "NET-0001: {name}: {address} is in use by another program; stop it, or choose another address (port 0 takes a free one)"
    )]
    InUse {
        /// Which listener.
        name: String,
        /// The address asked for.
        address: String,
    },
    /// This user may not.
    #[error(
        "NET-0002: {name}: not allowed to listen on {address}; ports below 1024 need a privilege, a socket file a writable folder"
    )]
    NotAllowed {
        /// Which listener.
        name: String,
        /// The address asked for.
        address: String,
    },
    /// Anything else the system says.
    #[error("NET-0003: {name}: can't listen on {address}")]
    Other {
        /// Which listener.
        name: String,
        /// The address asked for.
        address: String,
        /// What the system says.
        source: io::Error,
    },
}

impl Listener {
    /// Listens; a socket of this name that was handed over wins over the configured address.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn bind(
        name: &str,
        at: &Listen,
        handed_over: &mut HandedOver,
    ) -> Result<Self, BindError> {
        let opened = match handed_over.take(name) {
            Some(socket) => adopt(socket),
            None => open(at).await,
        };
        let socket = opened.map_err(|cause| BindError::new(name, at, cause))?;
        let bound = match &socket {
            Either::Left(tcp) => Bound::Tcp(
                tcp.local_addr()
                    .map_err(|cause| BindError::new(name, at, cause))?,
            ),
            Either::Right(unix) => {
                let address = unix
                    .local_addr()
                    .map_err(|cause| BindError::new(name, at, cause))?;
                Bound::Unix(address.as_pathname().map(PathBuf::from).unwrap_or_default())
            }
        };
        Ok(Self { socket, bound })
    }

    /// Where it is bound.
    pub const fn bound(&self) -> &Bound {
        &self.bound
    }

    /// Waits for the next connection. Small writes go out at once: an answer is never held back
    /// for the next one.
    pub async fn accept(&self) -> io::Result<Connection> {
        match &self.socket {
            Either::Left(tcp) => {
                let (stream, peer) = tcp.accept().await?;
                stream.set_nodelay(true)?;
                Ok(Connection {
                    stream: Either::Left(stream),
                    peer: Some(peer.ip()),
                })
            }
            Either::Right(unix) => {
                let (stream, _) = unix.accept().await?;
                Ok(Connection {
                    stream: Either::Right(stream),
                    peer: None,
                })
            }
        }
    }
}

async fn open(at: &Listen) -> io::Result<Either<TcpListener, UnixListener>> {
    match at {
        Listen::Tcp(address) => TcpListener::bind(address).await.map(Either::Left),
        Listen::Unix(path) => {
            // A file left behind by a dead server refuses connections; a living one answers.
            if UnixStream::connect(path)
                .await
                .is_err_and(|e| e.kind() == io::ErrorKind::ConnectionRefused)
            {
                tokio::fs::remove_file(path).await?;
            }
            UnixListener::bind(path).map(Either::Right)
        }
    }
}

fn adopt(socket: Socket) -> io::Result<Either<TcpListener, UnixListener>> {
    match socket {
        Socket::Tcp(tcp) => {
            tcp.set_nonblocking(true)?;
            TcpListener::from_std(tcp).map(Either::Left)
        }
        Socket::Unix(unix) => {
            unix.set_nonblocking(true)?;
            UnixListener::from_std(unix).map(Either::Right)
        }
    }
}

impl BindError {
    fn new(name: &str, at: &Listen, cause: io::Error) -> Self {
        let (name, address) = (name.to_owned(), at.to_string());
        match cause.kind() {
            io::ErrorKind::AddrInUse => Self::InUse { name, address },
            io::ErrorKind::PermissionDenied => Self::NotAllowed { name, address },
            _ => Self::Other {
                name,
                address,
                source: cause,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn any_port() -> Listen {
        "127.0.0.1:0".parse().unwrap()
    }

    #[tokio::test]
    async fn a_port_in_use_says_what_to_do() {
        let first = Listener::bind("checks", &any_port(), &mut HandedOver::default())
            .await
            .unwrap();
        let taken: Listen = first.bound().address().parse().unwrap();
        let again = Listener::bind("checks", &taken, &mut HandedOver::default()).await;
        let Err(error) = again else {
            panic!("bound twice")
        };
        assert!(matches!(error, BindError::InUse { .. }));
        assert!(error.to_string().contains(&first.bound().address()));
    }

    #[tokio::test]
    async fn a_socket_file_left_behind_is_replaced_and_a_living_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let at = Listen::Unix(folder.path().join("gate.sock"));
        let first = Listener::bind("checks", &at, &mut HandedOver::default())
            .await
            .unwrap();
        assert!(
            Listener::bind("checks", &at, &mut HandedOver::default())
                .await
                .is_err()
        );
        drop(first);
        let second = Listener::bind("checks", &at, &mut HandedOver::default())
            .await
            .unwrap();
        assert_eq!(second.bound().address(), at.to_string());
    }
}
