//! What is found in Secrets of Kubernetes.

use aeolus_model::Secret;
use aeolus_pki::check::Subject;
use aeolus_pki::kube::{StoredSecret, secrets};
use aeolus_pki::{Certificate, KeyKind, PrivateKey, certificates_pem};
use aeolus_testkit::SeededRng;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::check::{Chained, chained};
use crate::support::{NOW, days, key, root, server};

fn pair(issuer: &aeolus_pki::Authority) -> (Vec<Certificate>, PrivateKey) {
    let (issued, key) = server(issuer, &["a.example.com"]);
    (issued.chain, key)
}

fn secret(place: (&str, &str), chain: &[Certificate], key: &PrivateKey) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/tls",
        "metadata": { "namespace": place.0, "name": place.1 },
        "data": {
            "tls.crt": STANDARD.encode(certificates_pem(chain)),
            "tls.key": STANDARD.encode(key.pem().expose()),
        },
    })
}

/// What is found, by place.
fn found(document: &Value, held: &Subject<'_>) -> Vec<(String, Vec<&'static str>)> {
    let stored = secrets(document, None);
    let judge = |one: &StoredSecret| {
        let found = one.examine(&stored, held, NOW);
        let codes = found.iter().map(|finding| finding.rule.code);
        (one.place(), codes.collect())
    };
    stored.iter().map(judge).collect()
}

fn codes(document: &Value) -> Vec<&'static str> {
    let found = found(document, &Subject::default());
    found.into_iter().flat_map(|(_, codes)| codes).collect()
}

#[test]
fn secrets_are_found_in_every_kind_of_list_and_named_by_their_places() {
    let root = root("Root");
    let (chain, key) = pair(&root);
    let one = secret(("a", "tls"), &chain, &key);
    let mut typed = secret(("b", "tls"), &chain, &key);
    typed.as_object_mut().unwrap().remove("kind");
    let other = json!({ "kind": "ConfigMap", "metadata": { "name": "c" }, "data": one["data"] });
    let plain =
        json!({ "kind": "Secret", "metadata": { "name": "d" }, "data": { "password": "eA==" } });
    let list = json!({ "kind": "List", "items": [
        one, other, plain,
        { "kind": "SecretList", "items": [typed] },
        { "kind": "ConfigMapList", "items": [secret(("e", "tls"), &chain, &key)] },
    ] });
    let places: Vec<String> = secrets(&list, None)
        .iter()
        .map(StoredSecret::place)
        .collect();
    assert_eq!(places, ["a/tls", "b/tls"]);
    assert_eq!(codes(&list), [""; 0]);
    let mut unsaid = secret(("a", "tls"), &chain, &key);
    unsaid["metadata"]
        .as_object_mut()
        .unwrap()
        .remove("namespace");
    assert_eq!(secrets(&unsaid, None)[0].place(), "tls");
    // Lists in lists in lists end.
    let mut deep = secret(("a", "tls"), &chain, &key);
    for _ in 0..8 {
        deep = json!({ "kind": "List", "items": [deep] });
    }
    assert!(secrets(&deep, None).is_empty());
}

#[test]
fn a_pair_in_a_secret_is_judged_as_one_in_files() {
    let Chained { root: above, chain } = chained();
    let (_, key) = pair(&above);
    assert_eq!(codes(&secret(("a", "tls"), &chain, &key)), ["PKI-110"]);
    let (own, key) = pair(&above);
    let fine = secret(("a", "tls"), &own, &key);
    assert_eq!(codes(&fine), [""; 0]);
    let trusted = [above.certificate().clone()];
    let strangers = [root("Other").certificate().clone()];
    for (trusted, expected) in [(&trusted, vec![]), (&strangers, vec!["PKI-113"])] {
        let held = Subject {
            trusted,
            ..Subject::default()
        };
        assert_eq!(found(&fine, &held), [("a/tls".to_owned(), expected)]);
    }
    let turned = [chain[1].clone(), chain[0].clone()];
    let (_, key) = pair(&above);
    assert!(codes(&secret(("a", "tls"), &turned, &key)).contains(&"PKI-111"));
}

#[test]
fn pki_2_a_private_key_in_the_annotation_is_found_and_how_it_goes_is_said() {
    let (chain, key) = pair(&root("Root"));
    let mut kept = secret(("a", "tls"), &chain, &key);
    let applied = kept.to_string();
    let name = "kubectl.kubernetes.io/last-applied-configuration";
    kept["metadata"]["annotations"] = json!({ name: applied });
    let stored = secrets(&kept, None);
    let found = stored[0].examine(&stored, &Subject::default(), NOW);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].rule.code, "PKI-125");
    let says = format!("kubectl annotate secret tls --namespace a {name}- removes it");
    assert_eq!(found[0].detail, says);
    // As text, and cut off.
    let text = json!({ "stringData": { "any": key.pem().expose() } }).to_string();
    for applied in [&*text, &text[..text.len() - 2]] {
        kept["metadata"]["annotations"] = json!({ name: applied });
        assert_eq!(codes(&kept), ["PKI-125"]);
    }
    let without = json!({ "data": { "tls.crt": kept["data"]["tls.crt"] } }).to_string();
    kept["metadata"]["annotations"] = json!({ name: without });
    assert_eq!(codes(&kept), [""; 0]);
}

#[test]
fn pki_3_whatever_the_api_server_takes_is_looked_at() {
    let (chain, key) = pair(&root("Root"));
    let fine = secret(("a", "tls"), &chain, &key);
    let with = |name: &str, value: &str| {
        let mut changed = fine.clone();
        changed["data"][name] = json!(value);
        codes(&changed)
    };
    for garbage in ["Z2FyYmFnZQ==", "***", "", &STANDARD.encode(chain[0].der())] {
        assert!(with("tls.crt", garbage).contains(&"PKI-127"), "{garbage}");
    }
    assert_eq!(with("tls.key", "Z2FyYmFnZQ=="), ["PKI-127"]);
    let no_key = fine["data"]["tls.crt"].as_str().unwrap();
    assert!(with("tls.key", no_key).contains(&"PKI-127"));
    assert_eq!(with("ca.crt", ""), [""; 0], "nobody to name");
    assert_eq!(with("ca.crt", "Z2FyYmFnZQ=="), ["PKI-127"]);
    assert_eq!(with("notes", "***"), [""; 0]);
    let mut half = fine.clone();
    half["data"].as_object_mut().unwrap().remove("tls.key");
    assert_eq!(codes(&half), ["PKI-127"]);
    let passphrase = Secret::new("secret".to_owned());
    let locked = key
        .encrypted_pem(&passphrase, &SeededRng::new("salt"))
        .unwrap();
    let locked = STANDARD.encode(locked.expose());
    assert_eq!(with("tls.key", &locked), ["PKI-128"]);
    let mut opened = fine;
    opened["data"]["tls.key"] = json!(locked);
    let stored = secrets(&opened, Some(&passphrase));
    assert!(
        stored[0]
            .examine(&stored, &Subject::default(), NOW)
            .is_empty()
    );
}

#[test]
fn authorities_that_others_trust_are_judged_by_their_dates() {
    let (fresh, short) = (root("Root"), root("Short"));
    let text = certificates_pem([fresh.certificate(), short.certificate()]);
    for name in ["ca.crt", "cert.pem"] {
        let bundle = json!({
            "kind": "Secret",
            "metadata": { "namespace": "a", "name": "private-ca" },
            "data": { name: STANDARD.encode(&text) },
        });
        let stored = secrets(&bundle, None);
        assert_eq!(stored[0].certificates().len(), 2);
        assert!(
            stored[0]
                .examine(&stored, &Subject::default(), NOW)
                .is_empty()
        );
        let late = stored[0].examine(&stored, &Subject::default(), NOW.plus(days(3651)));
        let codes: Vec<_> = late.iter().map(|finding| finding.rule.code).collect();
        assert_eq!(codes, ["PKI-106", "PKI-106"]);
        // Names that are asked for are no authority's.
        let hosts = crate::support::names(&["b.example.com"]);
        let held = Subject {
            hosts: &hosts,
            ..Subject::default()
        };
        assert!(stored[0].examine(&stored, &held, NOW).is_empty());
    }
}

#[test]
fn k14_the_originals_platform_certificate_is_rsa() {
    let root = root("Root");
    let (chain, own) = pair(&root);
    for name in ["astronomer-tls", "platform-tls"] {
        assert_eq!(codes(&secret(("a", name), &chain, &own)), ["PKI-129"]);
    }
    let held = Subject {
        rsa_only: true,
        ..Subject::default()
    };
    let all = found(&secret(("a", "astronomer-tls"), &chain, &own), &held);
    assert_eq!(all, [("a/astronomer-tls".to_owned(), vec!["PKI-117"])]);
    let own = key(KeyKind::Rsa2048);
    let rng = SeededRng::new("rsa");
    let wanted = crate::support::wanted(&["a.example.com"], aeolus_pki::Profile::Server);
    let chain = root
        .issue(&wanted, own.public(), (NOW, &rng))
        .unwrap()
        .chain;
    assert_eq!(
        codes(&secret(("a", "astronomer-tls"), &chain, &own)),
        [""; 0]
    );
}

#[test]
fn k5_a_copy_that_differs_from_its_source_is_found() {
    let root = root("Root");
    let (old, new) = (pair(&root), pair(&root));
    let source = |metadata: Value| {
        let mut source = secret(("platform", "tls"), &new.0, &new.1);
        source["metadata"]["annotations"] = metadata;
        source["metadata"]["creationTimestamp"] = json!("2026-01-01T00:00:00Z");
        source
    };
    let copy = |chain: &(Vec<Certificate>, PrivateKey), metadata: Value| {
        let mut copy = secret(("team", "tls"), &chain.0, &chain.1);
        let own = copy["metadata"].as_object_mut().unwrap();
        own.insert(
            "creationTimestamp".to_owned(),
            json!("2026-02-01T00:00:00Z"),
        );
        own.extend(metadata.as_object().unwrap().clone());
        copy
    };
    let places = |source: &Value, copy: Value| {
        let found = found(
            &json!({ "kind": "List", "items": [copy, source] }),
            &Subject::default(),
        );
        let found = found
            .into_iter()
            .filter(|(_, codes)| codes.contains(&"PKI-126"));
        found.map(|(place, _)| place).collect::<Vec<_>>()
    };
    let synced = json!({ "astronomer.io/commander-sync": "platform-release=apc" });
    let said =
        json!({ "annotations": { "reflector.v1.k8s.emberstack.com/reflects": "platform/tls" } });
    let labelled = json!({ "labels": {
        "kubed.appscode.com/origin.namespace": "platform", "kubed.appscode.com/origin.name": "tls" } });
    let unsaid = json!({});
    let annotated_too = json!({ "annotations": synced });
    for (mark, metadata) in [
        (&synced, &unsaid),
        (&synced, &annotated_too),
        (&json!({}), &said),
        (&json!({}), &labelled),
    ] {
        let source = source(mark.clone());
        assert_eq!(
            places(&source, copy(&old, metadata.clone())),
            ["team/tls"],
            "{metadata}"
        );
        assert!(
            places(&source, copy(&new, metadata.clone())).is_empty(),
            "{metadata}"
        );
    }
    // Two of one name that nobody copies are two.
    assert!(places(&source(json!({})), copy(&old, unsaid)).is_empty());
    // The private key was left out on purpose.
    let mut public = copy(&new, said);
    public["data"].as_object_mut().unwrap().remove("tls.key");
    public["type"] = json!("Opaque");
    assert!(places(&source(synced), public).is_empty());
}

fn any_json() -> impl Strategy<Value = Value> {
    let words = prop_oneof![
        Just("List".to_owned()),
        Just("Secret".to_owned()),
        Just("SecretList".to_owned()),
        Just("kubernetes.io/tls".to_owned()),
        "[A-Za-z0-9+/=]{0,16}",
        ".{0,8}",
    ];
    let keys = prop_oneof![
        Just("kind"),
        Just("items"),
        Just("metadata"),
        Just("name"),
        Just("data"),
        Just("stringData"),
        Just("tls.crt"),
        Just("tls.key"),
        Just("annotations"),
        Just("type"),
        Just("kubectl.kubernetes.io/last-applied-configuration"),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::from),
        words.prop_map(Value::from)
    ];
    leaf.prop_recursive(5, 64, 6, move |inner| {
        let map = proptest::collection::btree_map(keys.clone(), inner.clone(), 0..6);
        prop_oneof![
            proptest::collection::vec(inner, 0..4).prop_map(Value::from),
            map.prop_map(|map| map
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect()),
        ]
    })
}

proptest! {
    #[test]
    fn no_document_panics(document in any_json()) {
        let stored = secrets(&document, None);
        for one in &stored {
            for finding in one.examine(&stored, &Subject::default(), NOW) {
                prop_assert_eq!(finding.about, one.place());
            }
        }
    }
}
