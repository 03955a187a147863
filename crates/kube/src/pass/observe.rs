//! What there is: listed first, and read where marks don't say enough.

use std::collections::{BTreeMap, BTreeSet};

use aeolus_model::Time;

use super::{AT_ONCE, Syncer};
use crate::client::{Allowed, Namespace, Scope, Verb};
use crate::error::KubeError;
use crate::object::{Place, SecretObject};
use crate::pass::apply::in_parallel;
use crate::sync::{Lying, Observed, Owned, Plan, plan};

/// Namespaces that couldn't be read, and why.
pub(super) type Unread = Vec<(String, KubeError)>;

impl Syncer<'_> {
    /// Lists, plans, reads what the plan has to know, and plans again.
    pub(super) async fn decided(&self, now: Time) -> Result<(Observed, Plan, Unread), KubeError> {
        let mut unread = Vec::new();
        let mut observed = Observed {
            namespaces: self.namespaces(&mut unread).await?,
            secrets: self.sources().await?,
            lying: BTreeMap::new(),
        };
        observed.lying = self.copies(&mut observed.namespaces, &mut unread).await?;
        let first = plan(&observed, &self.settings, now);
        let looks: Vec<Place> = first.looks().cloned().collect();
        let found = in_parallel(AT_ONCE, &looks, |place| self.client.secret(place)).await;
        for (place, found) in looks.into_iter().zip(found) {
            match found {
                Ok(None) => drop(observed.lying.insert(place, Lying::Nothing)),
                Ok(Some(secret)) => drop(observed.lying.insert(place, Lying::Whole(secret))),
                Err(error) => unread.push((place.to_string(), error)),
            }
        }
        let mut plan = plan(&observed, &self.settings, now);
        let spared = self.undeletable(plan.deletions()).await;
        plan.spare(&spared);
        Ok((observed, plan, unread))
    }

    /// Those of these namespaces in which nothing may be deleted. Asked only where something would be: the original's role
    /// lacks the verb, and one that fails at each orphan would hide what else fails.
    async fn undeletable(&self, namespaces: BTreeSet<String>) -> BTreeSet<String> {
        let may = async |scope: Scope| {
            let may = self.client.may(Verb::Delete, ("", "secrets"), &scope).await;
            // Where that can't be asked, the deletion says it.
            may != Ok(Allowed::No)
        };
        if namespaces.is_empty() || (self.targets.is_none() && may(Scope::Cluster).await) {
            return BTreeSet::new();
        }
        let namespaces: Vec<String> = namespaces.into_iter().collect();
        let allowed = in_parallel(AT_ONCE, &namespaces, |name| {
            may(Scope::Namespace(name.clone()))
        });
        let allowed = allowed.await;
        let pairs = namespaces.into_iter().zip(allowed);
        pairs
            .filter_map(|(name, allowed)| (!allowed).then_some(name))
            .collect()
    }

    /// Every one, or the ones that copies may go to.
    async fn namespaces(&self, unread: &mut Unread) -> Result<Vec<Namespace>, KubeError> {
        let Some(targets) = &self.targets else {
            return self.client.namespaces().await;
        };
        let targets: Vec<String> = targets.iter().cloned().collect();
        let found = in_parallel(AT_ONCE, &targets, |name| self.client.one_namespace(name)).await;
        let mut namespaces = Vec::new();
        for (name, found) in targets.into_iter().zip(found) {
            match found {
                Ok(found) => namespaces.extend(found),
                Err(error) => unread.push((name, error)),
            }
        }
        Ok(namespaces)
    }

    async fn sources(&self) -> Result<Vec<SecretObject>, KubeError> {
        let scope = Scope::Namespace(self.namespace.clone());
        self.client.secrets(&scope, None, None).await
    }

    /// Copies that are ours, by their label. A namespace whose copies can't be listed is left out of this pass: what isn't
    /// known would look as if it were absent.
    async fn copies(
        &self,
        namespaces: &mut Vec<Namespace>,
        unread: &mut Unread,
    ) -> Result<BTreeMap<Place, Lying>, KubeError> {
        let labels = Owned::selector(&self.namespace);
        let scopes: Vec<Scope> = match &self.targets {
            None => vec![Scope::Cluster],
            Some(_) => namespaces
                .iter()
                .map(|one| Scope::Namespace(one.name.clone()))
                .collect(),
        };
        let found = in_parallel(AT_ONCE, &scopes, |scope| self.listed(scope, &labels)).await;
        let mut lying = BTreeMap::new();
        for (scope, found) in scopes.into_iter().zip(found) {
            match (scope, found) {
                (_, Ok(found)) => lying.extend(found),
                (Scope::Cluster, Err(error)) => return Err(error),
                (Scope::Namespace(name), Err(error)) => {
                    namespaces.retain(|namespace| namespace.name != name);
                    unread.push((name, error));
                }
            }
        }
        Ok(lying)
    }

    async fn listed(&self, scope: &Scope, labels: &str) -> Result<Vec<(Place, Lying)>, KubeError> {
        if self.settings.believe_marks {
            let found = self.client.secrets_meta(scope, Some(labels)).await?;
            let marked = found
                .into_iter()
                .map(|meta| (meta.place.clone(), Lying::Marked(meta)));
            return Ok(marked.collect());
        }
        let found = self.client.secrets(scope, Some(labels), None).await?;
        let whole = found
            .into_iter()
            .map(|one| (one.meta.place.clone(), Lying::Whole(one)));
        Ok(whole.collect())
    }
}
