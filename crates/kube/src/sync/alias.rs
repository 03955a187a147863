//! The original's annotation: a selector of namespaces, of which only that it is there is known to count.

use super::keys::{VENDOR_PLATFORM, VENDOR_RELEASE, VENDOR_SYNC};
use super::selector::Selector;
use super::source::Refused;
use super::wish::{Mode, Rules, Warning, Whom};

/// To whom its value sends a Secret.
pub(super) fn whom(value: &str, rules: &Rules) -> Result<(Whom, Vec<Warning>), Refused> {
    let wrong = |error: super::SelectorError| Refused::Annotation {
        key: VENDOR_SYNC,
        why: error.to_string(),
    };
    let to = |selector: Selector| Whom {
        selector: Some(selector),
        ..Whom::default()
    };
    let value = value.trim();
    if matches!(value, "" | "true") {
        return Ok((to(rules.selector()?), Vec::new()));
    }
    let selector = Selector::parse(value).map_err(wrong)?;
    let named = selector
        .single()
        .filter(|(key, _)| [VENDOR_RELEASE, VENDOR_PLATFORM].contains(key));
    let Some((_, named)) = named else {
        return Ok((to(selector), Vec::new()));
    };
    match &rules.release {
        None => Ok((to(of_release(named)?), Vec::new())),
        Some(release) if release == named => Ok((to(of_release(release)?), Vec::new())),
        Some(_) if rules.mode == Mode::Strict => Err(Refused::OtherRelease(named.to_owned())),
        Some(release) => {
            let warning = Warning::OtherRelease(named.to_owned());
            Ok((to(of_release(release)?), vec![warning]))
        }
    }
}

/// The namespaces of a release.
pub(super) fn of_release(release: &str) -> Result<Selector, Refused> {
    Selector::label(VENDOR_RELEASE, release).map_err(|_| Refused::NoDefault)
}
