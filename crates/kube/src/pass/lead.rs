//! Who syncs, of several that could: whoever has the Lease. Passes of two at once do no harm, they only ask twice.

use std::collections::BTreeMap;
use std::time::Duration;

use aeolus_model::Clock;
use tokio::time::{Instant, sleep};

use crate::client::{Client, Lease};
use crate::error::KubeError;
use crate::object::Place;

/// One that would sync.
pub struct Leader<'a> {
    /// The cluster.
    pub client: &'a Client,
    /// Where the Lease lies.
    pub place: Place,
    /// This one, in words that no other has.
    pub me: String,
    /// So long a holder that says nothing keeps it.
    pub duration: Duration,
    /// The time.
    pub clock: &'a dyn Clock,
}

/// Who has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lead {
    /// This one, by this Lease.
    Mine(Lease),
    /// Another, that lives as far as one look can tell.
    Theirs(Lease),
}

impl Leader<'_> {
    /// Takes the Lease once its holder hasn't said for so long that it lives, and gives up when the holder does say it.
    pub async fn take_from_the_dead(&self) -> Result<Lead, KubeError> {
        let mut seen: Option<Lease> = None;
        // Clocks that are apart must not make it wait for ever.
        let patience = Instant::now() + self.duration * 2;
        loop {
            match (self.take().await?, &seen) {
                (Lead::Theirs(now), Some(before))
                    if now.version != before.version || Instant::now() >= patience =>
                {
                    return Ok(Lead::Theirs(now));
                }
                (Lead::Theirs(now), _) => seen = Some(now),
                (mine, _) => return Ok(mine),
            }
            sleep(self.duration / 6).await;
        }
    }

    /// Takes the Lease, if nobody that lives has it.
    pub async fn take(&self) -> Result<Lead, KubeError> {
        let found = self.client.lease(&self.place).await?;
        match self.next(found) {
            Lead::Mine(wanted) => self.write(&wanted).await,
            theirs @ Lead::Theirs(_) => Ok(theirs),
        }
    }

    /// Says again and again that this one lives, and gives back who has the Lease once that is another. A failure in
    /// between is tried again until the Lease would be another's.
    pub async fn keep(&self, mine: &mut Lease) -> Result<Lead, KubeError> {
        let mut failed: Option<KubeError> = None;
        loop {
            sleep(self.duration / 3).await;
            match self.take().await {
                Ok(Lead::Mine(lease)) => {
                    *mine = lease;
                    failed = None;
                }
                Ok(theirs) => return Ok(theirs),
                Err(error) if failed.is_some() => return Err(error),
                Err(error) => failed = Some(error),
            }
        }
    }

    /// Lets it go, with what is to be known of the work that was done.
    pub async fn release(&self, notes: BTreeMap<String, String>) -> Result<(), KubeError> {
        self.noted(notes, None).await
    }

    /// Writes what is to be known of the work, and keeps it.
    pub async fn note(&self, notes: BTreeMap<String, String>) -> Result<(), KubeError> {
        self.noted(notes, Some(self.me.clone())).await
    }

    async fn noted(
        &self,
        notes: BTreeMap<String, String>,
        holder: Option<String>,
    ) -> Result<(), KubeError> {
        let Some(mut lease) = self.client.lease(&self.place).await? else {
            return Ok(());
        };
        // It is another's by now.
        if lease.holder.as_deref() != Some(&self.me) {
            return Ok(());
        }
        lease.annotations.extend(notes);
        lease.holder = holder;
        lease.renewed = Some(self.clock.now());
        match self.client.write_lease(&self.place, &lease).await {
            Ok(_) | Err(KubeError::Conflict(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn write(&self, wanted: &Lease) -> Result<Lead, KubeError> {
        match self.client.write_lease(&self.place, wanted).await {
            Ok(written) => Ok(Lead::Mine(written)),
            // Somebody else wrote it meanwhile: who has it now?
            Err(KubeError::Conflict(told) | KubeError::Exists(told)) => {
                let found = self.client.lease(&self.place).await?;
                let theirs = found.filter(|lease| {
                    let holder = lease.holder.as_ref();
                    holder.is_some_and(|holder| *holder != self.me)
                });
                theirs.map(Lead::Theirs).ok_or(KubeError::Conflict(told))
            }
            Err(error) => Err(error),
        }
    }

    /// What the Lease should be, or who has it.
    fn next(&self, found: Option<Lease>) -> Lead {
        let now = self.clock.now();
        let mut lease = found.unwrap_or_default();
        let is_mine = lease.holder.as_deref() == Some(&self.me);
        if lease.holder.is_some()
            && !is_mine
            && let Some(renewed) = lease.renewed
            // One that was renewed in a future that far off was written by a clock that is wrong.
            && now < renewed.plus(lease.duration)
            && renewed < now.plus(lease.duration)
        {
            return Lead::Theirs(lease);
        }
        if !is_mine {
            lease.taken = Some(now);
            lease.transitions += u32::from(!lease.version.is_empty());
        }
        lease.holder = Some(self.me.clone());
        lease.duration = self.duration;
        lease.renewed = Some(now);
        Lead::Mine(lease)
    }
}
