//! The names of annotations and labels.

/// On a source: a label selector of namespaces; `*`: every one; empty: the default selector.
pub const SYNC: &str = "aeolus/sync";
/// On a source: names of namespaces, or globs, with commas between.
pub const NAMESPACES: &str = "aeolus/sync-namespaces";
/// On a source: the same for those that never get it.
pub const EXCLUDE: &str = "aeolus/sync-exclude";
/// On a source: which keys are copied; absent: all.
pub const KEYS: &str = "aeolus/sync-keys";
/// On a source: `true` lets a private key be copied.
pub const PRIVATE_KEY: &str = "aeolus/sync-private-key";
/// On a source: the copies' name; absent: the source's.
pub const NAME: &str = "aeolus/sync-name";
/// On a source: what happens where a Secret of that name is there that isn't ours: `skip`, `adopt` or `fail`.
pub const ON_CONFLICT: &str = "aeolus/on-conflict";
/// On a source, and noted on copies: what becomes of a copy that has no source any more: `delete` or `retain`.
pub const ON_DELETE: &str = "aeolus/on-delete";
/// On a source: workloads beside each copy that start again when it changes, as `kind/name`, with commas between.
pub const RESTART: &str = "aeolus/restart";
/// On a source: `true` lets a certificate be copied that is expired, not yet valid, or of another key.
pub(super) const INVALID: &str = "aeolus/sync-invalid";
/// The original's annotation of sources.
pub const VENDOR_SYNC: &str = "astronomer.io/commander-sync";
/// The original's label of namespaces.
pub(super) const VENDOR_RELEASE: &str = "platform-release";
/// The same in older installations.
pub(super) const VENDOR_PLATFORM: &str = "platform";

/// On a copy, a label: it is ours.
pub const MANAGED: &str = "aeolus/managed";
/// On a copy, a label: the namespace of its source, which is its syncer's.
pub(super) const SOURCE_NAMESPACE: &str = "aeolus/source-namespace";
/// On a copy, a label: a short hash of where its source lies.
pub(super) const SOURCE_HASH: &str = "aeolus/source-hash";
/// On a copy: `namespace/name` of its source.
pub const SOURCE: &str = "aeolus/source";
/// On a copy: which one of that name.
pub(super) const SOURCE_UID: &str = "aeolus/source-uid";
/// On a copy: a keyed digest of what it has.
pub const DIGEST: &str = "aeolus/digest";
/// On a copy: when it was last written.
pub const SYNCED_AT: &str = "aeolus/synced-at";
/// On a copy: which of its labels are the source's.
pub(super) const COPIED_LABELS: &str = "aeolus/copied-labels";

/// On pods, followed by the hash of a source: the digest of the value that they were started with.
pub(super) const STARTED_WITH: &str = "aeolus/started-with-";

/// What kubectl keeps of what was applied, values and all: it is taken off what we write.
pub(super) const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
