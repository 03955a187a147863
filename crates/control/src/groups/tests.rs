//! Teams of an Entra whose Graph answers from a table, on a schedule.

use std::sync::Arc;
use std::time::Duration;

use aeolus_model::{
    Action, Clock as _, ConnectionId, Email, OrganizationId, Slug, Subject, Time, UserId,
};
use aeolus_oidc::{Connection, Discovery, GroupList, Groups, Identity};
use aeolus_store::{GroupTeam, ManagedBy, Organization, Unit as _, User};
use aeolus_testkit::{ManualClock, SeededRng};
use serde_json::{Value, json};

use super::{News, follow, forget, news, ready, refresh, settle_all};
use crate::app::App;
use crate::connections::{Settings, SignIn};
use crate::ctx::RequestInfo;
use crate::federation::graph::tests::{TENANT, Table, entra, id};

mod ages;
mod tenants;

const DAY: Duration = Duration::from_secs(86_400);

struct World {
    app: App,
    clock: Arc<ManualClock>,
    sign_in: SignIn,
    discovery: Discovery,
    graph: Table,
    ann: UserId,
    bob: UserId,
    _dir: tempfile::TempDir,
}

impl World {
    async fn new(name: &str, teams: Value) -> Self {
        Self::of(name, entra(&teams)).await
    }

    async fn of(name: &str, (connection, discovery): (Connection, Discovery)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(Time::from_secs(1_800_000_000)));
        let rng = Arc::new(SeededRng::new(name));
        let config = crate::people::tests::config(dir.path(), crate::SignUp::default());
        let issuer = "https://aeolus.test".to_owned();
        let app = crate::bootstrap::open(&config, issuer, clock.clone(), rng);
        let app = app.await.unwrap();
        let mut write = app.store.write().await.unwrap();
        let row = aeolus_store::Connection {
            id: ConnectionId::new(&*app.clock, &*app.rng),
            name: connection.name().clone(),
            kind: "microsoft".to_owned(),
            config: stored(&connection),
            managed_by: ManagedBy::Configuration,
            revision: 0,
        };
        write.connections().insert(&row).await.unwrap();
        let organization = Organization {
            id: OrganizationId::new(&*app.clock, &*app.rng),
            name: Slug::parse("acme").unwrap(),
            policy: "{}".to_owned(),
            quota: String::new(),
            managed_by: ManagedBy::Api,
            revision: 1,
        };
        write.organizations().insert(&organization).await.unwrap();
        let mut people = Vec::new();
        for (n, name) in [(1, "ann"), (2, "bob")] {
            let user = User {
                id: UserId::new(&*app.clock, &*app.rng),
                email: Email::parse(&format!("{name}@acme.test")).unwrap(),
                name: name.to_owned(),
                password_hash: None,
                disabled_at: None,
                created_at: clock.now(),
                managed_by: ManagedBy::Api,
                revision: 1,
            };
            write.users().insert(&user).await.unwrap();
            let link = aeolus_store::Identity {
                connection: row.id,
                issuer: connection.discovery().issuer().to_owned(),
                subject: format!("{TENANT}/{}", id(n)).parse().unwrap(),
                user: user.id,
                linked_at: clock.now(),
                managed_by: ManagedBy::Api,
            };
            write.identities().insert(&link).await.unwrap();
            people.push(user.id);
        }
        write.commit().await.unwrap();
        let graph = Table::default();
        graph.says("groups", json!({"value": [{"id": id(99)}]}));
        Self {
            sign_in: SignIn {
                id: row.id,
                revision: 1,
                connection,
            },
            discovery,
            graph,
            ann: people[0],
            bob: people[1],
            app,
            clock,
            _dir: dir,
        }
    }

    fn connection(&self) -> &Connection {
        &self.sign_in.connection
    }

    fn identity(&self, groups: Groups) -> Identity {
        Identity {
            connection: self.connection().name().clone(),
            issuer: self.connection().discovery().issuer().to_owned(),
            subject: format!("{TENANT}/{}", id(1)).parse().unwrap(),
            email: None,
            email_verified: false,
            name: None,
            groups,
            amr: Vec::new(),
            acr: None,
            auth_time: None,
            sid: None,
        }
    }

    /// Ann signs in with groups.
    async fn ann_comes(&self, groups: Groups) {
        self.ann_comes_by(self.connection(), groups).await;
    }

    /// The same by what the connection was when she began.
    async fn ann_comes_by(&self, connection: &Connection, groups: Groups) {
        let (identity, info) = (self.identity(groups), RequestInfo::default());
        let mut write = self.app.store.write().await.unwrap();
        let of = (self.sign_in.id, connection);
        let said = ready(&self.app, &info, &mut write, of, (&identity, None)).await;
        if let Some(said) = said.unwrap() {
            let followed = follow(&self.app, &info, &mut write, (&said, self.ann)).await;
            followed.unwrap();
        }
        self.app.commit(write).await.unwrap();
    }

    /// Another configuration is in force.
    async fn configure(&self, connection: &Connection) {
        let mut write = self.app.store.write().await.unwrap();
        let row = write.connections().get(self.sign_in.id).await.unwrap();
        let row = aeolus_store::Connection {
            config: stored(connection),
            ..row.unwrap()
        };
        write.connections().update(&row).await.unwrap();
        self.app.commit(write).await.unwrap();
    }

    /// Graph knows a group.
    fn knows(&self, group: u32, name: Option<&str>, members: &[u32]) {
        let own = format!("groups/{}", id(group));
        self.graph
            .says(&own, json!({"id": id(group), "displayName": name}));
        let members = members.iter().map(|n| json!({"id": id(*n)}));
        let members: Vec<Value> = members.collect();
        self.graph.says(
            &format!("{own}/transitiveMembers"),
            json!({ "value": members }),
        );
    }

    async fn refresh(&self) -> bool {
        let rules = self.connection().teams().unwrap();
        let asked = (&self.graph, &self.discovery);
        let done = refresh::refresh(&self.app, (&self.sign_in, rules), asked).await;
        done.unwrap().is_ok()
    }

    async fn team(&self, group: u32) -> Option<(String, GroupTeam)> {
        let mut view = self.app.store.read().await.unwrap();
        let mut groups = view.group_teams();
        let found = groups
            .by_group(self.sign_in.id, &id(group))
            .await
            .unwrap()?;
        let team = view.teams().get(found.team).await.unwrap().unwrap();
        Some((team.name.to_string(), found))
    }

    async fn members(&self, group: u32) -> Vec<UserId> {
        let (_, team) = self.team(group).await.unwrap();
        let mut view = self.app.store.read().await.unwrap();
        let members = view.teams().members(team.team).await.unwrap();
        members.into_iter().map(|member| member.user).collect()
    }

    async fn roles(&self, group: u32) -> Vec<String> {
        let (_, team) = self.team(group).await.unwrap();
        let mut view = self.app.store.read().await.unwrap();
        let held = view.grants().of(Subject::Team(team.team)).await.unwrap();
        held.iter()
            .map(|held| held.grant.role.to_string())
            .collect()
    }

    async fn audited(&self) -> Vec<&'static str> {
        let mut view = self.app.store.read().await.unwrap();
        let page = aeolus_store::Page::first(1_000);
        let listed = view.audit_log().list(None, page).await.unwrap();
        let lines = listed.items.iter().map(|line| line.event.action);
        let ours = |action: &Action| action.name().starts_with("team.");
        let mut names: Vec<_> = lines.filter(ours).map(Action::name).collect();
        names.sort_unstable();
        names
    }
}

/// Without its secret: whoever makes Teams asks nobody.
fn stored(connection: &Connection) -> String {
    let settings = Settings {
        sign_in: connection.settings().clone(),
        ..Settings::default()
    };
    serde_json::to_string(&settings).unwrap()
}

fn listed(groups: &[u32]) -> Groups {
    Groups::Listed(list(groups))
}

fn list(groups: &[u32]) -> GroupList {
    GroupList::new(groups.iter().map(|n| (id(*n), None)))
}

#[tokio::test]
async fn x11_what_changes_at_the_provider_changes_here_without_a_sign_in() {
    let w = World::new("groups-refresh", json!({})).await;
    w.ann_comes(listed(&[10])).await;
    let (name, team) = w.team(10).await.unwrap();
    assert_eq!(
        (name, team.by_id),
        (id(10), true),
        "nothing better is known"
    );
    w.knows(10, Some("Data Engineers"), &[1, 2, 77]);
    assert!(w.refresh().await);
    let (name, team) = w.team(10).await.unwrap();
    assert_eq!((name.as_str(), team.by_id), ("data-engineers", false));
    assert_eq!(w.members(10).await, [w.ann, w.bob]);
    // Renamed there, and Ann is taken out.
    w.knows(10, Some("Platform"), &[2]);
    assert!(w.refresh().await);
    let (name, team) = w.team(10).await.unwrap();
    assert_eq!(name, "data-engineers", "documents say it");
    assert_eq!(team.name.as_deref(), Some("Platform"));
    assert_eq!(w.members(10).await, [w.bob]);
    let told = w.audited().await;
    // What is as it was is no news.
    assert!(w.refresh().await);
    assert_eq!(w.audited().await, told);
}

#[tokio::test]
async fn x11_a_list_known_to_be_a_part_takes_nobody_out() {
    let w = World::new("groups-part", json!({})).await;
    w.ann_comes(listed(&[10, 11])).await;
    for said in [
        Groups::Unknown,
        Groups::AskGraph,
        Groups::Listed(list(&[12]).cut()),
    ] {
        w.ann_comes(said).await;
        assert_eq!(w.members(10).await, [w.ann]);
    }
    assert_eq!(w.members(12).await, [w.ann], "but what it names is given");
    // A Graph that breaks off.
    w.knows(10, Some("Data"), &[2]);
    let members = format!("groups/{}/transitiveMembers", id(10));
    let next = format!("{}x", crate::federation::graph::tests::GRAPH);
    w.graph
        .says(&members, json!({"value": [], "@odata.nextLink": next}));
    w.graph.says("x", Value::Null);
    assert!(!w.refresh().await);
    assert_eq!(w.members(10).await, [w.ann]);
    // More than 500 groups.
    let many: Vec<u32> = (1_000..1_600).collect();
    w.ann_comes(listed(&many)).await;
    assert_eq!(w.members(10).await, [w.ann]);
    let mut view = w.app.store.read().await.unwrap();
    let count = view.group_teams().count(w.sign_in.id).await.unwrap();
    assert_eq!(count, 503);
    drop(view);
    w.ann_comes(listed(&[])).await;
    assert!(w.members(10).await.is_empty() && w.members(1_000).await.is_empty());
}

#[tokio::test]
async fn x11_a_group_that_is_gone_is_a_tombstone_and_comes_back_only_in_time() {
    let rules = json!({"systemRoles": {"SYSTEM_VIEWER": [id(10)]}});
    let w = World::new("groups-gone", rules).await;
    w.ann_comes(listed(&[10])).await;
    w.knows(10, Some("Data"), &[1]);
    assert!(w.refresh().await);
    let own = format!("groups/{}", id(10));
    w.graph.forgets(&own);
    assert!(w.refresh().await);
    let (_, first) = w.team(10).await.unwrap();
    assert_eq!(first.gone_at, Some(w.clock.now()));
    assert!(w.members(10).await.is_empty());
    // Nothing keeps its date from counting.
    w.clock.advance(DAY);
    assert!(w.refresh().await);
    assert_eq!(w.team(10).await.unwrap().1.gone_at, first.gone_at);
    // Restored at Entra, under its id.
    w.clock.advance(28 * DAY);
    forget(&w.app).await.unwrap();
    w.knows(10, Some("Data"), &[1]);
    assert!(w.refresh().await);
    let (_, back) = w.team(10).await.unwrap();
    assert_eq!((back.team, back.gone_at), (first.team, None));
    assert_eq!(w.members(10).await, [w.ann]);
    assert_eq!(w.roles(10).await, ["SYSTEM_VIEWER"]);
    // And gone for good.
    w.graph.forgets(&own);
    assert!(w.refresh().await);
    w.clock.advance(31 * DAY);
    forget(&w.app).await.unwrap();
    assert_eq!(w.team(10).await, None);
    w.ann_comes(listed(&[10])).await;
    assert_ne!(w.team(10).await.unwrap().1.team, first.team);
    let told = w.audited().await;
    for action in ["team.gone", "team.back", "team.delete"] {
        assert!(told.contains(&action), "no {action} in {told:?}");
    }
}

#[tokio::test]
async fn x11_a_graph_that_knows_nothing_at_all_takes_nobody_out() {
    let w = World::new("groups-none", json!({})).await;
    w.ann_comes(listed(&[10])).await;
    w.graph.forgets("groups");
    assert!(!w.refresh().await);
    assert_eq!(w.members(10).await, [w.ann]);
    assert_eq!(w.team(10).await.unwrap().1.gone_at, None);
}

#[tokio::test]
async fn d2_what_the_filter_leaves_out_since_is_left_by_everybody() {
    let w = World::new("groups-filter", json!({})).await;
    w.ann_comes(listed(&[10])).await;
    w.knows(10, Some("tmp data"), &[1, 2]);
    assert!(w.refresh().await);
    let (connection, _) = entra(&json!({"filter": "^tmp"}));
    let filtered = World {
        sign_in: SignIn {
            connection,
            ..w.sign_in
        },
        ..w
    };
    assert!(filtered.refresh().await);
    assert!(filtered.members(10).await.is_empty());
    // A token says the id alone.
    filtered.ann_comes(listed(&[10])).await;
    assert!(filtered.members(10).await.is_empty());
}

#[tokio::test]
async fn d3_system_roles_are_what_the_configuration_says_and_never_more() {
    let lists = json!({"systemRoles": {"SYSTEM_ADMIN": [id(10)], "SYSTEM_VIEWER": [id(11)]}});
    let w = World::new("groups-system", lists).await;
    w.ann_comes(listed(&[10, 11, 12])).await;
    assert_eq!(w.roles(10).await, ["SYSTEM_ADMIN"]);
    assert_eq!(w.roles(11).await, ["SYSTEM_VIEWER"]);
    assert!(w.roles(12).await.is_empty());
    let (less, _) = entra(&json!({"systemRoles": {"SYSTEM_VIEWER": [id(10)]}}));
    let mut write = w.app.store.write().await.unwrap();
    let with = (&*w.app.clock, &*w.app.rng);
    let by = (w.sign_in.id, less.teams());
    settle_all(&mut write, with, by).await.unwrap();
    w.app.commit(write).await.unwrap();
    assert_eq!(w.roles(10).await, ["SYSTEM_VIEWER"]);
    assert!(w.roles(11).await.is_empty());
    let mut write = w.app.store.write().await.unwrap();
    settle_all(&mut write, with, (w.sign_in.id, None))
        .await
        .unwrap();
    w.app.commit(write).await.unwrap();
    assert!(w.roles(10).await.is_empty());
}

#[tokio::test]
async fn a6_graph_is_asked_at_a_sign_in_only_for_what_is_not_known() {
    let w = World::new("groups-news", json!({"filter": &id(13)})).await;
    let news = async |groups: Groups| {
        let mut view = w.app.store.read().await.unwrap();
        let by = (w.sign_in.id, w.connection());
        news(&mut view, by, &w.identity(groups)).await.unwrap()
    };
    assert_eq!(news(Groups::AskGraph).await, News::Groups);
    assert_eq!(news(Groups::Unknown).await, News::None, "nothing to lose");
    assert_eq!(news(listed(&[10])).await, News::Names);
    assert_eq!(news(listed(&[13])).await, News::None);
    w.ann_comes(listed(&[10])).await;
    assert_eq!(news(listed(&[10])).await, News::None);
    let held = News::Still([id(10)].into());
    assert_eq!(news(Groups::Unknown).await, held);
}
