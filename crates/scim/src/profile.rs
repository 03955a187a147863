//! What a client needs that another must not get, as data. What every client may do is in no profile.

/// What `remove` on a list means when it comes with values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemoveWithValues {
    /// Those values go.
    OnlyThose,
    /// 400: by RFC 7644 §3.5.2.2 the whole list would go, which nobody who sends values means.
    Refused,
}

/// What a successful PATCH of a group is answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupAnswer {
    /// 204 without a body.
    NoContent,
    /// 200 with the whole group while it has at most so many members, else 204.
    WholeUpTo(usize),
}

/// A client's own ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Profile {
    /// As the endpoint is called.
    pub name: &'static str,
    /// `add` or `replace` on `emails[type eq "work"].value` that matches nothing makes the value from the filter's
    /// equalities. Without it that is `noTarget`, as RFC 7644 §3.5.2.3 says.
    pub creates_absent: bool,
    /// What `remove` with values means.
    pub remove_with_values: RemoveWithValues,
    /// A text, or a list of one, is taken where one complex value is due: `manager` as `"id"` or `[{"value": "id"}]`.
    /// Simple attributes may come as `[{"value": …}]` too.
    pub loose_values: bool,
    /// A body whose `schemas` names others than the resource's own is refused.
    pub checks_schemas: bool,
    /// What a PATCH of a group is answered with.
    pub group_answer: GroupAnswer,
}

impl Profile {
    /// By the RFCs; for any client that isn't known better.
    pub const STRICT: Self = Self {
        name: "strict",
        creates_absent: false,
        remove_with_values: RemoveWithValues::Refused,
        loose_values: false,
        checks_schemas: true,
        group_answer: GroupAnswer::WholeUpTo(256),
    };

    /// Okta follows the RFCs in what it writes; it doesn't always send `schemas` that agree.
    pub const OKTA: Self = Self {
        name: "okta",
        checks_schemas: false,
        ..Self::STRICT
    };

    /// Microsoft Entra ID, with and without its flag `aadOptscim062020`.
    pub const MICROSOFT: Self = Self {
        name: "microsoft",
        creates_absent: true,
        remove_with_values: RemoveWithValues::OnlyThose,
        loose_values: true,
        checks_schemas: false,
        group_answer: GroupAnswer::NoContent,
    };
}
