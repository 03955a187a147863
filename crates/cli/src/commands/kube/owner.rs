//! Secrets that others keep: what is written into them doesn't last, so it isn't.

use aeolus_kube::{Meta, Place};

use crate::report::{Failure, Report};

/// cert-manager's, on what it issues.
const CERTIFICATE: &str = "cert-manager.io/certificate-name";
const ISSUED: &str = "controller.cert-manager.io/fao";
/// The syncer's, on copies.
const COPY: &str = "aeolus/managed";
const SOURCE: &str = "aeolus/source";

/// Refuses what others would write over.
pub(super) fn guard(meta: &Meta) -> Result<(), Failure> {
    let place = &meta.place;
    let annotation = |name: &str| meta.annotations.get(name).map(String::as_str);
    let is_labelled = |name: &str| meta.labels.get(name).is_some_and(|value| value == "true");
    if annotation(CERTIFICATE).is_some() || is_labelled(ISSUED) {
        return Err(of_cert_manager(place, annotation(CERTIFICATE)));
    }
    if is_labelled(COPY) {
        return Err(copy(place, annotation(SOURCE)));
    }
    if meta.is_ending {
        let what = format!("Secret {place} is being deleted");
        return Err(Report::new("KUBE-122", what)
            .why("It only waits for its finalizers. Nothing was changed.")
            .help("run it again once it is gone: kubectl get secret -o yaml says whose finalizers it has")
            .failed());
    }
    Ok(())
}

fn of_cert_manager(place: &Place, certificate: Option<&str>) -> Failure {
    let namespace = &place.namespace;
    let (whose, help) = match certificate {
        Some(name) => (
            format!("the Certificate {namespace}/{name} of cert-manager"),
            format!(
                "have it renewed: cmctl renew {name} --namespace {namespace}; or write to another Secret"
            ),
        ),
        None => (
            "cert-manager".to_owned(),
            format!(
                "see whose it is: kubectl get certificates --namespace {namespace}; or write to another Secret"
            ),
        ),
    };
    Report::new("KUBE-120", format!("Secret {place} is kept by {whose}"))
        .why("It would write over any other certificate. Nothing was changed.")
        .help(help)
        .failed()
}

fn copy(place: &Place, source: Option<&str>) -> Failure {
    let of = source.map_or_else(String::new, |source| format!(" of {source}"));
    Report::new("KUBE-121", format!("Secret {place} is a copy{of}"))
        .why("The syncer would write over it. Nothing was changed.")
        .help("write to the Secret that it is copied from: the copies follow")
        .failed()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn meta(labels: &[(&str, &str)], annotations: &[(&str, &str)]) -> Meta {
        let map = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            let pairs = pairs.iter();
            pairs
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect()
        };
        Meta {
            place: Place::new("astronomer", "tls"),
            labels: map(labels),
            annotations: map(annotations),
            ..Meta::default()
        }
    }

    #[test]
    fn k8_what_others_keep_is_left_to_them() {
        for (labels, annotations, code, said) in [
            (
                &[][..],
                &[(CERTIFICATE, "platform")][..],
                "KUBE-120",
                "astronomer/platform",
            ),
            (&[(ISSUED, "true")], &[], "KUBE-120", "cert-manager"),
            (
                &[(COPY, "true")],
                &[("aeolus/source", "a/b")],
                "KUBE-121",
                "copy of a/b",
            ),
        ] {
            let failure = guard(&meta(labels, annotations)).unwrap_err();
            assert_eq!(failure.reports[0].code(), code);
            assert!(failure.render().contains(said), "{}", failure.render());
        }
        let ending = Meta {
            is_ending: true,
            ..meta(&[], &[])
        };
        assert_eq!(guard(&ending).unwrap_err().reports[0].code(), "KUBE-122");
        assert_eq!(guard(&meta(&[(ISSUED, "false")], &[("a", "b")])), Ok(()));
    }
}
