//! An identity provider with keys of its own, over HTTP on loopback.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use aeolus_keys::{Alg, SigningKey, digest};
use aeolus_testkit::SeededRng;
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::CONTENT_TYPE;
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};

use super::browser::Sent;
use super::lie::{Lie, merge};

/// The moment that tests begin at.
pub(crate) const NOW: i64 = 1_800_000_000;
const ACCESS: &str = "access-of-eve";

pub(crate) struct Idp {
    pub(crate) url: String,
    state: Arc<Idps>,
}

struct Idps {
    url: String,
    keys: Vec<SigningKey>,
    lie: Mutex<Lie>,
    codes: Mutex<HashMap<String, Granted>>,
    asked: Mutex<Vec<String>>,
}

/// What a code stands for.
#[derive(Clone)]
struct Granted {
    nonce: String,
    challenge: String,
    redirect: String,
    who: String,
}

impl Idp {
    pub(crate) async fn start(name: &str) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let key = |n| {
            let rng = SeededRng::new(&format!("{name} idp {n}"));
            SigningKey::generate(Alg::EdDsa, &rng).unwrap()
        };
        let state = Arc::new(Idps {
            url: url.clone(),
            keys: (0..3).map(key).collect(),
            lie: Mutex::default(),
            codes: Mutex::default(),
            asked: Mutex::default(),
        });
        let routes = Router::new()
            .fallback(any(answered))
            .with_state(Arc::clone(&state));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { url, state }
    }

    /// From now on.
    pub(crate) fn lies(&self, change: impl FnOnce(&mut Lie)) {
        change(&mut self.state.lie.lock().unwrap());
    }

    /// The paths that were asked since the last time.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.state.asked.lock().unwrap())
    }

    /// Signs somebody in who was sent here, and sends them back with a code: the query of the way back.
    pub(crate) fn code(&self, sent: &Sent, who: &str) -> String {
        assert_eq!(sent.param("response_type"), "code");
        assert_eq!(sent.param("code_challenge_method"), "S256");
        let mut codes = self.state.codes.lock().unwrap();
        let code = format!("code-{}", codes.len());
        let granted = Granted {
            nonce: sent.param("nonce"),
            challenge: sent.param("code_challenge"),
            redirect: sent.param("redirect_uri"),
            who: who.to_owned(),
        };
        codes.insert(code.clone(), granted);
        let state = sent.param("state");
        query(&[("code", &code), ("state", &state), ("iss", &self.url)])
    }

    /// The same by implicit flow: the fragment of the way back.
    pub(crate) fn fragment(&self, sent: &Sent, who: &str) -> String {
        let state = sent.param("state");
        let mut pairs = vec![("state", state), ("iss", self.url.clone())];
        let asked = sent.param("response_type");
        let nonce = sent.param("nonce");
        if asked.contains("id_token") {
            pairs.push(("id_token", self.state.id_token(who, &nonce)));
        }
        if asked.split(' ').any(|word| word == "token") {
            pairs.push(("access_token", ACCESS.to_owned()));
            pairs.push(("token_type", "Bearer".to_owned()));
        }
        let pairs: Vec<(&str, &str)> = pairs.iter().map(|(n, v)| (*n, v.as_str())).collect();
        query(&pairs)
    }
}

pub(crate) fn query(pairs: &[(&str, &str)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(pairs);
    query.finish()
}

impl Idps {
    fn document(&self) -> Value {
        let url = &self.url;
        let document = json!({
            "issuer": url,
            "authorization_endpoint": format!("{url}/authorize"),
            "token_endpoint": format!("{url}/token"),
            "userinfo_endpoint": format!("{url}/userinfo"),
            "jwks_uri": format!("{url}/jwks"),
            "end_session_endpoint": format!("{url}/out"),
            "id_token_signing_alg_values_supported": ["EdDSA"],
            "authorization_response_iss_parameter_supported": true,
        });
        merge(document, &self.lie.lock().unwrap().document)
    }

    fn jwks(&self) -> Value {
        let published = self.lie.lock().unwrap().publishes;
        let keys = self.keys.iter().take(published).map(|key| {
            let jwk = key.public().to_jwk().to_json();
            serde_json::from_str::<Value>(&jwk).unwrap()
        });
        json!({"keys": keys.collect::<Vec<_>>()})
    }

    fn id_token(&self, who: &str, nonce: &str) -> String {
        let lie = self.lie.lock().unwrap().clone();
        let key = &self.keys[lie.signs_with];
        let hash = URL_SAFE_NO_PAD.encode(Alg::EdDsa.left_half(ACCESS.as_bytes()));
        let claims = json!({
            "iss": self.url, "aud": "client", "sub": who, "iat": NOW, "exp": NOW + 300,
            "nonce": nonce, "email": "eve@example.com", "email_verified": true, "name": "Eve",
            "auth_time": NOW, "at_hash": hash,
        });
        let claims = merge(claims, &lie.claims);
        let header = json!({"alg": "EdDSA", "kid": key.public().kid().to_string(), "typ": "JWT"});
        let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let input = format!("{}.{}", encode(&header), encode(&claims));
        let signature = key.sign_raw(input.as_bytes()).unwrap();
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn exchange(&self, form: &HashMap<String, String>) -> (u16, Value) {
        let no = (400, json!({"error": "invalid_grant"}));
        let again = self.lie.lock().unwrap().takes_codes_again;
        let mut codes = self.codes.lock().unwrap();
        let Some(granted) = form.get("code").and_then(|code| codes.get(code)).cloned() else {
            return no;
        };
        if !again {
            codes.remove(&form["code"]);
        }
        drop(codes);
        let challenge = URL_SAFE_NO_PAD.encode(digest::sha256(form["code_verifier"].as_bytes()));
        let fits = challenge == granted.challenge
            && form["redirect_uri"] == granted.redirect
            && form["client_id"] == "client"
            && form["grant_type"] == "authorization_code";
        if !fits {
            return no;
        }
        let id_token = self.id_token(&granted.who, &granted.nonce);
        let answer = json!({"access_token": ACCESS, "token_type": "Bearer", "id_token": id_token});
        (200, answer)
    }
}

async fn answered(State(idp): State<Arc<Idps>>, request: Request<Body>) -> Response {
    let path = request.uri().path().to_owned();
    idp.asked.lock().unwrap().push(path.clone());
    let bearer = request.headers().get("authorization").cloned();
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let form = url::form_urlencoded::parse(&body).into_owned().collect();
    let lie = idp.lie.lock().unwrap().clone();
    if lie.hangs == path {
        std::future::pending::<()>().await;
    }
    let said = |(status, kind, text): (u16, &'static str, String)| {
        let status = StatusCode::from_u16(status).unwrap();
        (status, [(CONTENT_TYPE, kind)], text).into_response()
    };
    let json =
        |(status, value): (u16, Value)| said((status, "application/json", value.to_string()));
    match path.as_str() {
        "/.well-known/openid-configuration" => json((200, idp.document())),
        "/jwks" => json((200, idp.jwks())),
        "/token" => lie.token.map_or_else(|| json(idp.exchange(&form)), said),
        "/userinfo" if bearer.is_some_and(|b| b == format!("Bearer {ACCESS}")) => {
            let info = json!({"sub": "eve-1", "name": "Eve E."});
            lie.user_info.map_or_else(|| json((200, info)), said)
        }
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}
