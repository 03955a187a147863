//! Bytes from elsewhere.

use aeolus_model::Secret;
use aeolus_pki::{
    InputError, KeyError, KeyKind, KeyType, MAX_INPUT, PrivateKey, certificates_pem, pkcs12, read,
};
use aeolus_testkit::SeededRng;
use proptest::prelude::*;

use crate::support::{key, root, server};

fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

#[test]
fn keys_are_read_in_every_encoding_that_openssl_writes() {
    for (pem, kind) in [
        (include_str!("data/sec1.pem"), KeyType::P256),
        (include_str!("data/pkcs1.pem"), KeyType::Rsa(2048)),
        (include_str!("data/ed.pem"), KeyType::Ed25519),
        (include_str!("data/tls.key"), KeyType::Rsa(2048)),
    ] {
        let key = read(pem.as_bytes(), None).unwrap().keys.remove(0);
        assert_eq!(key.public().kind(), kind);
        let again = read(key.pem().expose().as_bytes(), None).unwrap();
        assert_eq!(again.keys[0].public(), key.public());
    }
}

#[test]
fn an_encrypted_key_opens_with_its_passphrase_only() {
    let ours = |key: &PrivateKey| {
        key.encrypted_pem(&secret("secret"), &SeededRng::new("salt"))
            .unwrap()
    };
    let made = key(KeyKind::P256);
    let own = ours(&made);
    assert!(
        own.expose()
            .starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----")
    );
    for pem in [own.expose().as_str(), include_str!("data/enc.pem")] {
        let bytes = pem.as_bytes();
        assert!(read(bytes, Some(&secret("secret"))).is_ok());
        let wrong = read(bytes, Some(&secret("other"))).unwrap_err();
        assert_eq!(wrong, InputError::Key(KeyError::WrongPassphrase));
        let none = read(bytes, None).unwrap_err();
        assert_eq!(none, InputError::Key(KeyError::PassphraseNeeded));
    }
    let sec1 = read(include_bytes!("data/sec1.pem"), None).unwrap();
    let enc = read(include_bytes!("data/enc.pem"), Some(&secret("secret"))).unwrap();
    assert_eq!(sec1.keys[0].public(), enc.keys[0].public());
}

#[test]
fn an_archive_has_the_key_and_its_chain_leaf_first() {
    let root = root("Root");
    let (issued, key) = server(&root, &["a.example.com"]);
    let chain = [issued.certificate, root.certificate().clone()];
    let archive = pkcs12("a", (&chain, &key), &secret("pass")).unwrap();
    let input = read(&archive, Some(&secret("pass"))).unwrap();
    assert_eq!(input.certificates, chain);
    assert_eq!(input.keys[0].public(), key.public());
    assert_eq!(
        read(&archive, None).unwrap_err(),
        InputError::PassphraseNeeded
    );
    assert_eq!(
        read(&archive, Some(&secret("x"))).unwrap_err(),
        InputError::Archive
    );
    assert!(pkcs12("a", (&chain, &key), &secret("")).is_err());
}

#[test]
fn a_file_is_what_is_in_it() {
    let root = root("Root");
    let der = root.certificate().der();
    let text = certificates_pem([root.certificate()]);
    for bytes in [der, text.as_bytes()] {
        assert_eq!(
            read(bytes, None).unwrap().certificates[0],
            *root.certificate()
        );
    }
    let both = format!("some words\n{text}{}", root.key().pem().expose());
    let input = read(both.as_bytes(), None).unwrap();
    assert_eq!((input.certificates.len(), input.keys.len()), (1, 1));
    let damaged = text.replace("MII", "***");
    assert!(read(damaged.as_bytes(), None).is_err());
    let other = text
        .replace("BEGIN CERTIFICATE", "BEGIN X509 CRL")
        .replace("END CERTIFICATE", "END X509 CRL");
    let refused = read(other.as_bytes(), None).unwrap_err();
    assert_eq!(refused, InputError::Malformed("revocation list"));
    assert_eq!(read(b"", None).unwrap_err(), InputError::Nothing);
    assert_eq!(
        read(&vec![0; MAX_INPUT + 1], None).unwrap_err(),
        InputError::TooLarge
    );
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
        let _ = read(&bytes, Some(&secret("x")));
        let mut pem = b"-----BEGIN CERTIFICATE-----\n".to_vec();
        pem.extend(&bytes);
        let _ = read(&pem, None);
    }

    #[test]
    fn no_change_of_a_certificate_panics(at in 0..400_usize, to in any::<u8>()) {
        let mut der = read(include_bytes!("data/seed-leaf.pem"), None).unwrap().certificates.remove(0).der().to_vec();
        if let Some(byte) = der.get_mut(at) {
            *byte = to;
        }
        let _ = read(&der, None);
    }
}
