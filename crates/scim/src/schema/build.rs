//! How a row of the tables is written: a kind, and what differs from RFC 7643 §2.2's defaults.

use super::{Attribute, Kind, Mutability, Returned, Uniqueness};

pub(super) const fn text(name: &'static str, description: &'static str) -> Attribute {
    of(Kind::String, name, description)
}

pub(super) const fn flag(name: &'static str, description: &'static str) -> Attribute {
    of(Kind::Boolean, name, description)
}

pub(super) const fn moment(name: &'static str, description: &'static str) -> Attribute {
    of(Kind::DateTime, name, description)
}

pub(super) const fn bytes(name: &'static str, description: &'static str) -> Attribute {
    of(Kind::Binary, name, description).exact()
}

pub(super) const fn link(
    name: &'static str,
    to: &'static [&'static str],
    description: &'static str,
) -> Attribute {
    let mut link = of(Kind::Reference, name, description).exact();
    link.reference_types = to;
    link
}

pub(super) const fn complex(
    name: &'static str,
    sub_attributes: &'static [Attribute],
    description: &'static str,
) -> Attribute {
    let mut complex = of(Kind::Complex, name, description);
    complex.sub_attributes = sub_attributes;
    complex
}

const fn of(kind: Kind, name: &'static str, description: &'static str) -> Attribute {
    Attribute {
        name,
        description,
        kind,
        multi_valued: false,
        required: false,
        case_exact: false,
        mutability: Mutability::ReadWrite,
        returned: Returned::Default,
        uniqueness: Uniqueness::None,
        canonical_values: &[],
        reference_types: &[],
        sub_attributes: &[],
    }
}

impl Attribute {
    pub(super) const fn list(mut self) -> Self {
        self.multi_valued = true;
        self
    }

    pub(super) const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    pub(super) const fn exact(mut self) -> Self {
        self.case_exact = true;
        self
    }

    pub(super) const fn unique(mut self) -> Self {
        self.uniqueness = Uniqueness::Server;
        self
    }

    pub(super) const fn read_only(mut self) -> Self {
        self.mutability = Mutability::ReadOnly;
        self
    }

    pub(super) const fn immutable(mut self) -> Self {
        self.mutability = Mutability::Immutable;
        self
    }

    pub(super) const fn always(mut self) -> Self {
        self.returned = Returned::Always;
        self
    }

    pub(super) const fn secret(mut self) -> Self {
        self.mutability = Mutability::WriteOnly;
        self.returned = Returned::Never;
        self
    }

    pub(super) const fn usually(mut self, values: &'static [&'static str]) -> Self {
        self.canonical_values = values;
        self
    }
}
