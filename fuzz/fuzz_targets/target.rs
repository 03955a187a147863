//! Request targets and headers: whatever the bytes, no panic; whatever both readings of a path say,
//! nothing is let through where nothing is known.

#![no_main]

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use aeolus_decide::{
    Decision, Freshness, Headers, Judge, Memory, Reason, Request, SessionCookie, Site, Target,
    Verified, World,
};
use aeolus_model::{OrganizationId, SessionId, Time};
use libfuzzer_sys::fuzz_target;

static WORLD: LazyLock<World> = LazyLock::new(World::default);

struct Nothing;

impl Memory for Nothing {
    fn verified(&self, _: &[u8], _: &World, _: Time) -> Result<Arc<Verified>, Reason> {
        Err(Reason::TokenMalformed)
    }

    fn open_session(&self, _: Site<'_>, _: &[u8]) -> Option<SessionCookie> {
        None
    }

    fn renewed(&self, _: SessionId, _: OrganizationId) -> Option<Time> {
        None
    }

    fn ended(&self, _: SessionId, _: OrganizationId) -> bool {
        false
    }
}

fuzz_target!(|parts: (&[u8], &[u8], &[u8], &[u8])| {
    let (method, host, target, value) = parts;
    if let Ok(read) = Target::parse(target) {
        assert!(read.raw.starts_with('/') && read.decoded.starts_with('/'));
        assert!(!read.decoded.split('/').any(|segment| segment == ".."));
        assert!(!read.decoded.bytes().any(|byte| byte.is_ascii_control()));
    }
    let names = ["authorization", "cookie", "origin", "upgrade", "connection"];
    let headers = names.map(|name| (name, value));
    let judge = Judge {
        world: &WORLD,
        memory: &Nothing,
        freshness: Freshness {
            age: Some(Duration::ZERO),
        },
        now: Time::from_secs(1_900_000_000),
    };
    let decision = judge.decide(&Request {
        method,
        host: Some(host),
        target,
        headers: Headers::collect(headers),
        ..Request::default()
    });
    assert!(matches!(decision, Decision::Deny(_)));
    let _ = aeolus_decide::find_cookie(&[value], "__Host-aeolus");
});
