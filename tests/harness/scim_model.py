"""What a connection's clients wrote, and what may be there of it: a model that is compared with the endpoint.

Clients write at once, so nobody can say in which order two requests were done whose times overlap. Of everything that is
written the model keeps when: between the request and its answer. What may be left is what was written last by some order that
these times allow, as of a linearizable register. Where one client alone writes something that is exactly one value.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple


class Span(NamedTuple):
    """From a request to its answer, in seconds of one clock."""

    began: float
    ended: float


class Write(NamedTuple):
    """A value, and when it was written."""

    span: Span
    value: object


def possible(writes: list[Write]) -> set:
    """What may be left: the value of every write that no other one began after."""
    last = max(write.span.began for write in writes)
    return {write.value for write in writes if write.span.ended >= last}


@dataclass
class Group:
    """Its names, who was put in or taken out, and the lists that replaced all of it."""

    names: list[Write] = field(default_factory=list)
    members: dict[str, list[Write]] = field(default_factory=lambda: defaultdict(list))
    wholes: list[Write] = field(default_factory=list)

    def may_have(self, user: str) -> set[bool]:
        """Whether somebody may be in: both, where it can't be known."""
        wholes = [Write(span, user in value) for span, value in self.wholes]
        writes = [*self.members.get(user, ()), *wholes]
        return possible(writes) if writes else {False}


class Model:
    """Users and groups of one connection, by id. Each is made and deleted by one client alone."""

    def __init__(self) -> None:
        self.users: dict[str, dict[str, list[Write]]] = {}
        self.groups: dict[str, Group] = {}
        self.lock = threading.Lock()

    def wrote_user(self, user: str, span: Span, **values: object) -> None:
        """What a client wrote of a user: of a new one all that is compared."""
        with self.lock:
            writes = self.users.setdefault(user, {})
            for name, value in values.items():
                writes.setdefault(name, []).append(Write(span, value))

    def named(self, group: str, span: Span, name: str) -> None:
        """A group has a name from now on; it may be a new one."""
        with self.lock:
            self.groups.setdefault(group, Group()).names.append(Write(span, name))

    def moved(self, group: str, span: Span, users: Iterable[str], into: bool) -> None:
        """Some were put into a group, or taken out."""
        with self.lock:
            for user in users:
                self.groups[group].members[user].append(Write(span, into))

    def replaced(self, group: str, span: Span, users: Iterable[str]) -> None:
        """These are in a group and nobody else. Of earlier lists none is left that ended before this one began."""
        with self.lock:
            wholes = self.groups[group].wholes
            wholes[:] = [write for write in wholes if write.span.ended >= span.began]
            wholes.append(Write(span, frozenset(users)))

    def difference(self, users: dict[str, dict], groups: dict[str, dict]) -> str | None:
        """The first difference from what the endpoint shows, resources by id; none where all is as it may be."""
        return (
            amiss("user", self.users, users)
            or amiss("group", self.groups, groups)
            or next(self.wrong_values(users), None)
            or next(self.wrong_groups(users, groups), None)
            or next(wrong_links(users, groups), None)
        )

    def wrong_values(self, users: dict[str, dict]) -> Iterator[str]:
        """Attributes of users that nobody wrote last."""
        for user, writes in sorted(self.users.items()):
            for name, values in writes.items():
                may, shown = possible(values), users[user].get(name)
                if shown not in may:
                    yield f"user {user}: {name} is {shown!r}, and was last written as {listed(may)}"

    def wrong_groups(self, users: dict[str, dict], groups: dict[str, dict]) -> Iterator[str]:
        """Names that nobody gave last, members that are too many, and members that are lost."""
        for group, model in sorted(self.groups.items()):
            shown = groups[group]
            may, name = possible(model.names), shown.get("displayName")
            if name not in may:
                yield f"group {group}: it is called {name!r}, and was last called {listed(may)}"
            members = [member["value"] for member in shown.get("members", [])]
            if len(members) != len(set(members)):
                yield f"group {group} ({name}): somebody is in it twice"
            held = set(members)
            for stranger in sorted(held - set(self.users)):
                yield f"group {group} ({name}): {stranger} is in it, who is no user any more"
            for user in sorted(users):
                is_in = user in held
                if is_in not in model.may_have(user):
                    said = "is in it and was taken out" if is_in else "was put in and is lost"
                    yield f"group {group} ({name}): {user} {said}; {len(members)} are in it"


def amiss(what: str, model: dict[str, object], shown: dict[str, dict]) -> str | None:
    """Who is there and shouldn't be, or the other way round."""
    for one in sorted(set(model) ^ set(shown)):
        return f"{what} {one} is {'missing' if one in model else 'there, and nobody made it or it was deleted'}"
    return None


def wrong_links(users: dict[str, dict], groups: dict[str, dict]) -> Iterator[str]:
    """Users whose own groups aren't those that have them as a member."""
    of = defaultdict(set)
    for group, shown in groups.items():
        for member in shown.get("members", []):
            of[member["value"]].add(group)
    for user, shown in sorted(users.items()):
        own = {group["value"] for group in shown.get("groups", [])}
        if own != of[user]:
            yield f"user {user}: shows the groups {listed(own)}, and is a member of {listed(of[user])}"


def listed(values: Iterable[object]) -> str:
    """Values for people, in the same order every time."""
    return " or ".join(sorted(map(repr, values))) or "none"
