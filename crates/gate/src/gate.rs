//! The gate as one value: what every listener of it shares.

use std::net::IpAddr;
use std::sync::Arc;

use aeolus_decide::{Access, Allowed, Decision, Deny, Freshness, Judge, Reason, Request, World};
use aeolus_keys::seal::{Keyring, Sealer};
use aeolus_model::{PlaneId, Rng, Subject, Time};
use tokio::time::Instant;

use crate::exchange::{Exchange, ExchangeError, Presented};
use crate::memory::{Remembered, Tokens};
use crate::observe::{Gauges, Metrics};
use crate::ports::{Journal, Knowledge, Refused, Sessions, TokenEndpoint};
use crate::upstream::Upstream;

/// What a gate is made of.
pub struct Parts {
    /// Which plane it serves.
    pub plane: PlaneId,
    /// The plane secret.
    pub secret: Arc<Keyring>,
    /// What is known.
    pub knowledge: Arc<dyn Knowledge>,
    /// What was learnt of sessions.
    pub sessions: Arc<dyn Sessions>,
    /// Where decisions are told.
    pub journal: Arc<dyn Journal>,
    /// Control's token endpoint; none at a gate that never has news: nobody can sign in there.
    pub tokens: Option<Arc<dyn TokenEndpoint>>,
    /// Randomness.
    pub rng: Arc<dyn Rng>,
}

/// A gate. Also usable in-process, by tests and by control's own check.
pub struct Gate {
    pub(crate) plane: PlaneId,
    pub(crate) knowledge: Arc<dyn Knowledge>,
    pub(crate) memory: Remembered,
    pub(crate) exchange: Exchange,
    pub(crate) upstream: Upstream,
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) tokens: Option<Arc<dyn TokenEndpoint>>,
    pub(crate) rng: Arc<dyn Rng>,
    /// What is counted.
    pub metrics: Metrics,
}

/// Verified tokens, and minted ones, that are remembered.
const CAPACITY: usize = 100_000;

/// A request's fate, ready for a codec or the proxy.
pub enum Verdict {
    /// It goes on, with these headers where it goes on as somebody.
    Allow(Allowed, Option<Arc<Presented>>),
    /// It doesn't.
    Deny(Deny),
    /// To our own pages first.
    SignIn(aeolus_decide::SignIn),
}

impl Gate {
    /// Assembles a gate. Nothing runs yet.
    pub fn new(parts: Parts) -> Self {
        let sealer = Sealer::new(&parts.secret, parts.plane.as_bytes());
        let tokens = Tokens::new(CAPACITY, &*parts.rng);
        let rng = Arc::clone(&parts.rng);
        Self {
            plane: parts.plane,
            knowledge: parts.knowledge,
            memory: Remembered::new(tokens, sealer, parts.sessions),
            exchange: Exchange::new(parts.plane, parts.secret, rng, CAPACITY),
            upstream: Upstream::default(),
            journal: parts.journal,
            tokens: parts.tokens,
            rng: parts.rng,
            metrics: Metrics::default(),
        }
    }

    /// Decides a request and exchanges the credential of whoever may pass.
    pub fn check(&self, request: &Request<'_>) -> Verdict {
        let started = Instant::now();
        let now = self.knowledge.now();
        let decision = match self.knowledge.world() {
            Some(world) => self.judge(&world, now).decide(request),
            None => Decision::Deny(Deny::because(Reason::NoSnapshot)),
        };
        let (decision, presented) = self.exchanged(decision, now);
        self.metrics.decided(&decision, started.elapsed());
        self.journal.checked();
        match decision {
            Decision::Allow(allowed) => Verdict::Allow(allowed, presented),
            Decision::SignIn(sign_in) => Verdict::SignIn(sign_in),
            Decision::Deny(deny) => {
                self.tell(&deny, request.peer, now);
                Verdict::Deny(deny)
            }
        }
    }

    /// The judge of this moment.
    pub(crate) fn judge<'a>(&'a self, world: &'a World, now: Time) -> Judge<'a> {
        Judge {
            world,
            memory: &self.memory,
            freshness: Freshness {
                age: self.knowledge.age(),
            },
            now,
        }
    }

    fn exchanged(&self, decision: Decision, now: Time) -> (Decision, Option<Arc<Presented>>) {
        let Decision::Allow(allowed) = &decision else {
            return (decision, None);
        };
        let Access::As(identity) = allowed.access() else {
            return (decision, None);
        };
        let deployment = allowed.deployment();
        match self.exchange.present(identity, deployment, now) {
            Ok(presented) => {
                if let Some(used) = identity.session {
                    if used.renew {
                        self.memory.sessions.renew(used.id, deployment.id);
                    }
                    if let Some(until) = used.extended {
                        self.memory.extend(used.id, now, until);
                    }
                }
                (decision, Some(presented))
            }
            Err(error) => {
                let reason = match error {
                    ExchangeError::Signer(_) => {
                        tracing::error!(deployment = %deployment.id, %error, "nothing can be signed");
                        Reason::SignerMissing
                    }
                    ExchangeError::CredentialOver => Reason::TokenExpired,
                };
                let deny = Deny {
                    reason,
                    deployment: Some(deployment.id),
                    subject: Some(identity.subject),
                };
                (Decision::Deny(deny), None)
            }
        }
    }

    /// Tells the journal and the log of a refusal. No part of the request that a client chose
    /// freely is written.
    fn tell(&self, deny: &Deny, peer: Option<IpAddr>, now: Time) {
        let source = peer.map(|peer| peer.to_string()).unwrap_or_default();
        let mut random = [0; 8];
        self.rng.fill(&mut random);
        let request_id = format!("{:016x}", u64::from_be_bytes(random));
        tracing::debug!(
            reason = deny.reason.code(),
            deployment = deny.deployment.map(tracing::field::display),
            source,
            request_id,
            "refused"
        );
        self.journal.refused(Refused {
            at: now,
            deployment: deny.deployment,
            source,
            reason: deny.reason.code(),
            subject: deny.subject,
            request_id,
        });
    }

    /// The figures of this moment.
    pub fn gauges(&self) -> Gauges {
        let world = self.knowledge.world();
        Gauges {
            age: self.knowledge.age(),
            loaded: world.is_some(),
            deployments: world.as_ref().map_or(0, |w| w.deployments().len()),
            refused_deployments: world.as_ref().map_or(0, |w| w.refused().len()),
            tokens: self.memory.tokens.len(),
        }
    }
}

/// The id of a subject, whatever its kind.
pub(crate) fn subject_id(subject: Subject) -> String {
    match subject {
        Subject::User(id) => id.to_string(),
        Subject::Token(id) => id.to_string(),
        Subject::Team(id) => id.to_string(),
    }
}
