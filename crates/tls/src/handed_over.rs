//! Sockets that a service manager opened for us (`sd_listen_fds(3)`).
//!
//! The manager keeps them open while a server restarts: connections wait in the queue instead of
//! being refused, so a gate can be replaced without one failed request.

use std::net::TcpListener;
use std::os::unix::net::UnixListener;

use listenfd::ListenFd;

/// The sockets handed over to this process, by name.
#[derive(Default)]
pub struct HandedOver {
    names: Vec<String>,
    sockets: Option<ListenFd>,
}

/// One of them.
pub(crate) enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl HandedOver {
    /// Takes over what the environment announces (`LISTEN_PID`, `LISTEN_FDS`); `names` is the
    /// value of `LISTEN_FDNAMES`, empty where there is none.
    pub fn from_environment(names: &str) -> Self {
        let names = names
            .split(':')
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect();
        Self {
            names,
            sockets: Some(ListenFd::from_env()),
        }
    }

    /// The socket of this name, once.
    pub(crate) fn take(&mut self, name: &str) -> Option<Socket> {
        let index = self.names.iter().position(|given| given == name)?;
        let sockets = self.sockets.as_mut()?;
        if let Ok(Some(tcp)) = sockets.take_tcp_listener(index) {
            return Some(Socket::Tcp(tcp));
        }
        sockets
            .take_unix_listener(index)
            .ok()
            .flatten()
            .map(Socket::Unix)
    }
}
