//! What the crate promises, through its public interface.

#[cfg(test)]
mod replica;
#[cfg(test)]
mod replica_control;
#[cfg(test)]
mod replica_disk;
#[cfg(test)]
mod replica_kill;
#[cfg(test)]
mod replica_stream;
#[cfg(test)]
mod replica_upstream;
