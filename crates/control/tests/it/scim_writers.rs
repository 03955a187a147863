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
}

/// What one writer asks for next: what is to be in, what out, or who is in from now on.
enum Step {
    In(Vec<usize>),
    Out(Vec<usize>),
    Whole(Vec<usize>),
    Rename(u64),
}

/// Of one connection: a group's model, and the people.
struct Writer<'f> {
    client: Client<'f>,
    people: Vec<String>,
    groups: Vec<(String, BTreeSet<usize>)>,
}

impl Writer<'_> {
    /// Each of these people is written by one writer alone, so that the order of writers doesn't matter.
    async fn write(&self, group: usize, own: &[usize], seed: &str) -> BTreeMap<usize, bool> {
        let rng = SeededRng::new(seed);
        let path = &self.groups[group].0;
        let mut last = BTreeMap::new();
        for round in 0..12 {
            let picked: Vec<usize> = own
                .iter()
                .copied()
                .filter(|_| below(&rng, 2) == 0)
                .collect();
            let step = match below(&rng, 5) {
                0 => Step::Rename(round),
                1 | 2 => Step::Out(picked),
                _ => Step::In(picked),
            };
            last.extend(self.send(path, step).await);
        }
        last
    }

    async fn send(&self, path: &str, step: Step) -> BTreeMap<usize, bool> {
        let values = |who: &[usize]| -> Vec<Value> {
            who.iter()
                .map(|at| json!({"value": self.people[*at]}))
                .collect()
        };
        let (operations, said): (Value, Vec<(usize, bool)>) = match step {
            Step::In(who) => (
                json!([{"op": "add", "path": "members", "value": values(&who)}]),
                who.iter().map(|at| (*at, true)).collect(),
            ),
            Step::Out(who) => (
                who.iter()
                    .map(|at| json!({"op": "remove", "path": format!("members[value eq \"{}\"]", self.people[*at])}))
                    .collect(),
                who.iter().map(|at| (*at, false)).collect(),
            ),
            Step::Whole(who) => (
                json!([{"op": "replace", "path": "members", "value": values(&who)}]),
                (0..self.people.len()).map(|at| (at, who.contains(&at))).collect(),
            ),
            Step::Rename(number) => (
                json!([{"op": "replace", "value": {"displayName": format!("{path} {number}")}}]),
                Vec::new(),
            ),
        };
        if operations == json!([]) {
            return BTreeMap::new();
        }
        self.client.patch(path, operations).await.expect(200);
        said.into_iter().collect()
    }
}

async fn scim_11_memberships_are_the_models_whoever_writes_at_once(database: Option<String>) {
    const PEOPLE: usize = 24;
    let f = fixture("scim_11", database).await;
    let mut writers = Vec::new();
    for name in ["one", "two"] {
        let client = Client::new(&f, name, "okta").await;
        let people = people(&client, name, PEOPLE).await;
        let mut groups = Vec::new();
        for number in 0..2 {
            let path = pushed(&client, &format!("{name} {number}"), &[]).await;
            groups.push((path, BTreeSet::new()));
        }
        writers.push(Writer {
            client,
            people,
            groups,
        });
    }
    for writer in &mut writers {
        // Who is in first, as a whole.
        let whole: Vec<usize> = (0..PEOPLE).step_by(3).collect();
        for at in 0..writer.groups.len() {
            let path = writer.groups[at].0.clone();
            writer.send(&path, Step::Whole(whole.clone())).await;
            writer.groups[at].1 = whole.iter().copied().collect();
        }
    }
    let halves: [Vec<usize>; 2] = [(0..PEOPLE / 2).collect(), (PEOPLE / 2..PEOPLE).collect()];
    let mut all = Vec::new();
    for (which, writer) in writers.iter().enumerate() {
        for group in 0..writer.groups.len() {
            for (half, own) in halves.iter().enumerate() {
                let seed = format!("{which} {group} {half}");
                all.push(async move { (which, group, writer.write(group, own, &seed).await) });
            }
        }
    }
    for (which, group, said) in futures_join(all).await {
        for (at, is_in) in said {
            let model = &mut writers[which].groups[group].1;
            if is_in {
                model.insert(at);
            } else {
                model.remove(&at);
            }
        }
    }
    for writer in &writers {
        for (path, model) in &writer.groups {
            let expected: BTreeSet<&String> = model.iter().map(|at| &writer.people[*at]).collect();
            let found = members(&writer.client, path).await;
            assert_eq!(found.iter().collect::<BTreeSet<_>>(), expected, "{path}");
        }
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
fn below(rng: &SeededRng, end: u8) -> u8 {
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
