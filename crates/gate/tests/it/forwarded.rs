//! A load balancer in front of the built-in proxy: who is believed about where a request comes from.

use aeolus_gate::forwarded::TrustedProxies;
use aeolus_gate::{Caps, Live, Rates};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::fleet::*;

/// The balancer is this machine, as everybody is to whom a test talks.
fn behind_a_balancer(fleet: &Fleet, rates: Rates) {
    let blocks = ["127.0.0.0/8", "10.0.0.0/8"].map(|block| block.parse().unwrap());
    fleet.gate.settings.replace(Live {
        trusted_proxies: TrustedProxies(blocks.to_vec()),
        rates,
        ..live()
    });
}

#[tokio::test]
async fn the_application_learns_the_client_and_not_the_balancer() {
    let fleet = Fleet::start().await;
    behind_a_balancer(&fleet, Rates::default());
    let headers = format!(
        "Authorization: Bearer {}\r\nX-Forwarded-For: 203.0.113.9, 192.0.2.1, 10.2.3.4\r\n",
        fleet.api_token()
    );
    assert_eq!(fleet.ask("GET /api/v2/dags", &headers).await.status, 200);
    let head = fleet.airflow.only().to_ascii_lowercase();
    assert!(
        head.contains("\r\nx-forwarded-for: 192.0.2.1\r\n"),
        "{head}"
    );
    assert!(!head.contains("203.0.113.9"), "{head}");
}

#[tokio::test]
async fn one_client_behind_a_balancer_uses_up_its_own_rate_only() {
    let fleet = Fleet::start().await;
    let rates = Rates {
        failed: Some(3.try_into().unwrap()),
        ..Rates::default()
    };
    behind_a_balancer(&fleet, rates);
    let ask = async |client: &str, token: &str| {
        let headers = format!("Authorization: Bearer {token}\r\nX-Forwarded-For: {client}\r\n");
        fleet.ask("GET /api/v2/dags", &headers).await.status
    };
    let good = fleet.api_token();
    let (signed, signature) = good.rsplit_once('.').unwrap();
    for number in 0..3 {
        let forged = format!("{signed}.{number}{}", &signature[1..]);
        assert_eq!(ask("192.0.2.1", &forged).await, 401, "{number}");
    }
    assert_eq!(ask("192.0.2.1", &good).await, 429);
    assert_eq!(ask("192.0.2.2", &good).await, 200);
}

#[tokio::test]
async fn a_balancer_holds_as_many_connections_as_there_are_and_not_one_clients_share() {
    let fleet = Fleet::start().await;
    let open = async || {
        let mut stream = TcpStream::connect(&fleet.proxy).await.unwrap();
        let request = "GET /.aeolus/session HTTP/1.1\r\nHost: etl.test\r\n\r\n";
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut status = [0; 12];
        stream.read_exact(&mut status).await.unwrap();
        (stream, String::from_utf8_lossy(&status).into_owned())
    };
    let caps = Caps {
        per_source: 1,
        ..Caps::default()
    };
    fleet.gate.settings.replace(Live { caps, ..live() });
    let (first, second) = (open().await, open().await);
    assert_eq!((&*first.1, &*second.1), ("HTTP/1.1 200", "HTTP/1.1 503"));
    drop((first, second));
    fleet.gate.settings.replace(Live {
        trusted_proxies: TrustedProxies(vec!["127.0.0.0/8".parse().unwrap()]),
        caps,
        ..live()
    });
    let (first, second) = (open().await, open().await);
    assert_eq!((&*first.1, &*second.1), ("HTTP/1.1 200", "HTTP/1.1 200"));
}
