//! `aeolus kube`.

mod certificates;
mod cluster;
mod figures;
#[cfg(test)]
mod fixture;
mod jwk;
mod pull;
mod replica;
mod signing;
mod sync;

pub(super) use certificates::certificates;
pub(super) use pull::pull;
pub(super) use sync::sync;

use aeolus_kube::{Access, Client, KubeError};

use crate::args::KubeAccess;
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
