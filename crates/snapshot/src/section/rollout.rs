//! Which deployments take which path to their decision.

use prost::{Enumeration, Message};

/// Section `rollouts`: which deployments take which path. Key: name. Absent where there are none.
#[derive(Clone, PartialEq, Message)]
pub struct Rollouts {
    /// The flags that are about this plane.
    #[prost(message, repeated, tag = "1")]
    pub rollouts: Vec<Rollout>,
}

/// A flag, as it is in force: promoted it is a percentage of 100, aborted one of 0 without a list.
#[derive(Clone, PartialEq, Message)]
pub struct Rollout {
    /// Its slug. Of several that fit a deployment, the first by name holds.
    #[prost(string, tag = "1")]
    pub name: String,
    /// The path it gives.
    #[prost(enumeration = "RolloutPath", tag = "2")]
    pub path: i32,
    /// The share of deployments that get it, 0 to 100.
    #[prost(uint32, tag = "3")]
    pub percent: u32,
    /// Deployments that get it whatever the share: names, as in section `deployments`.
    #[prost(string, repeated, tag = "4")]
    pub deployments: Vec<String>,
    /// The places in the tree it is about; none means everywhere.
    #[prost(string, repeated, tag = "5")]
    pub within: Vec<String>,
    /// The share of requests that are decided on the other path too, for comparison, 0 to 100.
    #[prost(uint32, tag = "6")]
    pub shadow_percent: u32,
    /// Present where gates may move a deployment off the path by themselves.
    #[prost(message, optional, tag = "7")]
    pub fall_back: Option<FallBack>,
}

/// A path to a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enumeration)]
#[repr(i32)]
pub enum RolloutPath {
    /// Never sent; the flag is skipped.
    Unspecified = 0,
    /// The gate alone.
    Plane = 1,
    /// The gate, then control.
    Central = 2,
}

/// When a gate moves a deployment by itself.
#[derive(Clone, Copy, PartialEq, Message)]
pub struct FallBack {
    /// The share of bad requests from which on it moves.
    #[prost(uint32, tag = "1")]
    pub bad_percent: u32,
    /// A decision that takes so many milliseconds is bad.
    #[prost(uint32, tag = "2")]
    pub slow_millis: u32,
    /// Fewer requests in a window say nothing.
    #[prost(uint32, tag = "3")]
    pub requests: u32,
    /// How many seconds it stays off the path after the first fall.
    #[prost(uint32, tag = "4")]
    pub hold: u32,
}
