//! Ids that follow from names, so that building again gives the same ones.

use aeolus_keys::digest::hmac;

/// The 16 bytes of the id of something, by its kind and its names from the outside in.
///
/// They depend on a random seed in the keys folder as well: two fleets with equal names have
/// different ids. The version and variant bits are those of a custom UUID (RFC 9562 §5.8).
pub(crate) fn id(seed: &[u8; 32], kind: &str, names: &[&str]) -> [u8; 16] {
    let mut parts = vec![kind.as_bytes()];
    parts.extend(names.iter().map(|name| name.as_bytes()));
    let digest = hmac(seed, &parts);
    let mut id = [0; 16];
    id.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    let [.., six, _, eight, _, _, _, _, _, _, _] = &mut id;
    *six = (*six & 0x0f) | 0x80;
    *eight = (*eight & 0x3f) | 0x80;
    id
}

#[cfg(test)]
mod tests {
    use aeolus_model::DeploymentId;

    use super::*;

    #[test]
    fn equal_names_have_equal_ids_and_others_dont() {
        let seed = [7; 32];
        let one = id(&seed, "deployment", &["acme", "sales", "etl"]);
        assert_eq!(one, id(&seed, "deployment", &["acme", "sales", "etl"]));
        for (seed, kind, names) in [
            (seed, "workspace", ["acme", "sales", "etl"]),
            (seed, "deployment", ["acme", "salese", "tl"]),
            ([8; 32], "deployment", ["acme", "sales", "etl"]),
        ] {
            assert_ne!(one, id(&seed, kind, &names));
        }
        let text = DeploymentId::from_bytes(one).to_string();
        assert_eq!(text.as_bytes()[14], b'8');
        assert!(b"89ab".contains(&text.as_bytes()[19]));
    }
}
