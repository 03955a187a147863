//! A TCP proxy that misbehaves as told: what a network does to a connection that the kernel of a test
//! machine can't be asked for.
//!
//! Bytes pass as they are, so TLS does too. What is set holds for connections that are open already.

mod link;
mod weather;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use self::link::{Broken, End, pump};
pub use self::weather::{Arrivals, Command, Link, UnknownWord, Weather};

/// A running proxy; dropping it resets what passes through it.
#[derive(Debug)]
pub struct Chaos {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    target: SocketAddr,
    weather: watch::Sender<Weather>,
    severed: watch::Sender<Severed>,
    accepted: AtomicU64,
}

/// The numbers of the last connections that were cut and that were left half-open.
#[derive(Clone, Copy, Debug, Default)]
struct Severed {
    cut: u64,
    frozen: u64,
}

impl Chaos {
    /// Listens on a free loopback port and passes everything on to `target`.
    pub async fn start(target: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            target,
            weather: watch::Sender::default(),
            severed: watch::Sender::default(),
            accepted: AtomicU64::new(0),
        });
        let task = tokio::spawn(accept(listener, address, Arc::clone(&shared)));
        Ok(Self {
            address,
            shared,
            task,
        })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Connections that were accepted since the start.
    pub fn accepted(&self) -> u64 {
        self.shared.accepted.load(Ordering::SeqCst)
    }

    /// Does what is asked for.
    pub fn run(&self, command: Command) {
        let (open, severed) = (self.accepted(), &self.shared.severed);
        match command {
            Command::Cut => severed.send_modify(|severed| severed.cut = open),
            Command::HalfOpen => severed.send_modify(|severed| severed.frozen = open),
            Command::Weather(weather) => drop(self.shared.weather.send_replace(weather)),
        }
    }
}

impl Drop for Chaos {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Accepts, or refuses as a machine does where nothing listens.
async fn accept(listener: TcpListener, address: SocketAddr, shared: Arc<Shared>) {
    let mut weather = shared.weather.subscribe();
    let mut connections = JoinSet::new();
    let mut listener = Some(listener);
    loop {
        while connections.try_join_next().is_some() {}
        let refuses = weather.borrow_and_update().arrivals == Arrivals::Refuse;
        if refuses {
            listener = None;
        } else if listener.is_none() {
            listener = bind(address).ok();
        }
        let Some(open) = listener.as_ref() else {
            if weather.changed().await.is_err() {
                return;
            }
            continue;
        };
        tokio::select! {
            accepted = open.accept() => if let Ok((client, _)) = accepted {
                let number = shared.accepted.fetch_add(1, Ordering::SeqCst) + 1;
                connections.spawn(connection(client, number, Arc::clone(&shared)));
            },
            changed = weather.changed() => if changed.is_err() { return },
        }
    }
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(1024)
}

async fn connection(mut client: TcpStream, number: u64, shared: Arc<Shared>) {
    let mut severed = shared.severed.subscribe();
    let cut = async {
        // An error is the end of the proxy, and of this task with it.
        let _ = severed.wait_for(|severed| severed.cut >= number).await;
    };
    let mut server = None;
    let ended = tokio::select! {
        () = cut => Err(Broken),
        ended = pass(&mut client, &mut server, number, &shared) => ended,
    };
    if ended.is_err() {
        // Both ends learn of it as of a machine that died and came back: by a reset.
        let _ = client.set_zero_linger();
        if let Some(server) = &server {
            let _ = server.set_zero_linger();
        }
    }
}

async fn pass(
    client: &mut TcpStream,
    server: &mut Option<TcpStream>,
    number: u64,
    shared: &Shared,
) -> Result<(), Broken> {
    let connected = TcpStream::connect(shared.target).await?;
    let server = server.insert(connected);
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let ((from_client, to_client), (from_server, to_server)) = (client.split(), server.split());
    let end = |up| End {
        up,
        number,
        weather: shared.weather.subscribe(),
        severed: shared.severed.subscribe(),
    };
    tokio::try_join!(
        pump(from_client, to_server, end(true)),
        pump(from_server, to_client, end(false)),
    )?;
    Ok(())
}

#[cfg(test)]
mod tests;
