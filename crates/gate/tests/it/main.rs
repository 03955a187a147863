//! What the crate promises, through its public interface.

#[cfg(test)]
mod airflow2;
#[cfg(test)]
mod authorization;
#[cfg(test)]
mod checks;
#[cfg(test)]
mod dialects;
#[cfg(test)]
mod fleet;
#[cfg(test)]
mod forwarded;
#[cfg(test)]
mod guard;
#[cfg(test)]
mod idp;
#[cfg(test)]
mod late;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod outage;
#[cfg(test)]
mod proxy;
#[cfg(test)]
mod replica;
#[cfg(test)]
mod replica_control;
#[cfg(test)]
mod replica_disk;
#[cfg(test)]
mod replica_kill;
#[cfg(test)]
mod replica_lag;
#[cfg(test)]
mod replica_restore;
#[cfg(test)]
mod replica_share;
#[cfg(test)]
mod replica_stream;
#[cfg(test)]
mod replica_time;
#[cfg(test)]
mod replica_upstream;
#[cfg(test)]
mod rollout;
#[cfg(test)]
mod seeing;
#[cfg(test)]
mod serve;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod slow;
