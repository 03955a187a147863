//! Users against a model: two connections, several writers each, all at once. Each writer has people of its own, so that what
//! is to come of each of its requests is known; the lists, the groups and the accounts are everybody's.

use std::collections::{BTreeMap, BTreeSet};

use aeolus_model::{Time, UserId};
use aeolus_store::{ManagedBy, Unit as _, User};
use aeolus_testkit::SeededRng;
use serde_json::{Value, json};

use crate::engines::on_every_engine;
use crate::fixture::Fixture;
use crate::scim_client::{Client, fixture, user};
use crate::scim_groups::{id, members, pushed};
use crate::scim_writers::{below, futures_join};

on_every_engine! {
    scim_users_are_the_models_whoever_writes_at_once,
}

const WRITERS: usize = 2;
const PEOPLE: usize = 3;
const ROUNDS: usize = 24;

/// What a provider says of somebody who is a user of its connection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "a model has the answers to independent questions"
)]
struct There {
    path: String,
    display: String,
    external: String,
    active: bool,
    in_group: bool,
    /// Whether the account was made for them.
    made: bool,
    /// Whether it is the provider who disabled the account.
    off: bool,
}

/// Somebody, by the name that a provider knows them by.
struct Person {
    name: String,
    /// The account that is there whatever the provider says.
    account: Option<String>,
    /// Whether that may not sign in.
    disabled: bool,
    there: Option<There>,
    /// Where they were last.
    gone: String,
}

struct Writer<'f> {
    client: &'f Client<'f>,
    group: &'f str,
    rng: SeededRng,
    people: Vec<Person>,
    /// How all names of its people begin.
    prefix: String,
    count: u32,
}

fn body(name: &str, display: &str, external: &str, active: bool) -> Value {
    let mut body = user(name);
    body["displayName"] = json!(display);
    body["externalId"] = json!(external);
    body["active"] = json!(active);
    body
}

impl Writer<'_> {
    async fn write(mut self) -> Self {
        for _ in 0..ROUNDS {
            let at = usize::from(below(&self.rng, u8::try_from(PEOPLE).unwrap()));
            match below(&self.rng, 12) {
                0 | 1 => self.create(at).await,
                2 => self.replace(at).await,
                3 => self.rename(at).await,
                4 | 5 => self.activate(at, false).await,
                6 => self.activate(at, true).await,
                7 => self.delete(at).await,
                8 => self.find(at).await,
                9 => self.list().await,
                10 => self.join(at, true).await,
                _ => self.join(at, false).await,
            }
        }
        self
    }

    fn word(&mut self) -> String {
        self.count += 1;
        format!("{}{}", self.prefix, self.count)
    }

    async fn create(&mut self, at: usize) {
        let (display, external) = (self.word(), self.word());
        let active = below(&self.rng, 3) > 0;
        let person = &mut self.people[at];
        let sent = body(&person.name, &display, &external, active);
        let answer = self.client.post("/Users", sent).await;
        if person.there.is_some() {
            answer.expect(409);
            return;
        }
        let shown = answer.expect(201).json();
        let path = format!("/Users/{}", shown["id"].as_str().unwrap());
        let made = person.account.is_none();
        if let Some(account) = &person.account {
            assert_eq!(*account, path, "the account that is there");
        }
        let was = !made && person.disabled;
        person.disabled = was || !active;
        person.there = Some(There {
            path,
            display,
            external,
            active,
            in_group: false,
            made,
            off: !active && !was,
        });
    }

    async fn replace(&mut self, at: usize) {
        let (display, external) = (self.word(), self.word());
        let active = below(&self.rng, 2) == 0;
        let person = &mut self.people[at];
        let sent = body(&person.name, &display, &external, active);
        let Some(there) = &mut person.there else {
            self.client.put(&person.gone, sent).await.expect(404);
            return;
        };
        let shown = self.client.put(&there.path, sent).await.expect(200).json();
        assert_eq!(shown["displayName"], display);
        (there.display, there.external) = (display, external);
        turned(there, &mut person.disabled, active);
    }

    async fn rename(&mut self, at: usize) {
        let display = self.word();
        let person = &mut self.people[at];
        let change = json!([{"op": "replace", "path": "displayName", "value": display}]);
        let Some(there) = &mut person.there else {
            self.client.patch(&person.gone, change).await.expect(404);
            return;
        };
        self.client.patch(&there.path, change).await.expect(200);
        there.display = display;
    }

    async fn activate(&mut self, at: usize, active: bool) {
        let person = &mut self.people[at];
        let value = if active { json!("True") } else { json!(false) };
        let change = json!([{"op": "Replace", "path": "active", "value": value}]);
        let Some(there) = &mut person.there else {
            self.client.patch(&person.gone, change).await.expect(404);
            return;
        };
        let shown = self.client.patch(&there.path, change).await.expect(200);
        assert_eq!(shown.json()["active"], active);
        turned(there, &mut person.disabled, active);
    }

    async fn delete(&mut self, at: usize) {
        let person = &mut self.people[at];
        let Some(there) = person.there.take() else {
            self.client.delete(&person.gone).await.expect(404);
            return;
        };
        self.client.delete(&there.path).await.expect(204);
        self.client.get(&there.path).await.expect(404);
        if there.made {
            person.disabled = false;
        }
        person.gone = there.path;
    }

    /// By either key, in whichever case names are.
    async fn find(&mut self, at: usize) {
        let person = &self.people[at];
        let name = format!("{}@corp.test", person.name).to_uppercase();
        let found = self.client.found(&format!("userName eq \"{name}\"")).await;
        assert_eq!(found.len(), usize::from(person.there.is_some()), "{name}");
        if let Some(there) = &person.there {
            shows(&found[0], there);
            let filter = format!("externalId eq \"{}\"", there.external);
            shows(&self.client.found(&filter).await[0], there);
        }
    }

    /// Whoever else comes and goes meanwhile: its own people are there, once.
    async fn list(&mut self) {
        let expected: BTreeMap<String, &There> = self
            .people
            .iter()
            .filter_map(|person| Some((person.name.clone(), person.there.as_ref()?)))
            .collect();
        let mut found = BTreeMap::new();
        for shown in whole(self.client).await {
            let name = shown["userName"].as_str().unwrap();
            let name = name.strip_suffix("@corp.test").unwrap().to_owned();
            if name.starts_with(&self.prefix) {
                assert!(found.insert(name, shown).is_none(), "twice");
            }
        }
        let names: Vec<&String> = expected.keys().collect();
        assert_eq!(found.keys().collect::<Vec<_>>(), names);
        for (name, there) in expected {
            shows(&found[&name], there);
        }
    }

    async fn join(&mut self, at: usize, joins: bool) {
        let person = &mut self.people[at];
        let path = person
            .there
            .as_ref()
            .map_or(&person.gone, |there| &there.path);
        let who = id(path);
        let change = if joins {
            json!([{"op": "add", "path": "members", "value": [{"value": who}]}])
        } else {
            json!([{"op": "remove", "path": format!("members[value eq \"{who}\"]")}])
        };
        let answer = self.client.patch(self.group, change).await;
        match &mut person.there {
            // Who is nobody can't be in, and is out.
            None => answer.expect(if joins { 400 } else { 200 }),
            Some(there) => {
                there.in_group = joins;
                answer.expect(200)
            }
        };
    }
}

/// What follows for the account when a provider says that somebody is active or isn't.
fn turned(there: &mut There, disabled: &mut bool, active: bool) {
    match (there.active, active) {
        (true, false) if !*disabled => (there.off, *disabled) = (true, true),
        (false, true) if there.off => (there.off, *disabled) = (false, false),
        _ => {}
    }
    there.active = active;
}

#[track_caller]
fn shows(shown: &Value, there: &There) {
    assert_eq!(shown["id"], id(&there.path), "{shown}");
    assert_eq!(shown["displayName"], there.display, "{shown}");
    assert_eq!(shown["externalId"], there.external, "{shown}");
    assert_eq!(shown["active"], there.active, "{shown}");
}

/// Everybody of a connection, as pages by cursor show them.
async fn whole(client: &Client<'_>) -> Vec<Value> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = client.get(&format!("/Users?count=2&cursor={cursor}")).await;
        let page = page.expect(200).json();
        all.extend(page["Resources"].as_array().unwrap().clone());
        match page.get("nextCursor") {
            Some(next) => next.as_str().unwrap().clone_into(&mut cursor),
            None => return all,
        }
    }
}

async fn connection<'f>(f: &'f Fixture, name: &str) -> Client<'f> {
    let config = json!({
        "clientId": "aeolus",
        "discoveryUrl": format!("https://{name}.test"),
        "trustedDomains": ["corp.test"],
        "scim": {"organization": "acme", "matchExisting": true},
    });
    Client::with(f, name, "okta", config).await
}

/// An account that is there before any provider speaks of it: the path that a user has who takes it.
async fn account(f: &Fixture, name: &str) -> String {
    let user = User {
        id: UserId::random(&*f.rng),
        email: format!("{name}@corp.test").parse().unwrap(),
        name: name.to_owned(),
        password_hash: None,
        disabled_at: None,
        created_at: Time::from_secs(1),
        managed_by: ManagedBy::Api,
        revision: 1,
    };
    let store = f.store().await;
    let mut write = store.write().await.unwrap();
    write.users().insert(&user).await.unwrap();
    write.commit().await.unwrap();
    format!("/Users/{}", user.id)
}

async fn scim_users_are_the_models_whoever_writes_at_once(database: Option<String>) {
    let f = fixture("scim models", database).await;
    let clients = [connection(&f, "one").await, connection(&f, "two").await];
    let mut groups = Vec::new();
    for client in &clients {
        groups.push(pushed(client, "everybody", &[]).await);
    }
    let mut writers = Vec::new();
    for (which, client) in clients.iter().enumerate() {
        for writer in 0..WRITERS {
            let prefix = format!("c{which}w{writer}-");
            let mut people = Vec::new();
            for number in 0..PEOPLE {
                let name = format!("{prefix}{number}");
                // The last of them has an account already.
                let account = match number + 1 {
                    PEOPLE => Some(account(&f, &name).await),
                    _ => None,
                };
                let nobody = UserId::from_bytes([7; 16]);
                people.push(Person {
                    gone: account.clone().unwrap_or(format!("/Users/{nobody}")),
                    name,
                    account,
                    disabled: false,
                    there: None,
                });
            }
            writers.push(Writer {
                client,
                group: &groups[which],
                rng: SeededRng::new(&prefix),
                people,
                prefix,
                count: 0,
            });
        }
    }
    let writers = futures_join(writers.into_iter().map(Writer::write).collect()).await;
    for (which, client) in clients.iter().enumerate() {
        let own = writers.iter().skip(which * WRITERS).take(WRITERS);
        let people: Vec<&Person> = own.flat_map(|writer| &writer.people).collect();
        let there: BTreeMap<&str, &There> = people
            .iter()
            .filter_map(|person| person.there.as_ref())
            .map(|there| (id(&there.path), there))
            .collect();
        let all = whole(client).await;
        assert_eq!(all.len(), there.len());
        for shown in &all {
            let there = there[shown["id"].as_str().unwrap()];
            shows(shown, there);
            let groups = shown["groups"].as_array().map_or(0, Vec::len);
            assert_eq!(groups, usize::from(there.in_group), "{shown}");
        }
        let expected = there.values().filter(|there| there.in_group);
        let expected: BTreeSet<String> = expected.map(|there| id(&there.path).to_owned()).collect();
        let found = members(client, &groups[which]).await;
        assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), expected);
        for person in people {
            let path = person.there.as_ref().map(|there| &there.path);
            let Some(path) = path.or(person.account.as_ref()) else {
                assert!(client.account(&person.gone).await.is_none());
                continue;
            };
            let account = client.account(path).await.unwrap();
            assert_eq!(
                account.disabled_at.is_some(),
                person.disabled,
                "{}",
                person.name
            );
        }
    }
}
