//! Many tokens revoked in one step.

use std::time::Duration;

use aeolus_control::Publishing;
use aeolus_decide::World;
use aeolus_keys::Kind;
use aeolus_keys::claims::{Api, ApiKind};
use aeolus_model::{
    ApiToken, Clock as _, Grant, GrantId, OrganizationId, Resource, Role, Subject, TokenId,
    TokenKind, TokenScope, TokenStage, TokenValue, UserId,
};
use aeolus_snapshot::Snapshot;
use aeolus_store::{GrantRecord, ManagedBy, Unit as _};
use serde_json::json;

use crate::fixture::{Fixture, ISS};
use crate::publish::Reader;
use crate::reuse::gate;

const ALL: usize = 20_000;
const LEAKED: usize = 5_000;
/// A list begins with so many bits, and has two to four for each value otherwise.
const LEAST_BITS: usize = 1 << 17;

/// Tokens as control makes them, written at once: the first of one person, the others of nobody's.
async fn fill(f: &Fixture, organization: OrganizationId, person: UserId) -> Vec<ApiToken> {
    let store = f.store().await;
    let now = f.clock.now();
    let mut all = Vec::new();
    while all.len() < ALL {
        let mut write = store.write().await.unwrap();
        for _ in 0..1_000 {
            let mut revocations = write.revocations();
            let index = revocations.allocate(organization, &*f.rng).await.unwrap();
            let token = ApiToken {
                id: TokenId::new(&*f.clock, &*f.rng),
                organization,
                name: format!("t{}", all.len()),
                description: String::new(),
                scope: TokenScope::Organization(organization),
                kind: TokenKind::Standard,
                created_by: match all.len() {
                    ..LEAKED => person,
                    _ => UserId::from_bytes([9; 16]),
                },
                created_at: now,
                stage: TokenStage::Active(TokenValue {
                    jti: format!("jti{}", all.len()),
                    index,
                    issued_at: now,
                    expires_at: now.plus(Duration::from_secs(365 * 86_400)),
                }),
            };
            write.tokens().insert(&token).await.unwrap();
            let grant = GrantRecord {
                grant: Grant {
                    id: GrantId::new(&*f.clock, &*f.rng),
                    subject: Subject::Token(token.id),
                    role: Role::OrganizationOwner.into(),
                    resource: Resource::Organization(organization),
                },
                organization: Some(organization),
                managed_by: ManagedBy::Api,
            };
            write.grants().insert(&grant).await.unwrap();
            all.push(token);
        }
        write.commit().await.unwrap();
    }
    all
}

fn claims(token: &ApiToken) -> Api {
    let TokenStage::Active(value) = &token.stage else {
        panic!("{token:?}");
    };
    Api {
        iss: ISS.to_owned(),
        aud: format!("urn:aeolus:org:{}", token.organization),
        sub: token.id,
        client_id: token.id,
        iat: value.issued_at.secs(),
        nbf: value.issued_at.secs(),
        exp: value.expires_at.secs(),
        jti: value.jti.clone(),
        idx: value.index,
        status: None,
        ent: token.scope.resource(),
        surfaces: None,
        kind: ApiKind,
    }
}

/// A plane is told bits of one list and a mark, however many tokens it is about, and at once: ahead of the
/// records of what is gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f19_many_tokens_revoked_at_once_are_bits_of_one_list_and_all_refused() {
    let publishing = Publishing {
        at_once: Duration::ZERO,
        rest: (Duration::from_secs(86_400), Duration::from_secs(86_400)),
        ..Publishing::default()
    };
    let f = Fixture::configured("f19", |config| config.publishing = publishing).await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    let mut reader = Reader::new(&f, &admin).await;
    let store = f.store().await;
    let mut view = store.read().await.unwrap();
    let (acme, eve) = ("acme".parse().unwrap(), "eve@example.com".parse().unwrap());
    let organization = view.organizations().by_name(&acme).await.unwrap();
    let eve = view.users().by_email(&eve).await.unwrap();
    let (organization, eve) = (organization.unwrap().id, eve.unwrap().id);
    drop(view);
    let tokens = fill(&f, organization, eve).await;
    f.clock.advance(Duration::from_secs(60));
    f.work();
    let whole = until(&f, &mut reader, |s| {
        s.sections().subjects.subjects.len() >= ALL
    })
    .await;

    let key = f.signing_key(Kind::Api).await;
    let signed: Vec<String> = tokens
        .iter()
        .map(|token| key.sign(Kind::Api, &claims(token)).unwrap())
        .collect();
    let world = World::from_snapshot(&whole);
    for token in signed.iter().step_by(97) {
        assert_eq!(gate(&f, &world, token), Ok(()));
    }
    reader.fetched = 0;
    let before = f.clock.now().secs();
    let body = json!({"createdBy": eve, "issuedBefore": before, "sessions": true});
    let path = "/v1/organizations/acme/tokens:revoke";
    let admin = f.admin().await;
    let revoked = f.call("POST", path, &admin, Some(body)).await.expect(200);
    let revoked = revoked.json();
    assert_eq!(revoked["deleted"], LEAKED);

    let answer = reader.poll(&f, 10).await;
    let told: usize = answer.blobs.values().map(|blob| blob.0.len()).sum();
    let snapshot = reader.take(&f, answer).await.expect("news");
    assert!(snapshot.position().seq >= revoked["seq"].as_u64().unwrap());
    assert_eq!(reader.fetched, 0, "it travelled with the manifest");
    // Nothing but the list: the records of what is gone follow in their turn.
    let names = |s: &Snapshot| s.manifest().sections.clone();
    let (old, new) = (names(&whole), names(&snapshot));
    let changed = new.iter().filter(|(name, at)| old.get(*name) != Some(*at));
    let changed: Vec<_> = changed.map(|(name, _)| name.clone()).collect();
    assert_eq!(changed, [format!("revocations/{organization}")]);
    let list = &snapshot.sections().revocations[&organization];
    let ones: u32 = list.status.iter().map(|byte| byte.count_ones()).sum();
    assert_eq!(usize::try_from(ones).unwrap(), LEAKED);
    assert_eq!(
        (list.marks.len(), list.ends.len(), list.sessions.len()),
        (1, 0, 0)
    );
    let most = LEAST_BITS.max(4 * ALL) / 8;
    assert!(list.status.len() <= most, "{} of {most}", list.status.len());
    // At most the list itself, a mark and the manifest's words about it.
    let words = 512;
    assert!(told <= list.status.len() + words, "{told} bytes");

    let world = World::from_snapshot(&snapshot);
    for token in signed.iter().take(LEAKED) {
        assert!(gate(&f, &world, token).is_err());
    }
    for token in signed.iter().skip(LEAKED).step_by(97) {
        assert_eq!(gate(&f, &world, token), Ok(()));
    }
    for (token, status) in [(0, 401), (LEAKED - 1, 401), (LEAKED, 200), (ALL - 1, 200)] {
        let me = f.call("GET", "/v1/me", &signed[token], None).await;
        assert_eq!(me.status.as_u16(), status, "{token}");
    }
}

/// Reads until a snapshot fits: it is a large one, and this machine may be busy.
async fn until(f: &Fixture, reader: &mut Reader, fits: impl Fn(&Snapshot) -> bool) -> Snapshot {
    let work = async {
        loop {
            let answer = reader.poll(f, 10).await;
            match reader.take(f, answer).await {
                Some(snapshot) if fits(&snapshot) => return snapshot,
                _ => {}
            }
        }
    };
    let limit = Duration::from_secs(120);
    tokio::time::timeout(limit, work).await.expect("in time")
}
