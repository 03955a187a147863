use std::slice::from_ref;

use aeolus_model::{ConnectionId, Host, HostPattern, Secret, WorkspaceId};
use aeolus_store::{Connection, Deployment, ManagedBy, Page, StoreError, Taken, Unit, Workspace};

use crate::fixture::{Database, Fleet, NOW, slug};

async fn what_is_stored_is_read_back(db: Database) {
    let Fleet {
        organization,
        workspace,
        plane,
        deployment,
        user,
    } = db.fleet().await;
    let mut read = db.store.read().await.unwrap();
    let found = read.organizations().by_name(&slug("acme")).await.unwrap();
    assert_eq!(found, Some(organization.clone()));
    let found = read
        .workspaces()
        .by_name(organization.id, &slug("sales"))
        .await
        .unwrap();
    assert_eq!(found, Some(workspace.clone()));
    assert_eq!(
        read.planes().by_name(&slug("eu-1")).await.unwrap(),
        Some(plane.clone())
    );
    assert_eq!(
        read.planes().hosting(organization.id).await.unwrap(),
        from_ref(&plane)
    );
    let found = read
        .deployments()
        .by_name(workspace.id, &slug("etl"))
        .await
        .unwrap();
    assert_eq!(found, Some(deployment.clone()));
    assert_eq!(
        read.deployments().on_plane(plane.id).await.unwrap(),
        from_ref(&deployment)
    );
    let host = Host::parse("etl.example.com").unwrap();
    assert_eq!(
        read.deployments().on_host(&host).await.unwrap(),
        [(deployment.id, None)]
    );
    let found = read.users().by_email(&user.email).await.unwrap().unwrap();
    assert_eq!(
        (found.id, found.name, found.revision),
        (user.id, user.name, 1)
    );
    let nobody = WorkspaceId::new(&db.clock, &db.rng);
    assert_eq!(read.workspaces().get(nobody).await.unwrap(), None);
}

async fn names_are_unique_in_their_parent(db: Database) {
    let fleet = db.fleet().await;
    let mut write = db.store.write().await.unwrap();
    let again = write
        .organizations()
        .insert(&db.organization("acme"))
        .await
        .unwrap_err();
    assert!(
        matches!(again, StoreError::Taken(Taken::Organization)),
        "{again}"
    );
    write.rollback().await.unwrap();
    let mut write = db.store.write().await.unwrap();
    let again = write
        .users()
        .insert(&db.user("ANN@example.com"))
        .await
        .unwrap_err();
    assert!(matches!(again, StoreError::Taken(Taken::User)), "{again}");
    write.rollback().await.unwrap();
    let mut write = db.store.write().await.unwrap();
    let other = db.organization("other");
    write.organizations().insert(&other).await.unwrap();
    let same_name = Workspace {
        id: WorkspaceId::new(&db.clock, &db.rng),
        organization: other.id,
        ..fleet.workspace.clone()
    };
    write.workspaces().insert(&same_name).await.unwrap();
    let crossed = db.deployment(
        &Workspace {
            organization: other.id,
            ..fleet.workspace
        },
        &fleet.plane,
        "x",
        &[],
    );
    let crossed = write.deployments().insert(&crossed).await.unwrap_err();
    assert!(matches!(crossed, StoreError::Reference), "{crossed}");
}

async fn an_update_names_the_revision_it_saw(db: Database) {
    let mut user = db.fleet().await.user;
    let mut write = db.store.write().await.unwrap();
    user.name = "Anna".to_owned();
    user.password_hash = Some(Secret::new("$argon2id$x".to_owned()));
    write.users().update(&user).await.unwrap();
    write.commit().await.unwrap();
    let mut write = db.store.write().await.unwrap();
    let stale = write.users().update(&user).await.unwrap_err();
    assert!(matches!(stale, StoreError::Conflict), "{stale}");
    write.rollback().await.unwrap();
    let found = db
        .store
        .read()
        .await
        .unwrap()
        .users()
        .get(user.id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((found.name.as_str(), found.revision), ("Anna", 2));
    assert_eq!(found.password_hash.unwrap().expose(), "$argon2id$x");
}

async fn a_host_belongs_to_one_organization_and_a_route_to_one_deployment(db: Database) {
    let fleet = db.fleet().await;
    let mut write = db.store.write().await.unwrap();
    let prefixed = [("etl.example.com", "/b"), ("b.example.com", "")];
    let mut second = db.deployment(&fleet.workspace, &fleet.plane, "b", &prefixed);
    write.deployments().insert(&second).await.unwrap();
    write.commit().await.unwrap();

    let mut write = db.store.write().await.unwrap();
    let taken = db.deployment(
        &fleet.workspace,
        &fleet.plane,
        "c",
        &[("etl.example.com", "/b")],
    );
    let taken = write.deployments().insert(&taken).await.unwrap_err();
    assert!(matches!(taken, StoreError::Taken(Taken::Route)), "{taken}");
    write.rollback().await.unwrap();

    let other = db.organization("other");
    let theirs = Workspace {
        id: WorkspaceId::new(&db.clock, &db.rng),
        organization: other.id,
        ..fleet.workspace.clone()
    };
    let mut write = db.store.write().await.unwrap();
    write.organizations().insert(&other).await.unwrap();
    write.workspaces().insert(&theirs).await.unwrap();
    write.commit().await.unwrap();
    let claim = db.deployment(&theirs, &fleet.plane, "d", &[("b.example.com", "/d")]);
    let mut write = db.store.write().await.unwrap();
    let foreign = write.deployments().insert(&claim).await.unwrap_err();
    assert!(matches!(foreign, StoreError::ForeignHost), "{foreign}");
    write.rollback().await.unwrap();

    // A host that is given up is free for others.
    second.routes.truncate(1);
    let mut write = db.store.write().await.unwrap();
    write.deployments().update(&second).await.unwrap();
    write.deployments().insert(&claim).await.unwrap();
    write.commit().await.unwrap();
    let mut read = db.store.read().await.unwrap();
    let found = read.deployments().get(second.id).await.unwrap().unwrap();
    assert_eq!(found.routes, second.routes);
    assert_eq!(
        read.deployments()
            .on_plane(fleet.plane.id)
            .await
            .unwrap()
            .len(),
        3
    );
}

async fn a_wildcard_is_claimed_as_a_host_is_and_a_name_shuts_it_out(db: Database) {
    let fleet = db.fleet().await;
    let (workspace, plane) = (&fleet.workspace, &fleet.plane);
    let wild = db.deployment(workspace, plane, "wild", &[("*.example.com", "")]);
    let again = db.deployment(workspace, plane, "again", &[("*.example.com", "")]);
    let below = db.deployment(workspace, plane, "below", &[("*.example.com", "/b")]);
    let mut write = db.store.write().await.unwrap();
    write.deployments().insert(&wild).await.unwrap();
    write.deployments().insert(&below).await.unwrap();
    write.commit().await.unwrap();
    let mut write = db.store.write().await.unwrap();
    let taken = write.deployments().insert(&again).await.unwrap_err();
    assert!(matches!(taken, StoreError::Taken(Taken::Route)), "{taken}");
    write.rollback().await.unwrap();
    let mut read = db.store.read().await.unwrap();
    for (host, expected) in [
        ("a.example.com", vec![wild.id, below.id]),
        ("etl.example.com", vec![fleet.deployment.id]),
        ("example.com", vec![]),
        ("a.b.example.com", vec![]),
        ("localhost", vec![]),
    ] {
        let host = Host::parse(host).unwrap();
        let found = read.deployments().on_host(&host).await.unwrap();
        let found: Vec<_> = found.into_iter().map(|(id, _)| id).collect();
        assert_eq!(found, expected, "{host}");
    }
    let found = read.deployments().get(wild.id).await.unwrap().unwrap();
    assert_eq!(found.routes, wild.routes);
    drop(read);
    // Who is beside it: the owner of the wildcard and of a name below it, and somebody else.
    let mut write = db.store.write().await.unwrap();
    let other = db.organization("other").id;
    for (host, foreign) in [
        ("new.example.com", true),
        ("*.example.com", true),
        ("a.b.example.com", false),
        ("*.b.example.com", false),
        ("example.com", false),
        ("*.example.org", false),
        ("localhost", false),
    ] {
        let host = HostPattern::parse(host).unwrap();
        for (whose, expected) in [(other, foreign), (workspace.organization, false)] {
            let found = write.deployments().is_beside_foreign(&host, whose).await;
            assert_eq!(found.unwrap(), expected, "{host}");
        }
    }
}

/// A deployment of each of eight organizations, not inserted yet, with the host that `host` gives it.
async fn claims(db: &Database, host: impl Fn(u8) -> String) -> Vec<Deployment> {
    let fleet = db.fleet().await;
    let mut write = db.store.write().await.unwrap();
    let mut claims = Vec::new();
    for n in 0_u8..8 {
        let organization = db.organization(&format!("o{n}"));
        let workspace = Workspace {
            id: WorkspaceId::new(&db.clock, &db.rng),
            organization: organization.id,
            ..fleet.workspace.clone()
        };
        write.organizations().insert(&organization).await.unwrap();
        write.workspaces().insert(&workspace).await.unwrap();
        let host = host(n);
        claims.push(db.deployment(&workspace, &fleet.plane, "x", &[(&host, "")]));
    }
    write.commit().await.unwrap();
    claims
}

async fn of_two_organizations_at_once_one_gets_the_host(db: Database) {
    let claims = claims(&db, |_| "x.example.com".to_owned()).await;
    let tasks = claims.into_iter().map(|claim| {
        let store = db.store.clone();
        tokio::spawn(async move {
            let mut write = store.write().await?;
            write.deployments().insert(&claim).await?;
            write.commit().await
        })
    });
    let mut winners = 0;
    for task in tasks.collect::<Vec<_>>() {
        match task.await.unwrap() {
            Ok(_) => winners += 1,
            Err(StoreError::ForeignHost | StoreError::Taken(Taken::Route)) => {}
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(winners, 1);
}

async fn a_host_and_a_wildcard_over_it_are_not_taken_at_once_by_two_organizations(db: Database) {
    let host = |n| match n {
        0 => "*.x.example.com".to_owned(),
        n => format!("a{n}.x.example.com"),
    };
    let claims = claims(&db, host).await;
    let tasks = claims.into_iter().enumerate().map(|(n, claim)| {
        let store = db.store.clone();
        tokio::spawn(async move {
            let mut write = store.write().await?;
            let mut all = write.deployments();
            let host = &claim.routes[0].host;
            if all.is_beside_foreign(host, claim.organization).await? {
                write.rollback().await?;
                return Ok(None);
            }
            write.deployments().insert(&claim).await?;
            write.commit().await?;
            Ok::<_, StoreError>(Some(n))
        })
    });
    let mut winners = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        winners.extend(task.await.unwrap().unwrap());
    }
    // Either the wildcard was first, or it is not there.
    assert!(
        winners == [0] || winners == [1, 2, 3, 4, 5, 6, 7],
        "{winners:?}"
    );
}

async fn removing_goes_from_the_leaves_up(db: Database) {
    let fleet = db.fleet().await;
    let mut write = db.store.write().await.unwrap();
    let token = db.token(&mut write, &fleet).await;
    write.commit().await.unwrap();
    let mut write = db.store.write().await.unwrap();
    let full = write
        .workspaces()
        .delete(fleet.workspace.id)
        .await
        .unwrap_err();
    assert!(matches!(full, StoreError::Reference), "{full}");
    write.rollback().await.unwrap();
    let mut write = db.store.write().await.unwrap();
    let used = write.planes().delete(fleet.plane.id).await.unwrap_err();
    assert!(matches!(used, StoreError::Reference), "{used}");
    write.rollback().await.unwrap();

    let mut write = db.store.write().await.unwrap();
    assert!(
        write
            .deployments()
            .delete(fleet.deployment.id, NOW)
            .await
            .unwrap()
    );
    assert!(
        !write
            .deployments()
            .delete(fleet.deployment.id, NOW)
            .await
            .unwrap()
    );
    let record = write.tokens().get(token.id).await.unwrap().unwrap();
    assert!(matches!(
        record.token.stage,
        aeolus_model::TokenStage::Deleted { .. }
    ));
    let list = write
        .revocations()
        .of(fleet.organization.id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        list.status
            .iter()
            .map(|byte| byte.count_ones())
            .sum::<u32>(),
        1
    );
    assert!(write.workspaces().delete(fleet.workspace.id).await.unwrap());
    assert!(write.planes().delete(fleet.plane.id).await.unwrap());
    assert!(
        write
            .organizations()
            .delete(fleet.organization.id)
            .await
            .unwrap()
    );
    write.commit().await.unwrap();
}

async fn lists_are_paged_by_cursor(db: Database) {
    let mut write = db.store.write().await.unwrap();
    let all: Vec<_> = (0..5).map(|n| db.organization(&format!("o{n}"))).collect();
    for organization in &all {
        write.organizations().insert(organization).await.unwrap();
    }
    write.commit().await.unwrap();
    let mut ids: Vec<_> = all.iter().map(|organization| organization.id).collect();
    ids.sort_unstable();
    let mut read = db.store.read().await.unwrap();
    let mut seen = Vec::new();
    let mut page = Page::first(2);
    loop {
        let listing = read.organizations().list(page).await.unwrap();
        seen.extend(listing.items.iter().map(|organization| organization.id));
        let Some(after) = listing.next else { break };
        page.after = Some(after);
    }
    assert_eq!(seen, ids);
}

async fn connections_are_kept_without_a_look_inside(db: Database) {
    let mut local = Connection {
        id: ConnectionId::new(&db.clock, &db.rng),
        name: slug("local"),
        kind: "local".to_owned(),
        config: r#"{"é":1}"#.to_owned(),
        managed_by: ManagedBy::Api,
        revision: 1,
    };
    let mut write = db.store.write().await.unwrap();
    write.connections().insert(&local).await.unwrap();
    local.config = "{}".to_owned();
    write.connections().update(&local).await.unwrap();
    local.revision = 2;
    write.commit().await.unwrap();
    let mut read = db.store.read().await.unwrap();
    assert_eq!(read.connections().list().await.unwrap(), [local.clone()]);
    assert_eq!(
        read.connections().by_name(&local.name).await.unwrap(),
        Some(local)
    );
}

on_every_engine! {
    a_host_and_a_wildcard_over_it_are_not_taken_at_once_by_two_organizations,
    what_is_stored_is_read_back,
    names_are_unique_in_their_parent,
    an_update_names_the_revision_it_saw,
    a_host_belongs_to_one_organization_and_a_route_to_one_deployment,
    a_wildcard_is_claimed_as_a_host_is_and_a_name_shuts_it_out,
    of_two_organizations_at_once_one_gets_the_host,
    removing_goes_from_the_leaves_up,
    lists_are_paged_by_cursor,
    connections_are_kept_without_a_look_inside,
}
