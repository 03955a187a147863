//! The words in which sequences are written: requests, and what has to come back. No sequence has code of its own.

/// The schemas' names.
pub(super) const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
pub(super) const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";
pub(super) const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub(super) const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

/// One request of a sequence, and what its answer has to be. `{name}` in a path, a body or an expectation stands for a
/// value: one of the run's own, or one that a step before has kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    /// Stable: what scripts and people name it by.
    pub(super) code: &'static str,
    /// What is tried.
    pub(super) what: &'static str,
    pub(super) ask: Ask,
    pub(super) expect: &'static [Expect],
    /// What is kept of the answer.
    pub(super) keep: Option<Keep>,
    /// The name of what is gone when it succeeds.
    pub(super) ends: Option<&'static str>,
    /// Whether providers get along without it: then it warns.
    pub(super) optional: bool,
    /// What goes wrong at the provider where it fails.
    pub(super) means: &'static str,
}

/// A request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ask {
    pub(super) method: &'static str,
    /// Below the endpoint, with its query as people write it.
    pub(super) path: &'static str,
    /// JSON; empty: none.
    pub(super) body: &'static str,
    pub(super) media: &'static str,
    pub(super) shows: Shows,
}

/// Which credential is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shows {
    /// The one that was given.
    Own,
    /// One that is certainly none.
    Wrong,
    Nothing,
}

/// What of an answer's body is kept, and under which name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keep {
    pub(super) name: &'static str,
    /// A JSON pointer (RFC 6901).
    pub(super) at: &'static str,
    /// Whether this request made it, so that it is deleted at the end.
    pub(super) made: bool,
}

/// What has to be so. Places are JSON pointers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expect {
    /// One of these.
    Status(&'static [u16]),
    /// `schemas` names it.
    Schema(&'static str),
    /// There is something: no null, no empty text, no empty list.
    Has(&'static str),
    /// There is nothing, or something empty.
    Lacks(&'static str),
    /// A text.
    Is(&'static str, &'static str),
    /// A boolean of that value, and no text that looks like one.
    Bool(&'static str, bool),
    /// A number, and no text that looks like one.
    Number(&'static str),
    /// This number.
    Count(&'static str, u64),
    /// A list, empty or not.
    List(&'static str),
    /// One of a list has this `value`.
    Holds(&'static str, &'static str),
    /// None has, and where there is no list none has it either.
    Misses(&'static str, &'static str),
    /// One of a list has this `id`.
    Names(&'static str, &'static str),
    /// No member anywhere is null.
    NoNulls,
    /// SCIM's or JSON's media type.
    Media,
    /// The header Location.
    Location,
    /// It took no longer than so many milliseconds.
    Within(u64),
}

/// What steps have in common.
pub(super) const STEP: Step = Step {
    code: "",
    what: "",
    ask: get(""),
    expect: &[],
    keep: None,
    ends: None,
    optional: false,
    means: "",
};

const SCIM: &str = "application/scim+json; charset=utf-8";

/// Reads.
pub(super) const fn get(path: &'static str) -> Ask {
    Ask {
        method: "GET",
        path,
        body: "",
        media: SCIM,
        shows: Shows::Own,
    }
}

/// Makes.
pub(super) const fn post(path: &'static str, body: &'static str) -> Ask {
    Ask {
        method: "POST",
        body,
        ..get(path)
    }
}

/// Writes anew.
pub(super) const fn put(path: &'static str, body: &'static str) -> Ask {
    Ask {
        method: "PUT",
        body,
        ..get(path)
    }
}

/// Changes.
pub(super) const fn patch(path: &'static str, body: &'static str) -> Ask {
    Ask {
        method: "PATCH",
        body,
        ..get(path)
    }
}

/// Deletes.
pub(super) const fn delete(path: &'static str) -> Ask {
    Ask {
        method: "DELETE",
        ..get(path)
    }
}

/// With another credential.
pub(super) const fn showing(ask: Ask, shows: Shows) -> Ask {
    Ask { shows, ..ask }
}

/// What somebody makes, by the id in the answer.
pub(super) const fn made(name: &'static str) -> Keep {
    Keep {
        name,
        at: "/id",
        made: true,
    }
}
