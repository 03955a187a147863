//! Where a sign-in that Airflow itself asked for goes on to.

use std::borrow::Cow;

use crate::decision::is_local_path;
use crate::host::Authority;
use crate::path::{Target, decode};

/// Where Airflow's own login link wants to go back to, if that is a place on the same host.
pub(crate) fn of(target: &Target<'_>, authority: &Authority<'_>) -> String {
    let parameter = |query: &str| {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let (_, value) = pairs.find(|(name, _)| *name == "next")?;
        decode(value).ok().map(Cow::into_owned)
    };
    let next = target.query.and_then(parameter).and_then(|next| {
        let same_host = || {
            let target = Target::parse(next.as_bytes()).ok()?;
            let (_, written) = target.origin?;
            let written = Authority::parse(written.as_bytes())?;
            (written.host() == authority.host()).then(|| target.path_and_query())
        };
        if next.starts_with('/') {
            Some(next)
        } else {
            same_host()
        }
    });
    next.filter(|next| is_local_path(next))
        .unwrap_or_else(|| "/".to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn row_60_whatever_is_asked_for_leads_nowhere_else(
            written in prop::sample::select(vec!["", "/", "//", "http://etl.test", "https://evil.test/", "/\\"]),
            bytes in "[ -~]{0,40}",
            escaped in "(%[0-9a-f]{2}){0,3}",
        ) {
            for next in [format!("{written}{bytes}"), format!("{written}{escaped}{bytes}")] {
                let line = format!("/login?a=b&next={next}");
                let Ok(target) = Target::parse(line.as_bytes()) else { continue };
                let authority = Authority::parse(b"etl.test").unwrap();
                prop_assert!(is_local_path(&of(&target, &authority)), "{line}");
            }
        }
    }
}
