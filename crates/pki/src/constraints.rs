//! The names that an intermediate may issue for (RFC 5280 §4.2.1.10).

use aeolus_model::{Cidr, Host};
use rcgen::{CidrSubnet, GeneralSubtree, NameConstraints};
use serde::{Deserialize, Serialize};

/// The names that an intermediate may issue for. Empty: any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Constraints {
    /// These alone. Empty: all.
    pub permitted: Subtrees,
    /// But none of these.
    pub excluded: Subtrees,
}

/// Names, each with what is below it; written as a list of texts, domains first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct Subtrees {
    /// Domains, each with everything below it.
    pub domains: Vec<Host>,
    /// Blocks of addresses.
    pub networks: Vec<Cidr>,
}

/// A text that is neither.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is neither a domain nor a block of addresses")]
pub struct SubtreeError(String);

/// A host that never is (RFC 2606 §2).
const NOBODY: &str = "nobody.invalid";

impl Subtrees {
    /// Parses domains and blocks of addresses, in any order.
    pub fn parse(texts: &[String]) -> Result<Self, SubtreeError> {
        let mut subtrees = Self::default();
        for text in texts {
            if let Ok(block) = text.parse() {
                subtrees.networks.push(block);
            } else if let Ok(host) = Host::parse(text) {
                subtrees.domains.push(host);
            } else {
                return Err(SubtreeError(text.clone()));
            }
        }
        Ok(subtrees)
    }

    /// Whether nothing is named.
    pub fn is_empty(&self) -> bool {
        self.domains.is_empty() && self.networks.is_empty()
    }

    fn general(&self) -> impl Iterator<Item = GeneralSubtree> {
        let domains = self.domains.iter().map(ToString::to_string);
        let networks = self.networks.iter().filter_map(subnet);
        let networks = networks.map(GeneralSubtree::IpAddress);
        domains.map(GeneralSubtree::DnsName).chain(networks)
    }
}

impl TryFrom<Vec<String>> for Subtrees {
    type Error = SubtreeError;

    fn try_from(texts: Vec<String>) -> Result<Self, SubtreeError> {
        Self::parse(&texts)
    }
}

impl From<Subtrees> for Vec<String> {
    fn from(subtrees: Subtrees) -> Self {
        let domains = subtrees.domains.iter().map(ToString::to_string);
        let networks = subtrees.networks.iter().map(ToString::to_string);
        domains.chain(networks).collect()
    }
}

impl Constraints {
    /// Kinds of names that aren't mentioned are unrestricted: where something is permitted, the other kinds are
    /// excluded as a whole. URIs can't be said in it, so none is issued below it.
    pub(crate) fn extension(&self) -> Option<NameConstraints> {
        let Self {
            permitted,
            excluded,
        } = self;
        if permitted.is_empty() && excluded.is_empty() {
            return None;
        }
        let mut within: Vec<_> = permitted.general().collect();
        let mut without: Vec<_> = excluded.general().collect();
        // E-mail addresses at a host and, with the dot, below it.
        let mails =
            |host: &str| [host.to_owned(), format!(".{host}")].map(GeneralSubtree::Rfc822Name);
        let hosts = excluded.domains.iter();
        without.extend(hosts.flat_map(|host| mails(&host.to_string())));
        if !permitted.is_empty() {
            if permitted.domains.is_empty() {
                without.push(GeneralSubtree::DnsName(String::new()));
            }
            if permitted.networks.is_empty() {
                without.push(GeneralSubtree::IpAddress(CidrSubnet::V4([0; 4], [0; 4])));
                without.push(GeneralSubtree::IpAddress(CidrSubnet::V6([0; 16], [0; 16])));
            }
            // To exclude "" excludes nothing for openssl: one host is permitted, and excluded.
            within.push(GeneralSubtree::Rfc822Name(NOBODY.to_owned()));
            without.push(GeneralSubtree::Rfc822Name(NOBODY.to_owned()));
        }
        Some(NameConstraints {
            permitted_subtrees: within,
            excluded_subtrees: without,
        })
    }
}

fn subnet(block: &Cidr) -> Option<CidrSubnet> {
    let text = block.to_string();
    let text = match (text.contains('/'), text.contains(':')) {
        (true, _) => text,
        (false, true) => format!("{text}/128"),
        (false, false) => format!("{text}/32"),
    };
    text.parse().ok()
}
