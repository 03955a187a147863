"""Clients that write to one connection at once, in every form that providers use, and a model of what they wrote.

Each has people and groups of its own, and shares groups and people with the others. Into a shared group each puts only its
own people, so that of those it alone says whether they are in, unless somebody replaces the whole list.
"""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from random import Random

from .scim_client import GROUP, USER, Client, Pace, Provider, Unexpected
from .scim_model import Model

# Of shared people each writer has one of these to itself.
ATTRIBUTES = ("title", "nickName", "userType", "preferredLanguage")
PEOPLE, SHARED_PEOPLE = 30, 8
# Nobody replaces the whole list of the first ones.
GROUPS, REPLACED_GROUPS = 4, 2
# So many people of its own a writer has at most.
MOST = 150


@dataclass
class Shared:
    """What the writers of a connection share."""

    provider: Provider
    model: Model = field(default_factory=Model)
    people: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)


class Writer:
    """One client, which does one thing after another until it is over."""

    def __init__(self, shared: Shared, client: Client, number: int, seed: str) -> None:
        self.shared, self.client, self.number = shared, client, number
        self.provider, self.model = shared.provider, shared.model
        self.rng = Random(f"{seed} {self.provider.connection} {number}")
        self.made = 0
        # Its own people: by id what they are called, and who of them is in which of the groups that nobody replaces.
        self.people: dict[str, str] = {}
        self.inside: dict[str, set[str]] = {}
        self.gone: list[str] = []
        self.groups: list[str] = []

    def run(self) -> None:
        """Does things by chance, some more often than others."""
        deeds, weights = zip(*DEEDS.items(), strict=True)
        while not self.client.pace.is_over():
            self.rng.choices(deeds, weights)[0](self)

    def fresh(self, what: str) -> str:
        """A name that nobody else has."""
        self.made += 1
        return f"{what}-{self.provider.connection}-{self.number}-{self.made}"

    def some(self, most: int) -> list[str]:
        """One of its own people or a few."""
        return self.rng.sample(list(self.people), min(self.rng.randint(1, most), len(self.people)))

    def create(self) -> str:
        """Makes somebody, with nothing of what writers of shared people write."""
        body = person(self.fresh("user"))
        made = self.client.ask("POST", "/Users", body, 201)
        self.model.wrote_user(made.body["id"], made.span, **compared(body))
        self.people[made.body["id"]] = body["userName"]
        return made.body["id"]

    def more(self) -> None:
        """Somebody more, or fewer where there are many."""
        if len(self.people) < MOST:
            self.create()
        else:
            self.delete()

    def delete(self) -> None:
        """Deletes one of its people, who is in no group any more."""
        if len(self.people) <= PEOPLE // 2:
            return
        [user] = self.some(1)
        self.client.ask("DELETE", f"/Users/{user}", None, 204)
        del self.people[user], self.model.users[user]
        for members in self.inside.values():
            members.discard(user)
        self.gone.append(user)

    def any_group(self) -> str:
        return self.rng.choice(self.shared.groups + self.shared.replaced)

    def put_in(self) -> None:
        """Puts one of its people into a shared group, or several."""
        self.move(self.any_group(), self.some(self.rng.choice((1, 1, 20))), [])

    def take_out(self) -> None:
        """Takes one of its people out of a shared group, or several, whether they are in or not."""
        group = self.any_group()
        held = self.inside.get(group, ())
        inside = [user for user in self.people if user in held]
        out = self.rng.sample(inside, min(len(inside), self.rng.choice((1, 1, 5))))
        self.move(group, [], out or self.some(3))

    def mix(self) -> None:
        """Takes some out and puts others in with one request, as Okta does."""
        people = self.some(10)
        half = len(people) // 2
        self.move(self.any_group(), people[half:], people[:half])

    def move(self, group: str, into: list[str], out: list[str]) -> None:
        """One PATCH of a shared group; Okta says its name again each time."""
        operations = self.provider.take_out(self.rng, out) if out else []
        operations += self.provider.put_in(self.rng, into) if into else []
        says_name = not self.provider.is_entra and self.rng.random() < 0.3
        name = self.model.groups[group].names[-1].value
        if says_name:
            operations.insert(0, {"op": "replace", "value": {"id": group, "displayName": name}})
        done = self.client.patch(f"/Groups/{group}", operations)
        self.model.moved(group, done.span, out, into=False)
        self.model.moved(group, done.span, into, into=True)
        if says_name:
            self.model.named(group, done.span, name)
        if group in self.shared.groups:
            self.inside.setdefault(group, set()).difference_update(out)
            self.inside[group].update(into)

    def rename(self) -> None:
        """Gives a shared group another name."""
        group, name = self.any_group(), self.fresh("group")
        renamed = {"op": "replace", "value": {"id": group, "displayName": name}}
        if self.provider.is_entra:
            renamed = {"op": "Replace", "path": "displayName", "value": name}
        done = self.client.patch(f"/Groups/{group}", [renamed])
        self.model.named(group, done.span, name)

    def replace(self) -> None:
        """Replaces the whole list of a shared group: nobody of another writer's is left in it."""
        group, people = self.rng.choice(self.shared.replaced), self.some(40)
        values = [{"value": user} for user in people]
        done = self.client.patch(f"/Groups/{group}", [{"op": "replace", "path": "members", "value": values}])
        self.model.replaced(group, done.span, people)

    def own_group(self) -> None:
        """Makes a group of its own, writes it anew with all its members as Okta's wizard does, or deletes it."""
        if len(self.groups) < 2:
            made = self.client.ask("POST", "/Groups", self.group([]), 201)
            group = made.body["id"]
            self.groups.append(group)
            self.model.named(group, made.span, made.body["displayName"])
            return
        group = self.groups.pop(0)
        if self.rng.random() < 0.3:
            self.client.ask("DELETE", f"/Groups/{group}", None, 204)
            del self.model.groups[group]
            return
        self.groups.append(group)
        people = self.some(60)
        body = self.group(people)
        done = self.client.ask("PUT", f"/Groups/{group}", body, 200)
        self.model.replaced(group, done.span, people)
        self.model.named(group, done.span, body["displayName"])

    def group(self, people: list[str]) -> dict:
        """A group whose Team a template gives a role."""
        members = [{"value": user} for user in people]
        return {"schemas": [GROUP], "displayName": f"airflow-sales-ops-{self.fresh('own')}", "members": members}

    def switch(self) -> None:
        """Deactivates one of its people, or lets them in again."""
        [user] = self.some(1)
        active = self.rng.random() < 0.5
        done = self.client.patch(f"/Users/{user}", [self.provider.switch(self.rng, active)], 200)
        self.model.wrote_user(user, done.span, active=active)

    def rewrite(self) -> None:
        """Gives one of its people another name, and writes all of them anew: Entra says only what changed."""
        [user] = self.some(1)
        body = person(self.fresh("user"))
        if self.provider.is_entra:
            value = {"userName": body["userName"], "externalId": body["externalId"]}
            done = self.client.patch(f"/Users/{user}", [{"op": "replace", "value": value}], 200)
            self.model.wrote_user(user, done.span, **value)
        else:
            done = self.client.ask("PUT", f"/Users/{user}", body, 200)
            self.model.wrote_user(user, done.span, **compared(body))
        self.people[user] = body["userName"]

    def attribute(self) -> None:
        """Writes its own attribute of somebody whose others write theirs."""
        user, name = self.rng.choice(self.shared.people), ATTRIBUTES[self.number]
        value = self.fresh("value")
        operation = {"op": "replace", "path": name, "value": value}
        if not self.provider.is_entra:
            operation = {"op": "replace", "value": {name: value}}
        done = self.client.patch(f"/Users/{user}", [operation], 200)
        self.model.wrote_user(user, done.span, **{name: value})

    def condition(self) -> None:
        """The same by reading all and writing all, in the version that was read: others' writes between are noticed."""
        path = f"/Users/{self.rng.choice(self.shared.people)}"
        read = self.client.ask("GET", path, None, 200)
        name, value = ATTRIBUTES[self.number], self.fresh("value")
        done = self.client.ask("PUT", path, {**read.body, name: value}, 200, 412, match=read.etag)
        if done.status == 200:
            self.model.wrote_user(read.body["id"], done.span, **{name: value})

    def find(self) -> None:
        """Looks for one of its people by name, as before each create: what was answered is there, whoever is asked."""
        [user] = self.some(1)
        expression = f'userName+eq+"{self.people[user].upper()}"'.replace('"', "%22")
        found = self.client.ask("GET", f"/Users?filter={expression}&count=100", None, 200).body
        if [one["id"] for one in found["Resources"]] != [user]:
            raise Unexpected(f"{self.provider.connection}: {expression} doesn't find {user}: {str(found)[:300]}")

    def look(self) -> None:
        """Looks at a shared group: exactly those of its people are in it whom it put there."""
        group = self.rng.choice(self.shared.groups)
        shown = self.client.ask("GET", f"/Groups/{group}", None, 200).body
        members = {member["value"] for member in shown.get("members", [])} & set(self.people)
        if members != self.inside.get(group, set()):
            wrong = sorted(members ^ self.inside.get(group, set()))
            raise Unexpected(f"{self.provider.connection}: group {group} is wrong about {wrong[0]}, {len(members)} in it")

    def twice(self) -> None:
        """Makes somebody who is there, in capital letters."""
        [user] = self.some(1)
        self.client.ask("POST", "/Users", person(self.people[user].upper()), 409)

    def nobody(self) -> None:
        """Puts somebody into a group who is none any more, and somebody else with them: neither is."""
        gone = self.rng.choice(self.gone) if self.gone else str(uuid.UUID(int=self.rng.getrandbits(128), version=4))
        operations = self.provider.put_in(self.rng, [*self.some(3), gone])
        self.client.patch(f"/Groups/{self.rng.choice(self.shared.groups)}", operations, 400)


# What writers do, and how often.
DEEDS = {
    Writer.put_in: 20,
    Writer.take_out: 16,
    Writer.mix: 10,
    Writer.more: 8,
    Writer.delete: 4,
    Writer.replace: 3,
    Writer.rename: 3,
    Writer.own_group: 6,
    Writer.switch: 8,
    Writer.rewrite: 5,
    Writer.attribute: 8,
    Writer.condition: 3,
    Writer.find: 6,
    Writer.look: 3,
    Writer.twice: 2,
    Writer.nobody: 2,
}


def person(name: str) -> dict:
    """Somebody as they are pushed."""
    address = f"{name}@example.com"
    return {
        "schemas": [USER],
        "userName": address if "@" not in name else name,
        "externalId": f"x-{name}",
        "active": True,
        "name": {"givenName": name, "familyName": "Load"},
        "emails": [{"value": address if "@" not in name else name, "type": "work", "primary": True}],
    }


def compared(body: dict) -> dict:
    """What of somebody is compared."""
    return {"userName": body["userName"], "externalId": body["externalId"], "active": True} | dict.fromkeys(ATTRIBUTES)


def prepared(controls: list[str], provider: Provider, seed: str, writers: int) -> list[Writer]:
    """The writers of a connection, with people of their own, and what they share."""
    shared = Shared(provider)
    made = [Writer(shared, Client(controls, provider), number, seed) for number in range(writers)]
    for writer in made:
        for _ in range(PEOPLE):
            writer.create()
    first = made[0]
    for _ in range(SHARED_PEOPLE):
        shared.people.append(first.create())
        del first.people[shared.people[-1]]
    for groups, count in ((shared.groups, GROUPS), (shared.replaced, REPLACED_GROUPS)):
        for _ in range(count):
            body = {"schemas": [GROUP], "displayName": first.fresh("group"), "members": []}
            answer = first.client.ask("POST", "/Groups", body, 201)
            shared.model.named(answer.body["id"], answer.span, body["displayName"])
            groups.append(answer.body["id"])
    return made


def load(all_of_them: list[tuple[list[Writer], Pace]]) -> None:
    """All write at once, each connection at its own pace, until it is over or the first of them gets an answer that it must
    not get."""

    def run(writer: Writer) -> None:
        try:
            writer.run()
        except BaseException:
            for _, pace in all_of_them:
                pace.stopped.set()
            raise

    writers = []
    for connection, pace in all_of_them:
        for writer in connection:
            writer.client.begin(pace)
            writers.append(writer)
    with ThreadPoolExecutor(len(writers)) as pool:
        for done in [pool.submit(run, writer) for writer in writers]:
            done.result()


def difference(controls: list[str], writers: list[Writer]) -> str | None:
    """The first difference of what a connection's endpoint shows from what its writers wrote."""
    shared = writers[0].shared
    client = Client(controls, shared.provider)
    users, groups = client.walk("/Users"), client.walk("/Groups")
    found = shared.model.difference(users, groups)
    return found and f"{shared.provider.connection}: {found}"
