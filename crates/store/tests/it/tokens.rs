use std::collections::HashSet;
use std::time::Duration;

use aeolus_model::{
    Grant, GrantId, Resource, Role, Subject, TokenId, TokenKind, TokenScope, TokenStage, TokenValue,
};
use aeolus_store::{
    GrantRecord, ManagedBy, Mark, Page, ScopeFilter, StatusEnd, StoreError, TokenFilter, Unit,
};
use aeolus_testkit::SeededRng;

use crate::fixture::{Database, NOW};

async fn a_deleted_token_is_revoked_and_loses_its_grants(db: Database) {
    let fleet = db.fleet().await;
    let mut write = db.store.write().await.unwrap();
    let token = db.token(&mut write, &fleet).await;
    let other = db.token(&mut write, &fleet).await;
    let grant = GrantRecord {
        grant: Grant {
            id: GrantId::new(&db.clock, &db.rng),
            subject: Subject::Token(token.id),
            role: Role::DeploymentAdmin.into(),
            resource: Resource::Deployment(fleet.deployment.id),
        },
        organization: Some(fleet.organization.id),
        managed_by: ManagedBy::Api,
    };
    write.grants().insert(&grant).await.unwrap();
    let created = write.commit().await.unwrap();

    let mut read = db.store.read().await.unwrap();
    let found = read.tokens().get(token.id).await.unwrap().unwrap();
    assert_eq!((found.token, found.last_used_at), (token.clone(), None));
    assert_eq!(
        read.tokens()
            .reaching(fleet.plane.id, NOW)
            .await
            .unwrap()
            .len(),
        2
    );
    let later = NOW.plus(Duration::from_secs(3600));
    assert_eq!(
        read.tokens().reaching(fleet.plane.id, later).await.unwrap(),
        []
    );
    drop(read);

    let index = token.value().unwrap().index;
    let mut write = db.store.write().await.unwrap();
    assert!(write.tokens().delete(token.id, NOW).await.unwrap());
    assert!(!write.tokens().delete(token.id, NOW).await.unwrap());
    assert_eq!(write.commit().await.unwrap(), created + 1);
    let mut read = db.store.read().await.unwrap();
    let found = read.tokens().get(token.id).await.unwrap().unwrap();
    assert_eq!(found.token.stage, TokenStage::Deleted { at: NOW });
    assert_eq!(
        read.grants().of(Subject::Token(token.id)).await.unwrap(),
        []
    );
    let list = read
        .revocations()
        .of(fleet.organization.id)
        .await
        .unwrap()
        .unwrap();
    let bit = |index: u32| list.status[index as usize / 8] >> (index % 8) & 1;
    assert_eq!(bit(index), 1);
    assert_eq!(
        list.status
            .iter()
            .map(|byte| byte.count_ones())
            .sum::<u32>(),
        1
    );
    let scope = TokenScope::Deployment(fleet.deployment.id);
    let listed = read
        .tokens()
        .list_scope(scope, Page::first(9))
        .await
        .unwrap();
    assert_eq!(listed.items.len(), 1);
    assert_eq!(listed.items[0].token, other);
    let listed = read
        .tokens()
        .list(
            fleet.organization.id,
            &TokenFilter::default(),
            Page::first(9),
        )
        .await
        .unwrap();
    assert_eq!(listed.items.len(), 1);
}

async fn a_list_is_narrowed_to_a_scope_and_a_kind(db: Database) {
    let fleet = db.fleet().await;
    let mut write = db.store.write().await.unwrap();
    let template = db.token(&mut write, &fleet).await;
    let mut made = vec![template.id];
    let direct = TokenKind::Direct { permissions: None };
    let (organization, workspace) = (fleet.organization.id, fleet.workspace.id);
    for (scope, kind) in [
        (TokenScope::Organization(organization), TokenKind::Standard),
        (TokenScope::Workspace(workspace), direct.clone()),
        (TokenScope::Deployment(fleet.deployment.id), direct),
    ] {
        let mut token = template.clone();
        token.id = TokenId::new(&db.clock, &db.rng);
        (token.scope, token.kind) = (scope, kind);
        let index = write
            .revocations()
            .allocate(organization, &db.rng)
            .await
            .unwrap();
        token.stage = TokenStage::Active(TokenValue {
            jti: format!("jti-{}", token.id),
            index,
            issued_at: NOW,
            expires_at: NOW.plus(Duration::from_secs(3600)),
        });
        write.tokens().insert(&token).await.unwrap();
        made.push(token.id);
    }
    write.commit().await.unwrap();
    let at = ScopeFilter::At;
    let cases = [
        (ScopeFilter::Any, None, vec![0, 1, 2, 3]),
        (ScopeFilter::Any, Some(true), vec![2, 3]),
        (ScopeFilter::Any, Some(false), vec![0, 1]),
        (ScopeFilter::Workspaces, None, vec![2]),
        (ScopeFilter::Deployments, None, vec![0, 3]),
        (ScopeFilter::Deployments, Some(true), vec![3]),
        (at(TokenScope::Organization(organization)), None, vec![1]),
        (at(TokenScope::Workspace(workspace)), Some(false), vec![]),
        (
            at(TokenScope::Deployment(fleet.deployment.id)),
            None,
            vec![0, 3],
        ),
    ];
    for ((scope, direct, expected), looked_at) in cases
        .iter()
        .flat_map(|case| [(case, 1), (case, 2), (case, 100)])
    {
        let (scope, direct) = (*scope, *direct);
        let filter = TokenFilter {
            scope,
            direct,
            ..TokenFilter::default()
        };
        // All are of one moment.
        let mut expected: Vec<_> = expected.iter().map(|n: &usize| made[*n]).collect();
        expected.sort_unstable();
        // Page by page, as whoever asks gets them, however few are looked at for one.
        let read = db.store.read().await.unwrap();
        let mut read = read.in_pages_of(looked_at);
        let (mut found, mut page) = (Vec::new(), Page::first(1));
        loop {
            let listing = read
                .tokens()
                .list(organization, &filter, page)
                .await
                .unwrap();
            found.extend(listing.items.iter().map(|record| record.token.id));
            let Some(next) = listing.next else { break };
            page.after = Some(next);
        }
        assert_eq!(found, expected, "{scope:?} {direct:?}");
    }
}

async fn indexes_are_never_given_out_twice_and_lists_grow_ahead(db: Database) {
    let fleet = db.fleet().await;
    let organization = fleet.organization.id;
    let tasks = (0..6).map(|n| {
        let store = db.store.clone();
        tokio::spawn(async move {
            let rng = SeededRng::new(&format!("allocate {n}"));
            let mut given = Vec::new();
            for _ in 0..4 {
                let mut write = store.write().await.unwrap();
                for _ in 0..30 {
                    let index = write.revocations().allocate(organization, &rng).await;
                    given.push(index.unwrap());
                }
                write.commit().await.unwrap();
            }
            given
        })
    });
    let mut given = HashSet::new();
    for task in tasks.collect::<Vec<_>>() {
        for index in task.await.unwrap() {
            assert!(given.insert(index), "{index} was given out twice");
        }
    }
    assert_eq!(given.len(), 720);
    let list = db
        .store
        .read()
        .await
        .unwrap()
        .revocations()
        .of(organization)
        .await;
    let bits = list.unwrap().unwrap().status.len() * 8;
    assert_eq!(bits, 2048, "half of 1024 is 512, half of 2048 is 1024");
}

async fn f69_the_list_may_pass_31_bits(db: Database) {
    let fleet = db.fleet().await;
    db.raw("UPDATE revocation_lists SET size = 4294967296, used = 4294967000")
        .await;
    let mut write = db.store.write().await.unwrap();
    let mut beyond = false;
    for _ in 0..20 {
        let given = write
            .revocations()
            .allocate(fleet.organization.id, &db.rng)
            .await
            .unwrap();
        beyond |= given > u32::MAX / 2;
        let revoked = write
            .revocations()
            .revoke(fleet.organization.id, given, NOW)
            .await;
        assert!(revoked.unwrap());
    }
    assert!(beyond);
    write.commit().await.unwrap();
    let nobody = db.organization("nobody").id;
    let mut write = db.store.write().await.unwrap();
    let error = write
        .revocations()
        .allocate(nobody, &db.rng)
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::Reference), "{error}");
}

async fn marks_and_ends_only_tighten(db: Database) {
    let fleet = db.fleet().await;
    let organization = fleet.organization.id;
    let subject = Subject::User(fleet.user.id);
    let at = |seconds| NOW.plus(Duration::from_secs(seconds));
    let mut write = db.store.write().await.unwrap();
    let index = write
        .revocations()
        .allocate(organization, &db.rng)
        .await
        .unwrap();
    for seconds in [20, 10, 15] {
        let end = StatusEnd {
            index,
            not_after: at(seconds),
        };
        write
            .revocations()
            .set_end(organization, end)
            .await
            .unwrap();
        let mark = Mark {
            subject,
            not_before: at(seconds),
        };
        write.revocations().mark(organization, mark).await.unwrap();
        write
            .revocations()
            .mark_organization(organization, at(seconds))
            .await
            .unwrap();
    }
    write.commit().await.unwrap();
    let list = db
        .store
        .read()
        .await
        .unwrap()
        .revocations()
        .of(organization)
        .await;
    let list = list.unwrap().unwrap();
    assert_eq!(
        list.ends,
        [StatusEnd {
            index,
            not_after: at(10)
        }]
    );
    assert_eq!(
        list.marks,
        [Mark {
            subject,
            not_before: at(20)
        }]
    );
    assert_eq!(list.not_before, at(20));
}

async fn f70_noting_a_use_undoes_nothing(db: Database) {
    let fleet = db.fleet().await;
    let mut write = db.store.write().await.unwrap();
    let token = db.token(&mut write, &fleet).await;
    let before = write.commit().await.unwrap();
    let uses = (0..20_u64).map(|n| {
        let (store, id) = (db.store.clone(), token.id);
        tokio::spawn(async move {
            for m in 0..50 {
                let mut write = store.write().await.unwrap();
                let at = NOW.plus(Duration::from_millis(n * 50 + m));
                write.tokens().used(id, at).await.unwrap();
                write.commit().await.unwrap();
            }
        })
    });
    let uses: Vec<_> = uses.collect();
    let mut write = db.store.write().await.unwrap();
    write.tokens().delete(token.id, NOW).await.unwrap();
    assert_eq!(
        write.commit().await.unwrap(),
        before + 1,
        "uses take no position"
    );
    for task in uses {
        task.await.unwrap();
    }
    let found = db
        .store
        .read()
        .await
        .unwrap()
        .tokens()
        .get(token.id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        found.last_used_at,
        Some(NOW.plus(Duration::from_millis(999)))
    );
    let stage = TokenStage::Deleted { at: NOW };
    assert_eq!(found.token, aeolus_model::ApiToken { stage, ..token });
}

on_every_engine! {
    a_deleted_token_is_revoked_and_loses_its_grants,
    a_list_is_narrowed_to_a_scope_and_a_kind,
    indexes_are_never_given_out_twice_and_lists_grow_ahead,
    f69_the_list_may_pass_31_bits,
    marks_and_ends_only_tighten,
    f70_noting_a_use_undoes_nothing,
}
