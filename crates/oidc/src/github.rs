//! GitHub: `OAuth2` with an API of its own instead of an `id_token`.
//!
//! Who somebody is, is their numeric `id`: a login can be renamed, and then belongs to somebody else.

use aeolus_model::Email;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::identity::shown;
use crate::{Connection, GroupList, Groups, Identity, Protocol, SignInError};

/// Longest answer.
const MAX: usize = 1024 * 1024;

/// Where the API is asked. Lists come in pages: follow `Link: rel="next"` only on this host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoints {
    /// The person.
    pub user: String,
    /// Their addresses.
    pub emails: String,
    /// Their organizations.
    pub organizations: String,
    /// Their teams.
    pub teams: String,
}

/// What the API answered. Lists: one body for each page.
#[derive(Clone, Copy, Debug)]
pub struct Answers<'a> {
    /// `/user`.
    pub user: &'a [u8],
    /// `/user/emails`.
    pub emails: &'a [Vec<u8>],
    /// `/user/orgs`.
    pub organizations: &'a [Vec<u8>],
    /// `/user/teams`.
    pub teams: &'a [Vec<u8>],
    /// What is known of their groups by that.
    pub asked: Asked,
}

/// How much of somebody's groups was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Nothing: nobody uses them.
    Nothing,
    /// Not to the end.
    Part,
    /// All.
    All,
}

/// An answer that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("GitHub's answer to {0} can't be read")]
pub struct AnswerError(pub &'static str);

/// Why answers make nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NobodyError {
    /// They can't be read.
    Answer(AnswerError),
    /// Whoever it is may not come.
    Refused(SignInError),
}

impl From<AnswerError> for NobodyError {
    fn from(error: AnswerError) -> Self {
        Self::Answer(error)
    }
}

impl Endpoints {
    /// Of GitHub, or of an installation of one's own. None for other providers.
    pub fn of(connection: &Connection) -> Option<Self> {
        if connection.profile().protocol != Protocol::GitHub {
            return None;
        }
        let base = connection.discovery().issuer();
        let api = match base {
            "https://github.com" => "https://api.github.com".to_owned(),
            own => format!("{own}/api/v3"),
        };
        Some(Self {
            user: format!("{api}/user"),
            emails: format!("{api}/user/emails?per_page=100"),
            organizations: format!("{api}/user/orgs?per_page=100"),
            teams: format!("{api}/user/teams?per_page=100"),
        })
    }
}

#[derive(Deserialize)]
struct User {
    id: u64,
    login: String,
    name: Option<String>,
}

#[derive(Deserialize)]
struct Address {
    email: String,
    primary: bool,
    verified: bool,
}

#[derive(Deserialize)]
struct Organization {
    id: u64,
    login: String,
}

#[derive(Deserialize)]
struct Team {
    id: u64,
    slug: String,
    organization: Organization,
}

/// Who it is. The address is the one that is both primary and verified, never `/user`'s. Groups are
/// organizations (`org:ID`, called `acme`) and teams (`team:ID`, called `acme/data`): a name can be given up, and
/// then be somebody else's. Where the connection names organizations, whoever is in none of them is refused, and
/// others' groups are none: anybody may make an organization of any name.
pub fn identity(connection: &Connection, answers: Answers<'_>) -> Result<Identity, NobodyError> {
    let user: User = read(answers.user, "/user")?;
    let addresses: Vec<Address> = pages(answers.emails, "/user/emails")?;
    let mut proved = addresses
        .iter()
        .filter(|held| held.primary && held.verified);
    let email = proved
        .next()
        .and_then(|held| held.email.parse::<Email>().ok());
    let organizations: Vec<Organization> = pages(answers.organizations, "/user/orgs")?;
    let teams: Vec<Team> = pages(answers.teams, "/user/teams")?;
    let counts = |of: &Organization| connection.allows_organization(of.id, &of.login);
    if connection.names_organizations() && !organizations.iter().any(counts) {
        return Err(NobodyError::Refused(SignInError::Organization));
    }
    let organizations = organizations.into_iter().filter(counts);
    let teams = teams.into_iter().filter(|team| counts(&team.organization));
    let names = organizations.map(|of| (format!("org:{}", of.id), Some(of.login)));
    let teams = teams.map(|team| {
        let name = format!("{}/{}", team.organization.login, team.slug);
        (format!("team:{}", team.id), Some(name))
    });
    let groups = GroupList::new(names.chain(teams));
    let subject = user.id.to_string().parse();
    Ok(Identity {
        connection: connection.name().clone(),
        issuer: connection.discovery().issuer().to_owned(),
        subject: subject.map_err(|_| AnswerError("/user"))?,
        email_verified: email.is_some(),
        email,
        name: user
            .name
            .as_deref()
            .and_then(shown)
            .or_else(|| shown(&user.login)),
        groups: match answers.asked {
            Asked::Nothing => Groups::Unknown,
            Asked::Part => Groups::Listed(groups.cut()),
            Asked::All => Groups::Listed(groups),
        },
        amr: Vec::new(),
        acr: None,
        auth_time: None,
        sid: None,
    })
}

fn read<T: DeserializeOwned>(body: &[u8], what: &'static str) -> Result<T, AnswerError> {
    let body = Some(body).filter(|body| body.len() <= MAX);
    let read = body.and_then(|body| serde_json::from_slice(body).ok());
    read.ok_or(AnswerError(what))
}

fn pages<T: DeserializeOwned>(
    bodies: &[Vec<u8>],
    what: &'static str,
) -> Result<Vec<T>, AnswerError> {
    let mut all = Vec::new();
    for body in bodies {
        all.extend(read::<Vec<T>>(body, what)?);
    }
    Ok(all)
}

#[cfg(test)]
mod tests;
