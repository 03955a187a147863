//! The side that knows.

use std::net::IpAddr;
use std::sync::Arc;

use aeolus_keys::seal::SiblingMessage;
use aeolus_model::Rng;
use http::header::RETRY_AFTER;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use prost::Message as _;
use tokio::sync::Semaphore;

use super::{PATH, SEALED_QUESTION};
use crate::adapters::WorldReplica;
use crate::answer;
use crate::body::Body;
use crate::gate::Gate;
use crate::secret::PlaneSecret;
use crate::server::{Answering, Handler};

/// Answers replicas of the same plane that have nothing yet.
pub struct Siblings {
    gate: Arc<Gate>,
    replica: Arc<WorldReplica>,
    secret: Arc<PlaneSecret>,
    rng: Arc<dyn Rng>,
    /// An answer is large: one is made at a time.
    turn: Arc<Semaphore>,
}

impl Siblings {
    pub(crate) fn new(
        gate: Arc<Gate>,
        replica: Arc<WorldReplica>,
        secret: Arc<PlaneSecret>,
        rng: Arc<dyn Rng>,
    ) -> Self {
        Self {
            gate,
            replica,
            secret,
            rng,
            turn: Arc::new(Semaphore::new(1)),
        }
    }

    async fn serve(self: Arc<Self>, request: Request<Incoming>) -> Response<Body> {
        if request.uri().path() != PATH || request.method() != Method::POST {
            return answer::text(StatusCode::NOT_FOUND, "Nothing is served here.\n");
        }
        let question = Limited::new(request.into_body(), SEALED_QUESTION).collect();
        let Ok(question) = question.await else {
            return answer::text(StatusCode::BAD_REQUEST, "The request is malformed.\n");
        };
        let question = question.to_bytes().to_vec();
        if !self.is_a_siblings(&question) {
            return answer::text(StatusCode::FORBIDDEN, "Forbidden\n");
        }
        let Ok(turn) = Arc::clone(&self.turn).try_acquire_owned() else {
            return later();
        };
        let made = tokio::task::spawn_blocking(move || {
            let made = self.make(&question);
            drop(turn);
            made
        });
        match made.await {
            Ok(Some(sealed)) => answer::typed(StatusCode::OK, "application/octet-stream", sealed),
            _ => later(),
        }
    }

    fn is_a_siblings(&self, question: &[u8]) -> bool {
        let secret = self.secret.load();
        secret.as_ref().is_some_and(|secret| {
            let opened = secret
                .siblings
                .open(SiblingMessage::Question, question.to_vec());
            opened.is_some()
        })
    }

    /// The sealed answer; none if there is nothing that could be relied on here either.
    fn make(&self, question: &[u8]) -> Option<Vec<u8>> {
        let handover = self.replica.hand_over()?.encode_to_vec();
        let secret = self.secret.load();
        let message = SiblingMessage::AnswerTo(question);
        let sealed = secret
            .as_ref()?
            .siblings
            .seal(message, &handover, &*self.rng)?;
        tracing::info!(
            bytes = sealed.len(),
            "a replica without a snapshot was given this one's"
        );
        Some(sealed)
    }
}

fn later() -> Response<Body> {
    let text = "This replica has nothing to give at the moment.\n";
    let mut answer = answer::text(StatusCode::SERVICE_UNAVAILABLE, text);
    answer
        .headers_mut()
        .insert(RETRY_AFTER, HeaderValue::from(1));
    answer
}

impl Handler for Siblings {
    fn answer(self: Arc<Self>, request: Request<Incoming>, _peer: Option<IpAddr>) -> Answering {
        Answering::Later(Box::pin(self.serve(request)))
    }

    fn gate(&self) -> &Arc<Gate> {
        &self.gate
    }
}
