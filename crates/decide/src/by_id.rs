//! Tables by ids that control made. Nobody chooses those to make them collide, so they do without the
//! standard library's keyed hash, which is a tenth of what a decision costs. What tenants or strangers
//! write, hosts above all, is looked up by the standard one.

use std::collections::{HashMap, HashSet};

use foldhash::fast::RandomState;

/// A table by id.
pub(crate) type ById<K, V> = HashMap<K, V, RandomState>;

/// A set of ids.
pub(crate) type Ids<K> = HashSet<K, RandomState>;
