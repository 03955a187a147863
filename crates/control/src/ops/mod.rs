//! For operators: is it alive, is it ready, what does it count.

mod health;
mod metrics;

pub(crate) use health::{livez, readyz};
pub(crate) use metrics::{Metrics, metrics};
