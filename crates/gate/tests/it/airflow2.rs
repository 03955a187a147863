//! Deployments of Airflow 2: another token, signed by a key of the plane's data folder (row I9).

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use aeolus_gate::replica::fs::SystemFs;
use aeolus_gate::replica::{Data, DataError};
use aeolus_keys::claims::Airflow2;
use aeolus_keys::{Alg, JwkSet, Kind, PublicKey, jws};
use aeolus_snapshot::section;

use crate::fleet::*;
use crate::replica::enrolled;

const HOME: &str = "GET https://etl.test/home";

fn runs_airflow2(fleet: &Fleet) {
    fleet.publish(|sections| {
        sections.deployments.deployments[0].profile = section::Profile::Airflow2.into();
    });
}

async fn jwks(fleet: &Fleet) -> Answer {
    let ask = format!(
        "GET /deployments/{ETL}/jwks.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    );
    raw(&fleet.checks, ask.as_bytes()).await
}

async fn published(fleet: &Fleet) -> Vec<PublicKey> {
    let answer = jwks(fleet).await;
    let keys = JwkSet::parse(answer.body().as_bytes()).unwrap();
    keys.own_keys().unwrap()
}

fn verified(answer: &Answer, key: &PublicKey) -> Airflow2 {
    let token = answer.header("authorization").unwrap();
    let token = token.strip_prefix("Bearer ").unwrap();
    let unverified = jws::parse(token.as_bytes()).unwrap();
    let verified = unverified.verify(Kind::Airflow2, key).unwrap();
    verified.claims().unwrap()
}

#[tokio::test]
async fn row_i9_an_api_token_becomes_a_token_that_airflow_2_believes() {
    let fleet = Fleet::start().await;
    runs_airflow2(&fleet);
    let bearer = format!("Authorization: Bearer {}\r\n", fleet.api_token());
    let answer = fleet.check(HOME, &bearer).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let keys = published(&fleet).await;
    assert_eq!(keys.len(), 1);
    assert_eq!(keys[0].alg(), Alg::Rs256);
    let claims = verified(&answer, &keys[0]);
    assert_eq!(claims.iss, format!("urn:aeolus:plane:{PLANE}"));
    assert_eq!(claims.sub, BOT.to_string());
    assert_eq!(claims.aud, "etl.test");
    assert_eq!(claims.roles, ["Op"]);
    // Headers of a kilobyte or two: proxies have room for four.
    let head = answer.text.split("\r\n\r\n").next().unwrap();
    assert!(head.len() < 3_584, "{} bytes", head.len());
}

#[tokio::test]
async fn the_audience_is_the_host_that_was_asked_however_it_was_written() {
    let fleet = Fleet::start().await;
    runs_airflow2(&fleet);
    let bearer = format!("Authorization: Bearer {}\r\n", fleet.api_token());
    let keys = published(&fleet).await;
    for (asked, audience) in [
        ("GET https://etl.localhost/home", "etl.localhost"),
        ("GET https://ETL.test:443/home", "etl.test"),
    ] {
        let answer = fleet.check(asked, &bearer).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(verified(&answer, &keys[0]).aud, audience);
    }
}

#[tokio::test]
async fn without_the_planes_key_airflow_2_is_answered_503_and_airflow_3_as_ever() {
    let fleet = Fleet::start_with(None).await;
    let bearer = format!("Authorization: Bearer {}\r\n", fleet.api_token());
    let three = fleet
        .check("GET https://etl.test/api/v2/dags", &bearer)
        .await;
    assert_eq!(three.status, 200, "{three:?}");
    runs_airflow2(&fleet);
    let two = fleet.check(HOME, &bearer).await;
    assert_eq!(two.status, 503, "{two:?}");
    assert_eq!(two.header("authorization"), None);
    let reason = |refused: &[aeolus_gate::ports::Refused]| refused.last().unwrap().reason;
    assert_eq!(
        reason(&fleet.fake.refused.lock().unwrap()),
        "signer_missing"
    );
    assert_eq!(jwks(&fleet).await.status, 503);
}

#[tokio::test]
async fn a_plane_has_one_rsa_key_from_its_enrolment_on() {
    let folder = enrolled().await;
    let path = folder.path().join("gate");
    let kid = || {
        let data = Data::open(&path, Arc::new(SystemFs)).unwrap();
        assert!(data.no_rsa.is_none());
        data.secret.active_rsa(NOW).unwrap().public().kid()
    };
    assert_eq!(kid(), kid());
    assert!(!path.join("airflow2.key").exists());
}

#[tokio::test]
async fn a_folder_of_before_has_its_rsa_key_beside_the_secret_or_says_why_not() {
    let folder = enrolled().await;
    let path = folder.path().join("gate");
    let rsa = {
        let data = Data::open(&path, Arc::new(SystemFs)).unwrap();
        Arc::clone(data.secret.active_rsa(NOW).unwrap())
    };
    let before = r#"{"version":1,"generations":[{"id":1,"state":"active","secret":"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc"}]}"#;
    fs::write(path.join("secret.json"), before).unwrap();
    let open = || Data::open(&path, Arc::new(SystemFs)).unwrap();
    assert!(matches!(open().no_rsa, Some(DataError::Io { .. })));
    let file = path.join("airflow2.key");
    let write = |mode: u32, content: &[u8]| {
        fs::write(&file, content).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
    };
    let pkcs8 = rsa.to_pkcs8().unwrap();
    write(0o640, pkcs8.expose());
    assert!(matches!(open().no_rsa, Some(DataError::Exposed(_))));
    let identity = fs::read(path.join("identity.key")).unwrap();
    for bad in [identity.as_slice(), b"no key"] {
        write(0o600, bad);
        assert!(matches!(open().no_rsa, Some(DataError::Damaged { .. })));
    }
    write(0o600, pkcs8.expose());
    let data = open();
    assert!(data.no_rsa.is_none());
    let adopted = data.secret.active_rsa(NOW).unwrap();
    assert_eq!(adopted.public().kid(), rsa.public().kid());

    // The next time the secret is written, it is in there.
    data.secret_file.write(&data.secret).unwrap();
    assert!(!file.exists());
    let kept = open().secret;
    assert_eq!(
        kept.active_rsa(NOW).unwrap().public().kid(),
        rsa.public().kid()
    );
}
