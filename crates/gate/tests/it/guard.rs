//! A proxy on another machine at the check listener.

use std::net::IpAddr;
use std::sync::Arc;

use aeolus_gate::guard::Proxies;
use aeolus_gate::listeners::Checks;
use aeolus_gate::server::{Answering, Handler};
use aeolus_gate::{Gate, Live};
use aeolus_keys::ProxySecrets;
use aeolus_model::Secret;
use http::Request;
use hyper::body::Incoming;
use tokio_util::sync::CancellationToken;

use crate::fleet::*;

/// The check listener, as if every connection came from one address.
struct FarAway {
    checks: Arc<Checks>,
    peer: IpAddr,
}

impl Handler for FarAway {
    fn answer(self: Arc<Self>, request: Request<Incoming>, _: Option<IpAddr>) -> Answering {
        Arc::clone(&self.checks).answer(request, Some(self.peer))
    }

    fn gate(&self) -> &Arc<Gate> {
        self.checks.gate()
    }
}

#[tokio::test]
async fn row_85_a_far_proxy_is_answered_only_with_its_secret() {
    let fleet = Fleet::start().await;
    let stop = CancellationToken::new();
    let secret = "s".repeat(32);
    fleet.gate.settings.replace(Live {
        proxies: Proxies {
            from: vec!["10.1.0.0/16".parse().unwrap()],
            secrets: ProxySecrets::new(vec![Secret::new(secret.clone())]),
        },
        ..live()
    });
    let from = async |peer: &str| {
        let checks = Arc::new(Checks(Arc::clone(&fleet.gate)));
        let peer = peer.parse().unwrap();
        listen(Arc::new(FarAway { checks, peer }), &stop).await
    };
    let bearer = fleet.api_token();
    let ask = async |address: &str, path: &str, headers: &str| {
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: gate\r\nX-Forwarded-For: 192.0.2.9\r\n\
             X-Original-URL: https://etl.test/api/v2/dags\r\nX-Original-Method: GET\r\n\
             Authorization: Bearer {bearer}\r\n{headers}Connection: close\r\n\r\n"
        );
        raw(address, request.as_bytes()).await
    };
    let check = format!("/authz/nginx/{ETL}");
    let keys = format!("/deployments/{ETL}/jwks.json");
    let shown = format!("X-Aeolus-Proxy-Secret: {secret}\r\n");
    let (near, far) = (from("10.1.2.3").await, from("10.2.2.3").await);

    let allowed = ask(&near, &check, &shown).await;
    assert_eq!(allowed.status, 200, "{allowed:?}");
    assert!(allowed.header("authorization").is_some());
    assert_eq!(
        ask(&near, &keys, "").await.status,
        200,
        "public keys need no secret"
    );
    for (address, path, headers) in [
        (&near, &*check, ""),
        (&near, &*check, "X-Aeolus-Proxy-Secret: wrong\r\n"),
        (&near, "/.aeolus/session", ""),
        (&far, &*check, &*shown),
        (&far, &*keys, &*shown),
    ] {
        let refused = ask(address, path, headers).await;
        assert_eq!(refused.status, 403, "{path} {headers}");
        assert_eq!(refused.header("authorization"), None);
    }
    // A proxy that was let in is believed about its client.
    let unknown = shown.clone() + "X-Original-Method: GET\r\n";
    assert_eq!(ask(&near, &check, &unknown).await.status, 403);
    assert_eq!(
        fleet.fake.refused.lock().unwrap().last().unwrap().source,
        "192.0.2.9"
    );
    stop.cancel();
}
