//! `aeolus kube`.

mod apply_tls;
mod bring_tls;
mod certificates;
mod check;
mod cluster;
mod figures;
#[cfg(test)]
mod fixture;
mod jwk;
mod owner;
mod pull;
mod renew;
mod replica;
mod restart;
mod served;
mod signing;
mod sync;
mod tls;
#[cfg(test)]
mod tls_fixture;

pub(super) use apply_tls::apply_tls;
pub(super) use certificates::certificates;
pub(super) use check::check;
pub(super) use pull::pull;
pub(super) use renew::renew;
pub(super) use restart::restart_ingress;
pub(super) use sync::sync;

use aeolus_kube::{Access, Client, KubeError, Place};

use crate::args::{KubeAccess, KubeSecret};
use crate::report::{Failure, Report};

impl KubeAccess {
    /// A client of the cluster that is meant.
    pub(crate) async fn client(&self) -> Result<Client, Failure> {
        let access = Access {
            kubeconfig: self.kubeconfig.clone(),
            context: self.context.clone(),
        };
        Client::connect(access)
            .await
            .map_err(|error| unreached(&error))
    }
}

fn unreached(error: &KubeError) -> Failure {
    Report::new(error.code(), error.to_string())
        .why("Nothing was changed in the cluster.")
        .help(error.help())
        .failed()
}

impl KubeSecret {
    /// Where it lies. What is said twice has to be said alike.
    fn place(&self, client: Option<&Client>) -> Result<Place, Failure> {
        let said = (&self.secret.namespace, &self.namespace);
        let namespace = match said {
            (Some(one), Some(other)) if one != other => {
                let what = format!("the namespace is {one} and {other}");
                return Err(Report::new("CLI-0012", what)
                    .help("say it once: NAMESPACE/NAME")
                    .usage());
            }
            (Some(namespace), _) | (None, Some(namespace)) => namespace.clone(),
            (None, None) => client
                .map(|client| client.namespace().to_owned())
                .unwrap_or_default(),
        };
        Ok(Place::new(namespace, self.secret.name.clone()))
    }

    /// Whether the cluster's configuration has to say the namespace.
    const fn is_placed(&self) -> bool {
        self.secret.namespace.is_some() || self.namespace.is_some()
    }
}
