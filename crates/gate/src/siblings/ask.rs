//! The side that knows nothing yet.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use aeolus_api::trust::Trust;
use aeolus_keys::seal::SiblingMessage;
use aeolus_model::Rng;
use bytes::Bytes;
use http::header::HOST;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use prost::Message as _;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::{ANSWER, PATH, Peer, QUESTION, SiblingConfig};
use crate::adapters::WorldReplica;
use crate::replica::{Handover, HandoverError};
use crate::secret::PlaneSecret;

/// Between rounds. Control is asked beside them, and whoever answers first is listened to.
const PAUSE: Duration = Duration::from_secs(2);
/// How long a sibling may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(2);
/// How long its whole answer may take.
const WHOLE: Duration = Duration::from_secs(60);
/// Most addresses asked in a round.
const ASKED: usize = 64;

/// Why a sibling was no help.
#[derive(Debug, thiserror::Error)]
enum AskError {
    #[error("it can't be reached in time")]
    Unreachable,
    #[error("there is no TLS with it: {0}")]
    Tls(std::io::Error),
    #[error("it answers {0}")]
    Status(StatusCode),
    #[error("its answer breaks off, takes too long or is too large")]
    Broken,
    #[error("its answer is not sealed with this plane's secret: is secret.json the same there?")]
    Seal,
    #[error("what it knows is not taken: {0}")]
    Handover(#[from] HandoverError),
    #[error("nothing can be sealed with the plane secret here")]
    NoSecret,
}

/// Asks every sibling in turn until something is in force, from one of them or from control.
pub(crate) async fn begin(
    replica: Arc<WorldReplica>,
    secret: Arc<PlaneSecret>,
    (config, rng): (SiblingConfig, Arc<dyn Rng>),
) {
    let mut said = false;
    while replica.current().is_none() {
        for (address, peer) in addresses(&config.peers).await {
            if replica.current().is_some() {
                return;
            }
            let at = (address, peer, &config);
            match ask(&replica, &secret, at, &rng).await {
                Ok(true) => {
                    tracing::info!(%address, "began with the snapshot of a sibling");
                    return;
                }
                Ok(false) => return,
                Err(error) if said => tracing::debug!(%address, %error, "a sibling was no help"),
                Err(error) => tracing::warn!(%address, %error, "a sibling was no help"),
            }
        }
        said = true;
        sleep(PAUSE).await;
    }
}

/// Every address of every name, in the order of the configuration.
async fn addresses(peers: &[Peer]) -> Vec<(SocketAddr, &Peer)> {
    let mut all = Vec::new();
    for peer in peers {
        match timeout(CONNECT, tokio::net::lookup_host(peer.address())).await {
            Ok(Ok(found)) => all.extend(found.map(|address| (address, peer))),
            Ok(Err(error)) => tracing::warn!(%peer, %error, "a sibling's name can't be looked up"),
            Err(_) => tracing::warn!(%peer, "a sibling's name can't be looked up in time"),
        }
    }
    all.truncate(ASKED);
    all
}

/// Asks one; says whether its snapshot is in force now.
async fn ask(
    replica: &Arc<WorldReplica>,
    secret: &PlaneSecret,
    (address, peer, config): (SocketAddr, &Peer, &SiblingConfig),
    rng: &Arc<dyn Rng>,
) -> Result<bool, AskError> {
    let question = question(secret, &**rng).ok_or(AskError::NoSecret)?;
    let connected = timeout(CONNECT, TcpStream::connect(address)).await;
    let stream = connected.ok().and_then(Result::ok);
    let stream = stream.ok_or(AskError::Unreachable)?;
    let answer = async {
        let Some(host) = peer.proves() else {
            return exchange(stream, address, question.clone()).await;
        };
        let trust = match &config.trust {
            Some(trust) => Arc::clone(trust),
            None => Trust::of_system().map_err(AskError::Tls)?,
        };
        let secure = timeout(CONNECT, aeolus_tls::connect(&trust, host, stream)).await;
        let secure = secure.map_err(|_| AskError::Unreachable)?;
        exchange(secure.map_err(AskError::Tls)?, address, question.clone()).await
    };
    let sealed = timeout(WHOLE, answer).await;
    let sealed = sealed.map_err(|_| AskError::Broken)??;
    let opened = {
        let secret = secret.load();
        let secret = secret.as_ref().ok_or(AskError::NoSecret)?;
        let message = SiblingMessage::AnswerTo(&question);
        secret
            .siblings
            .open(message, sealed)
            .ok_or(AskError::Seal)?
    };
    // Reading and indexing it is seconds of work for a large plane.
    let replica = Arc::clone(replica);
    let adopted = tokio::task::spawn_blocking(move || {
        let handover = Handover::decode(opened.expose().as_slice());
        replica.adopt(handover.map_err(|_| HandoverError::Malformed)?)
    });
    Ok(adopted.await.map_err(|_| HandoverError::Malformed)??)
}

fn question(secret: &PlaneSecret, rng: &dyn Rng) -> Option<Vec<u8>> {
    let mut random = [0; QUESTION];
    rng.fill(&mut random);
    let secret = secret.load();
    let sealer = &secret.as_ref()?.siblings;
    sealer.seal(SiblingMessage::Question, &random, rng)
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    address: SocketAddr,
    question: Vec<u8>,
) -> Result<Vec<u8>, AskError> {
    let broken = |_| AskError::Broken;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(broken)?;
    let request = Request::post(PATH)
        .header(HOST, address.to_string())
        .body(Full::new(Bytes::from(question)))
        .map_err(|_| AskError::Broken)?;
    let asked = async {
        let answer = sender.send_request(request).await.map_err(broken)?;
        if answer.status() != StatusCode::OK {
            return Err(AskError::Status(answer.status()));
        }
        let body = Limited::new(answer.into_body(), ANSWER).collect().await;
        Ok(body.map_err(|_| AskError::Broken)?.to_bytes().to_vec())
    };
    tokio::pin!(asked);
    // The connection does the work of both sides; when it ends first, the answer is all there is.
    tokio::select! {
        answered = &mut asked => answered,
        _ = connection => asked.await,
    }
}
