//! What the API takes is JSON and says so: a form of another site, or XML, is refused unread.

use aeolus_control::ROUTES;
use axum::body::Body;
use http::Request;
use http::header::{AUTHORIZATION, CONTENT_TYPE};

use crate::coverage::World;

const OTHERS: [&str; 5] = [
    "application/xml",
    "text/xml; charset=utf-8",
    "multipart/form-data; boundary=b",
    "application/x-www-form-urlencoded",
    "text/plain",
];

#[tokio::test]
async fn a23_no_operation_reads_another_media_type_than_json() {
    let world = World::new("media").await;
    let mut asked = 0;
    for (method, route) in ROUTES {
        let by_plane = route.starts_with("/v1/planes/self/");
        let Some(body) = world.body(method, route).filter(|_| !by_plane) else {
            continue;
        };
        let path = world.path_in(route, "acme");
        for kind in OTHERS {
            let request = Request::builder()
                .method(method.to_uppercase().as_str())
                .uri(&path)
                .header(AUTHORIZATION, format!("Bearer {}", world.admin))
                .header(CONTENT_TYPE, kind)
                .body(Body::from(body.to_string()));
            let answer = world.f.send(request.unwrap()).await;
            assert_eq!(
                answer.status,
                415,
                "{method} {path} {kind}: {}",
                answer.text()
            );
            asked += 1;
        }
    }
    assert!(asked > 60, "{asked}");
}
