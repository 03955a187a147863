//! Many who write at once: memberships are what they said, and gates and sign-ins hear of it.

use std::collections::{BTreeMap, BTreeSet};

use aeolus_model::{Rng as _, UserId};
use aeolus_snapshot::{READER, Snapshot};
use aeolus_store::Unit as _;
use aeolus_testkit::SeededRng;
use serde_json::{Value, json};

use crate::engines::on_every_engine;
use crate::groups::{Scene, teams_at_gates};
use crate::publish::Reader;
use crate::scim_client::{Client, fixture};
use crate::scim_groups::{id, members, pushed};

on_every_engine! {
    scim_11_memberships_are_the_models_whoever_writes_at_once,
    scim_x11_gates_hear_at_once_who_is_in_a_group_and_who_no_more,
    scim_6_a_sign_in_leaves_a_provisioned_group_alone,
    scim_6_a_team_that_a_sign_in_made_stays_the_sign_ins,
}

/// What one writer asks for next: what is to be in, what out, or who is in from now on.
#[derive(Clone, Debug)]
enum Step {
    In(BTreeSet<usize>),
    Out(BTreeSet<usize>),
    Whole(BTreeSet<usize>),
    Rename(String),
}

impl Step {
    /// Of a group with so many people. Names are told apart by who writes.
    fn any(rng: &SeededRng, people: usize, name: String) -> Self {
        let picked = (0..people).filter(|_| below(rng, 3) == 0).collect();
        match below(rng, 7) {
            0 => Self::Rename(name),
            1 | 2 => Self::Out(picked),
            3 | 4 => Self::In(picked),
            _ => Self::Whole(picked),
        }
    }

    fn operations(&self, people: &[String]) -> Value {
        let values = |who: &BTreeSet<usize>| -> Vec<Value> {
            who.iter().map(|at| json!({"value": people[*at]})).collect()
        };
        match self {
            Self::In(who) => json!([{"op": "add", "path": "members", "value": values(who)}]),
            Self::Out(who) => who
                .iter()
                .map(|at| json!({"op": "remove", "path": format!("members[value eq \"{}\"]", people[*at])}))
                .collect(),
            Self::Whole(who) => json!([{"op": "replace", "path": "members", "value": values(who)}]),
            Self::Rename(name) => json!([{"op": "replace", "value": {"displayName": name}}]),
        }
    }

    /// Who is in after it.
    fn done(&self, before: &BTreeSet<usize>) -> BTreeSet<usize> {
        match self {
            Self::In(who) => before | who,
            Self::Out(who) => before - who,
            Self::Whole(who) => who.clone(),
            Self::Rename(_) => before.clone(),
        }
    }

    fn asks_nothing(&self) -> bool {
        matches!(self, Self::In(who) | Self::Out(who) if who.is_empty())
    }

    const fn renames(&self) -> bool {
        matches!(self, Self::Rename(_))
    }
}

/// What was done to a group, by the version that it was in afterwards: there is one order of all writers in which everything
/// makes of the members what it says. Whatever has changed something has a version of its own, and what has not says the one
/// in which it changed nothing.
fn replayed(done: Vec<(u64, Step)>) -> BTreeSet<usize> {
    let mut by_version = BTreeMap::<u64, Vec<Step>>::new();
    for (version, step) in done {
        by_version.entry(version).or_default().push(step);
    }
    let mut members = BTreeSet::new();
    let mut last = 1;
    for (version, steps) in by_version {
        assert!(
            version == last || version == last + 1,
            "nobody made version {}: {steps:?}",
            last + 1
        );
        if version == last {
            for step in &steps {
                assert!(
                    !step.renames() && step.done(&members) == members,
                    "{version} {step:?}"
                );
            }
            continue;
        }
        let changed = steps.iter().enumerate().find_map(|(at, step)| {
            let after = step.done(&members);
            let changes = step.renames() || after != members;
            let mut others = steps.iter().enumerate().filter(|(other, _)| *other != at);
            let fits = others.all(|(_, other)| !other.renames() && other.done(&after) == after);
            (changes && fits).then_some(after)
        });
        members = changed.unwrap_or_else(|| panic!("{version} of {members:?} by {steps:?}"));
        last = version;
    }
    members
}

/// A version, as `meta` or an `ETag` says it.
fn version_of(tag: &str) -> u64 {
    let digits: String = tag.chars().filter(char::is_ascii_digit).collect();
    digits.parse().unwrap()
}

async fn scim_11_memberships_are_the_models_whoever_writes_at_once(database: Option<String>) {
    const PEOPLE: usize = 12;
    const WRITERS: usize = 4;
    const ROUNDS: usize = 10;
    let f = fixture("scim_11", database).await;
    let (mut clients, mut groups) = (Vec::new(), Vec::new());
    for name in ["one", "two"] {
        let client = Client::new(&f, name, "okta").await;
        let people = people(&client, name, PEOPLE).await;
        let at = clients.len();
        for number in 0..2 {
            groups.push((at, pushed(&client, &format!("{name} {number}"), &[]).await));
        }
        clients.push((client, people));
    }
    let (clients, groups) = (&clients, &groups);
    let mut all = Vec::new();
    for (which, (at, path)) in groups.iter().enumerate() {
        for writer in 0..WRITERS {
            all.push(async move {
                let (client, people) = &clients[*at];
                let rng = SeededRng::new(&format!("{which} {writer}"));
                let mut done = Vec::new();
                for round in 0..ROUNDS {
                    let name = format!("{which} {writer} {round}");
                    let step = Step::any(&rng, PEOPLE, name);
                    let operations = step.operations(people);
                    if step.asks_nothing() {
                        continue;
                    }
                    let shown = client.patch(path, operations).await.expect(200).json();
                    done.push((version_of(shown["meta"]["version"].as_str().unwrap()), step));
                }
                (which, done)
            });
        }
    }
    let mut done: Vec<Vec<(u64, Step)>> = groups.iter().map(|_| Vec::new()).collect();
    for (which, some) in futures_join(all).await {
        done[which].extend(some);
    }
    for ((at, path), done) in groups.iter().zip(done) {
        let (client, people) = &clients[*at];
        let model = replayed(done);
        let expected: BTreeSet<&String> = model.iter().map(|at| &people[*at]).collect();
        let found = members(client, path).await;
        assert_eq!(found.iter().collect::<BTreeSet<_>>(), expected, "{path}");
    }
}

async fn people(client: &Client<'_>, name: &str, count: usize) -> Vec<String> {
    let mut people = Vec::new();
    for number in 0..count {
        let path = client.make(&format!("{name}-{number}")).await;
        people.push(id(&path).to_owned());
    }
    people
}

/// A number below another.
pub(crate) fn below(rng: &SeededRng, end: u8) -> u8 {
    let mut byte = [0];
    rng.fill(&mut byte);
    byte[0] % end
}

/// All at once.
pub(crate) async fn futures_join<T>(all: Vec<impl Future<Output = T>>) -> Vec<T> {
    let mut waiting: Vec<_> = all.into_iter().map(Box::pin).collect();
    let mut done: Vec<Option<T>> = waiting.iter().map(|_| None).collect();
    std::future::poll_fn(|cx| {
        let mut open = false;
        for (future, done) in waiting.iter_mut().zip(&mut done) {
            if done.is_none() {
                match future.as_mut().poll(cx) {
                    std::task::Poll::Ready(value) => *done = Some(value),
                    std::task::Poll::Pending => open = true,
                }
            }
        }
        if open {
            std::task::Poll::Pending
        } else {
            std::task::Poll::Ready(())
        }
    })
    .await;
    done.into_iter().flatten().collect()
}

async fn scim_x11_gates_hear_at_once_who_is_in_a_group_and_who_no_more(database: Option<String>) {
    let s = Scene::new("scim-gates", database, json!({})).await;
    let config = json!({"clientId": "aeolus", "discoveryUrl": "https://okta.test/v2.0",
        "scim": {"organization": "acme", "teamTemplates": [
            {"match": "(.+)-ops", "role": "WORKSPACE_OPERATOR", "workspace": "$1"}]}});
    let okta = Client::with(&s.f, "okta", "okta", config).await;
    let path = okta.make("ann").await;
    let ann: UserId = id(&path).parse().unwrap();
    let team = pushed(&okta, "sales-ops", &[]).await;
    let mut reader = Reader::new(&s.f, &s.admin).await;
    let status =
        json!({"replica": "r1", "epoch": 1, "seq": 0, "version": "1.0.0", "reader": READER});
    let assertion = s.f.assertion(&reader.gate);
    let told =
        s.f.call("POST", "/v1/planes/self/status", &assertion, Some(status));
    told.await.expect(204);
    s.f.work();
    let add = json!([{"op": "add", "path": "members", "value": [{"value": ann.to_string()}]}]);
    okta.patch(&team, add.clone()).await.expect(200);
    let there = |snapshot: &Snapshot| teams_at_gates(snapshot, ann) == ["sales-ops"];
    let out = |snapshot: &Snapshot| teams_at_gates(snapshot, ann).is_empty();
    reader.until(&s.f, there).await;
    loop {
        let answer = reader.poll(&s.f, 1).await;
        if reader.take(&s.f, answer).await.is_none() {
            break;
        }
    }
    // Of her alone, and nothing else is read for it.
    let base = |snapshot: &Snapshot| snapshot.manifest().sections["grants"].clone();
    let remove = json!([{"op": "remove", "path": format!("members[value eq \"{ann}\"]")}]);
    okta.patch(&team, remove).await.expect(200);
    let told = reader.until(&s.f, out).await;
    assert!(!told.sections().changes.is_empty());
    let before = base(&told);
    okta.patch(&team, add).await.expect(200);
    let told = reader.until(&s.f, there).await;
    assert_eq!(base(&told), before);
    // With the group, she loses what it gave before everything is told.
    okta.delete(&team).await.expect(204);
    reader.until(&s.f, out).await;
}

async fn scim_6_a_sign_in_leaves_a_provisioned_group_alone(database: Option<String>) {
    let s = Scene::new("scim-claims", database, json!({})).await;
    let client = Client::of(&s.f, "one").await;
    // By the id that the provider says, and by the name.
    let by_id = client.post(
        "/Groups",
        json!({"schemas": [crate::scim_groups::GROUP],
        "displayName": "Operations", "externalId": "0b1c"}),
    );
    let by_id = by_id.await.expect(201).json();
    let by_id = format!("/Groups/{}", by_id["id"].as_str().unwrap());
    let by_name = pushed(&client, "Data", &[]).await;
    s.comes("one", "eve", json!(["0b1c", "data", "else"])).await;
    assert_eq!(s.teams_of("eve").await, ["else"]);
    assert_eq!(members(&client, &by_id).await, Vec::<String>::new());
    // Nor is anybody taken out of one by what a sign-in doesn't say.
    let store = s.store().await;
    let eve = s.user("eve").await;
    let mut write = store.write().await.unwrap();
    let team = id(&by_name).parse().unwrap();
    write.scim_groups().put_in(team, &[eve]).await.unwrap();
    write.commit().await.unwrap();
    s.comes("one", "eve", json!([])).await;
    assert_eq!(members(&client, &by_name).await, [eve.to_string()]);
    assert_eq!(s.teams_of("eve").await.len(), 1);
}

async fn scim_6_a_team_that_a_sign_in_made_stays_the_sign_ins(database: Option<String>) {
    let s = Scene::new("scim-later", database, json!({})).await;
    s.comes("one", "eve", json!(["data-eng", "ops"])).await;
    assert_eq!(s.teams_of("eve").await, ["data-eng", "ops"]);
    let client = Client::of(&s.f, "one").await;
    let pushed = pushed(&client, "Data-Eng", &[]).await;
    // She comes again, and then somebody new.
    s.comes("one", "eve", json!(["data-eng", "ops"])).await;
    assert_eq!(s.teams_of("eve").await, ["data-eng", "ops"]);
    s.comes("one", "owner", json!(["data-eng", "new"])).await;
    assert_eq!(s.teams_of("owner").await, ["data-eng", "new"]);
    // What the client pushed is another Team, whose members it alone says.
    assert_eq!(members(&client, &pushed).await, Vec::<String>::new());
    s.comes("one", "eve", json!(["ops"])).await;
    assert_eq!(s.teams_of("eve").await, ["ops"]);
    assert_eq!(s.teams_of("owner").await, ["data-eng", "new"]);
}
