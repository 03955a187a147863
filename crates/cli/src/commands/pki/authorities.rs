//! What `init` and `rotate-ca` make: a root and, if asked, an intermediate below it that issues.

use aeolus_model::{Clock as _, Rng};
use aeolus_pki::{Authority, Constraints, Life, PrivateKey};

use super::{Context, refused};
use crate::report::Failure;

/// What they are like.
pub(super) struct Shape {
    pub(super) life: Life,
    pub(super) intermediate_life: Life,
    /// The names that the intermediate may and may not issue for.
    pub(super) constraints: Constraints,
}

/// Makes a root by its key, and an intermediate where there is one for it.
pub(super) fn made(
    name: &str,
    (root_key, below_key): (PrivateKey, Option<PrivateKey>),
    shape: &Shape,
    context: &Context,
) -> Result<(Authority, Option<Authority>), Failure> {
    let at = (context.clock.now(), &context.rng as &dyn Rng);
    let root = Authority::root(name, root_key, shape.life, at).map_err(|error| refused(&error))?;
    let below = below_key.map(|key| {
        let named = (&*format!("{name} Issuing"), key);
        root.intermediate(named, &shape.constraints, shape.intermediate_life, at)
    });
    let below = below.transpose().map_err(|error| refused(&error))?;
    Ok((root, below))
}

/// `APC-CA`, `APC-CA G2`, `APC-CA G3`: two authorities of one name can't be told apart.
pub(super) fn successor_name(name: &str) -> String {
    let numbered = name.rsplit_once(" G");
    match numbered.and_then(|(base, number)| Some((base, number.parse::<u32>().ok()?))) {
        Some((base, number)) => format!("{base} G{}", number.saturating_add(1)),
        None => format!("{name} G2"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authorities_are_numbered() {
        for (name, next) in [
            ("APC-CA", "APC-CA G2"),
            ("APC-CA G2", "APC-CA G3"),
            ("A Gx", "A Gx G2"),
        ] {
            assert_eq!(successor_name(name), next);
        }
    }
}
