//! One order (RFC 8555 §7.1.3): from names to a chain that is proved.

use std::time::Duration;

use aeolus_pki::{Certificate, PrivateKey, certificate_request};
use instant_acme::{
    Account, AuthorizationStatus, CertificateIdentifier, ChallengeStatus, Error, NewOrder, Order,
    OrderStatus, RetryPolicy,
};

use crate::account::set_aside;
use crate::client::Client;
use crate::error::AcmeError;
use crate::folder::Locked;
use crate::problem::Told;
use crate::proof::prove;
use crate::solver::{Answer, Token};
use crate::state::State;
use crate::transport::Transport;

/// What an order needs.
pub(crate) struct Ordering<'a> {
    /// Whose it is.
    pub(crate) client: &'a Client,
    pub(crate) transport: &'a Transport,
}

/// What came of it.
pub(crate) struct Ordered {
    pub(crate) chain: Vec<Certificate>,
    pub(crate) key: PrivateKey,
}

impl Ordering<'_> {
    /// Orders. Answers that were given stay in the state: whoever calls takes them back, whatever came of it.
    pub(crate) async fn run(
        &self,
        locked: &Locked,
        state: &mut State,
        replaces: Option<CertificateIdentifier<'_>>,
    ) -> Result<Ordered, AcmeError> {
        let mut order = self.begin(locked, replaces).await?;
        if order.state().status == OrderStatus::Pending {
            self.show(&mut order, (locked, state)).await?;
            self.wait(&mut order).await?;
        }
        self.finish(&mut order).await
    }

    async fn begin(
        &self,
        locked: &Locked,
        replaces: Option<CertificateIdentifier<'_>>,
    ) -> Result<Order, AcmeError> {
        let directory = self.client.asked.directory();
        let account = self
            .client
            .settings
            .account(directory, (locked, self.transport))
            .await?;
        match self.ask(&account, replaces).await {
            Err(Error::Api(problem)) if Told::is_unknown_account(&problem) => {
                set_aside(directory, locked)?;
                let account = self
                    .client
                    .settings
                    .account(directory, (locked, self.transport))
                    .await?;
                self.ask(&account, None).await
            }
            done => done,
        }
        .map_err(|error| self.transport.error(error))
    }

    /// What it replaces only helps the authority: an order that it refuses for that is made without. No other
    /// refusal is answered by asking again: the authority counts what it is asked.
    async fn ask(
        &self,
        account: &Account,
        replaces: Option<CertificateIdentifier<'_>>,
    ) -> Result<Order, Error> {
        let identifiers = self.client.asked.identifiers();
        if let Some(replaces) = replaces {
            let wanted = NewOrder::new(&identifiers).replaces(replaces);
            match patient(async || account.new_order(&wanted).await).await {
                Err(error) if Transport::is_of_replacement(&error) => {}
                done => return done,
            }
        }
        let wanted = NewOrder::new(&identifiers);
        patient(async || account.new_order(&wanted).await).await
    }

    /// Gives every answer first, then says that they can be looked at.
    async fn show(
        &self,
        order: &mut Order,
        (locked, state): (&Locked, &mut State),
    ) -> Result<(), AcmeError> {
        self.fetch(order).await?;
        let kind = self.client.asked.challenge();
        let mut all = order.authorizations();
        while let Some(next) = all.next().await {
            let mut next = next.map_err(|error| self.transport.error(error))?;
            let name = next.identifier().to_string();
            match next.status {
                AuthorizationStatus::Valid => continue,
                AuthorizationStatus::Pending => {}
                other => {
                    let what = format!("{name} is {other:?} in a new order");
                    return Err(AcmeError::Senseless(what));
                }
            }
            let challenge = next.challenge(kind.kind());
            let challenge = challenge.ok_or(AcmeError::NotOffered {
                challenge: kind,
                name: name.clone(),
            })?;
            let proof = challenge.key_authorization();
            let token = Token::parse(&challenge.token);
            let proved = self.client.asked.proved(&name);
            let proved = proved.ok_or_else(|| AcmeError::Senseless(NOT_ORDERED.to_owned()))?;
            let answer = Answer {
                challenge: kind,
                name: proved,
                token: token.map_err(|error| AcmeError::Senseless(error.to_string()))?,
                content: proof.as_str().to_owned(),
                value: proof.dns_value(),
            };
            // Remembered first: whoever stops this run leaves something to be taken back.
            state.answers.push(answer.clone());
            locked.remember(state)?;
            let shown = locked.folder().answer(&answer.token);
            self.client.solver.present(&answer, shown).await?;
        }
        let mut all = order.authorizations();
        while let Some(next) = all.next().await {
            let mut next = next.map_err(|error| self.transport.error(error))?;
            let name = next.identifier().to_string();
            if next.status == AuthorizationStatus::Valid {
                continue;
            }
            let Some(mut challenge) = next.challenge(kind.kind()) else {
                continue;
            };
            match patient(async || challenge.set_ready().await).await {
                Ok(()) => {}
                Err(Error::Api(problem)) => {
                    let told = self.transport.told(&problem);
                    return Err(AcmeError::Rejected { name, told });
                }
                Err(error) => return Err(self.transport.error(error)),
            }
        }
        Ok(())
    }

    /// Asks for every authorization, again where one was refused for its nonce.
    async fn fetch(&self, order: &mut Order) -> Result<(), AcmeError> {
        let fetched = patient(async || {
            let mut all = order.authorizations();
            while let Some(next) = all.next().await {
                next?;
            }
            Ok(())
        });
        fetched.await.map_err(|error| self.transport.error(error))
    }

    async fn wait(&self, order: &mut Order) -> Result<(), AcmeError> {
        let policy = self.policy();
        let error = match patient(async || order.poll_ready(&policy).await).await {
            Ok(OrderStatus::Ready) => return Ok(()),
            Ok(_) => AcmeError::Senseless("the order is invalid, and no name says why".to_owned()),
            Err(Error::Timeout(_)) => AcmeError::NotInTime(self.client.limits.authority.as_secs()),
            Err(error) => self.transport.error(error),
        };
        Err(self.rejected(order).await.unwrap_or(error))
    }

    /// The name that the authority didn't believe in, and why.
    async fn rejected(&self, order: &mut Order) -> Option<AcmeError> {
        let mut all = order.authorizations();
        while let Some(next) = all.next().await {
            let mut next = next.ok()?;
            patient(async || next.refresh().await.map(|_| ()))
                .await
                .ok()?;
            let failed = next.challenges.iter().find(|challenge| {
                challenge.status == ChallengeStatus::Invalid && challenge.error.is_some()
            });
            if let Some(problem) = failed.and_then(|challenge| challenge.error.as_ref()) {
                return Some(AcmeError::Rejected {
                    name: next.identifier().to_string(),
                    told: self.transport.told(problem),
                });
            }
        }
        None
    }

    async fn finish(&self, order: &mut Order) -> Result<Ordered, AcmeError> {
        let kind = self.client.key;
        // RSA takes seconds.
        let made = tokio::task::spawn_blocking(move || PrivateKey::generate(kind)).await;
        let made = made.map_err(|error| AcmeError::NotMade(error.to_string()))?;
        let key = made.map_err(|error| AcmeError::NotMade(error.to_string()))?;
        let request = certificate_request(&key, self.client.asked.names());
        let request = request.map_err(|error| AcmeError::NotMade(error.to_string()))?;
        let sent = patient(async || order.finalize_csr(&request).await).await;
        sent.map_err(|error| self.transport.error(error))?;
        let policy = self.policy();
        let pem = patient(async || order.poll_certificate(&policy).await).await;
        let pem = pem.map_err(|error| match error {
            Error::Timeout(_) => AcmeError::NotInTime(self.client.limits.authority.as_secs()),
            error => self.transport.error(error),
        })?;
        let what = (key.public(), self.client.asked.names());
        let chain = prove(&pem, what, &self.client.trusted, self.client.clock.now())?;
        Ok(Ordered { chain, key })
    }

    fn policy(&self) -> RetryPolicy {
        RetryPolicy::new()
            .initial_delay(Duration::from_millis(250))
            .backoff(1.5)
            .timeout(self.client.limits.authority)
    }
}

const NOT_ORDERED: &str = "it wants a proof of a name that was not ordered";

/// Beyond what the library does by itself.
const NONCES: u32 = 8;

/// Does a step again while the authority refuses the nonce: nothing was done then (RFC 8555 §6.5).
pub(crate) async fn patient<T>(
    mut step: impl AsyncFnMut() -> Result<T, Error>,
) -> Result<T, Error> {
    let mut left = NONCES;
    loop {
        match step().await {
            Err(Error::Api(problem)) if Told::is_bad_nonce(&problem) && left > 0 => left -= 1,
            done => return done,
        }
    }
}
