//! A browser with a jar of cookies, which follows no redirect by itself.

use std::collections::{BTreeMap, BTreeSet};

use axum::body::Body;
use http::Request;
use http::header::{CONTENT_TYPE, COOKIE, ORIGIN, SET_COOKIE};
use url::Url;

use super::SESSION;
use crate::fixture::{Answer, Fixture, ISS};

pub(crate) struct Browser<'a> {
    f: &'a Fixture,
    pub(crate) jar: BTreeMap<String, String>,
    /// Those that also go with a form of another site.
    cross_site: BTreeSet<String>,
}

/// A browser on its way through a provider.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) url: Url,
}

impl Sent {
    pub(crate) fn param(&self, name: &str) -> String {
        self.maybe(name)
            .unwrap_or_else(|| panic!("no {name}: {}", self.url))
    }

    pub(crate) fn maybe(&self, name: &str) -> Option<String> {
        let mut pairs = self.url.query_pairs();
        let found = pairs.find(|(held, _)| held == name)?;
        Some(found.1.into_owned())
    }
}

impl<'a> Browser<'a> {
    pub(crate) fn new(f: &'a Fixture) -> Self {
        let jar = BTreeMap::new();
        let cross_site = BTreeSet::new();
        Self { f, jar, cross_site }
    }

    async fn send(&mut self, mut request: Request<Body>) -> Answer {
        let from = request.headers().get(ORIGIN);
        let foreign = from.is_some_and(|from| from != ISS);
        let goes = |name: &String| !foreign || self.cross_site.contains(name);
        let pairs = self
            .jar
            .iter()
            .filter(|(name, _)| goes(name))
            .map(|(name, value)| format!("{name}={value}"));
        let cookies = pairs.collect::<Vec<_>>().join("; ");
        if !cookies.is_empty() {
            let headers = request.headers_mut();
            headers.insert(COOKIE, cookies.parse().unwrap());
        }
        let answer = self.f.send(request).await;
        for set in answer.headers.get_all(SET_COOKIE) {
            let text = set.to_str().unwrap();
            let (pair, marks) = text.split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            if marks.contains("Max-Age=0") {
                self.jar.remove(name);
            } else {
                self.jar.insert(name.to_owned(), value.to_owned());
                if marks.contains("SameSite=None") {
                    self.cross_site.insert(name.to_owned());
                }
            }
        }
        answer
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).unwrap())
            .await
    }

    /// A form from a page of some origin.
    pub(crate) async fn post(&mut self, path: &str, body: &str, origin: &str) -> Answer {
        let request = Request::post(path)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(ORIGIN, origin);
        self.send(request.body(Body::from(body.to_owned())).unwrap())
            .await
    }

    /// Presses the button of a connection.
    pub(crate) async fn start(&mut self, query: &str) -> Sent {
        let answer = self.get(&format!("/v1/oauth/start?{query}")).await;
        let answer = answer.expect(303);
        let url = Url::parse(answer.location()).unwrap();
        Sent { url }
    }

    /// Comes back with an answer in the URL.
    pub(crate) async fn back(&mut self, query: &str) -> Answer {
        self.get(&format!("/v1/oauth/callback/?{query}")).await
    }

    /// Comes back with one in a form of the provider's page, and then of ours.
    pub(crate) async fn back_by_form(&mut self, path: &str, form: &str, origin: &str) -> Answer {
        let page = self.post(path, form, origin).await.expect(200);
        let policy = page.header("content-security-policy").to_owned();
        assert!(policy.contains("script-src 'sha256-"), "{policy}");
        let text = page.text();
        let fields = text
            .split("<input type=\"hidden\" name=\"")
            .skip(1)
            .map(|rest| {
                let (name, rest) = rest.split_once("\" value=\"").unwrap();
                let value = rest.split_once("\">").unwrap().0;
                (name, value.replace("&#38;", "&"))
            });
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        self.post("/v1/oauth/callback", &body, ISS).await
    }

    /// Comes back with one in the fragment, which our own page posts.
    pub(crate) async fn back_by_fragment(&mut self, fragment: &str) -> Answer {
        self.post("/v1/oauth/redirect/", fragment, ISS).await
    }

    pub(crate) fn session(&self) -> Option<&String> {
        self.jar.get(SESSION)
    }

    /// The cookies of sign-ins on their way.
    pub(crate) fn attempts(&self) -> Vec<String> {
        let names = self.jar.keys();
        let ours = names.filter(|name| name.starts_with("__Host-aeolus-attempt-"));
        ours.cloned().collect()
    }

    /// Whose account page is shown.
    pub(crate) async fn who(&mut self) -> Option<String> {
        let answer = self.get("/").await;
        let text = answer.text();
        let rest = text.split_once("Signed in as ")?.1;
        Some(rest.split_once(".</p>")?.0.to_owned())
    }
}
