//! Where a sign-in that Airflow itself asked for goes on to.

use crate::decision::is_local_path;
use crate::host::Authority;
use crate::path::Target;

/// Where Airflow's own login link wants to go back to, if that is a place on the same host.
pub(crate) fn of(target: &Target<'_>, authority: &Authority<'_>) -> String {
    let parameter = |query: &str| {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let (_, value) = pairs.find(|(name, _)| *name == "next")?;
        decode(value)
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

fn decode(value: &str) -> Option<String> {
    let mut out = Vec::with_capacity(value.len());
    let mut bytes = value.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let digits = [bytes.next()?, bytes.next()?];
            let digits = str::from_utf8(&digits).ok()?.to_owned();
            out.push(u8::from_str_radix(&digits, 16).ok()?);
        } else {
            out.push(byte);
        }
    }
    String::from_utf8(out).ok()
}
