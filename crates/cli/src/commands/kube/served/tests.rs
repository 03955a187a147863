use aeolus_model::Clock;
use aeolus_pki::Profile;

use super::super::tls_fixture::{NOW, authority, pair};
use super::*;

#[derive(Debug)]
struct Still;

impl Clock for Still {
    fn now(&self) -> Time {
        NOW
    }
}

fn names() -> Vec<San> {
    ["*.example.com", "::1"]
        .map(|name| San::parse(name).unwrap())
        .to_vec()
}

#[test]
fn a_server_is_a_host_that_the_certificate_is_for() {
    let place = |text: &str| Server::parse(text, &names()).map(|server| server.place);
    assert_eq!(place("a.example.com").unwrap(), "a.example.com:443");
    assert_eq!(place("a.example.com:8443").unwrap(), "a.example.com:8443");
    assert_eq!(place("[::1]:8443").unwrap(), "[::1]:8443");
    assert_eq!(place("::1").unwrap(), "[::1]:443");
    for text in [
        "example.com",
        "a.b.example.com",
        "*.example.com",
        "a.example.com:x",
        "a.example.com:70000",
        "",
        "127.0.0.1",
    ] {
        let refused = Server::parse(text, &names()).unwrap_err();
        assert_eq!(refused.reports[0].code(), "KUBE-129", "{text}");
    }
}

#[test]
fn only_the_certificate_itself_believed_and_with_its_key_counts() {
    let (root, other_root) = (authority(), authority());
    let new = pair(&root, "*.example.com", Profile::Server);
    let old = pair(&root, "*.example.com", Profile::Server);
    let server = Server::parse("a.example.com", &names()).unwrap();
    let trusted = [root.certificate().clone()];
    let others = [other_root.certificate().clone()];
    let shows = |chain: &[Certificate], proof, trusted| {
        let awaited = Awaited {
            leaf: &new.chain[0],
            trusted,
            clock: &Still,
        };
        server.shows(chain, proof, &awaited)
    };
    assert_eq!(shows(&new.chain, Proof::Given, &trusted), Ok(()));
    let still = shows(&old.chain, Proof::Given, &trusted).unwrap_err();
    assert!(
        still.contains(&old.chain[0].fingerprint().to_string()),
        "{still}"
    );
    for (chain, proof, trusted, said) in [
        (&[][..], Proof::Given, &trusted, "no certificate"),
        (&new.chain, Proof::Wrong, &trusted, "without having its key"),
        (
            &new.chain,
            Proof::Unseen,
            &trusted,
            "without having its key",
        ),
        (&new.chain, Proof::Given, &others, "PKI-11"),
    ] {
        let why = shows(chain, proof, trusted).unwrap_err();
        assert!(why.contains(said), "{why}");
    }
}
