//! By what a user is found, and which account they are: read from what a provider wrote.

use aeolus_model::Email;
use aeolus_scim::{Error, Reason, Resource, fold};
use serde_json::Value;

/// What an index keeps may have so many bytes: PostgreSQL's have room for no more.
const MOST_BYTES: usize = 1_000;
/// Longer names are cut.
const MAX_NAME: usize = 200;

/// By what a user is found.
pub(super) struct Keys {
    pub(super) user_name: String,
    pub(super) name_key: String,
    pub(super) external_id: Option<String>,
    pub(super) emails: Vec<String>,
}

impl Keys {
    /// Of a resource; an error where one is longer than is kept.
    pub(super) fn of(resource: &Resource) -> Result<Self, Error> {
        let user_name = resource.user_name().unwrap_or_default();
        let external_id = resource.external_id();
        let emails = resource.emails();
        let name_key = fits("userName", fold(user_name))?;
        fits("userName", user_name.to_owned())?;
        let external_id = external_id.map(|id| fits("externalId", id.to_owned()));
        let emails = emails
            .into_iter()
            .map(|email| fits("emails.value", fold(email)));
        Ok(Self {
            user_name: user_name.to_owned(),
            name_key,
            external_id: external_id.transpose()?,
            emails: emails.collect::<Result<_, _>>()?,
        })
    }
}

fn fits(name: &str, text: String) -> Result<String, Error> {
    if text.len() > MOST_BYTES {
        let why = format!("\"{name}\" may have {MOST_BYTES} bytes.");
        return Err(Error::new(Reason::InvalidValue, why));
    }
    if text.contains('\0') {
        let why = format!("\"{name}\" has a character that is none (U+0000).");
        return Err(Error::new(Reason::InvalidValue, why));
    }
    Ok(text)
}

/// Who the account is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Person {
    /// How to reach them: the primary address, else the one for work, else the first, else the name if it is one.
    /// None where nothing is an address.
    pub(super) email: Option<Email>,
    /// What to call them.
    pub(super) name: String,
}

impl Person {
    pub(super) fn of(resource: &Resource) -> Self {
        let user_name = resource.user_name().unwrap_or_default();
        let mut email = addresses(resource).chain([user_name]);
        let email = email.find_map(|text| Email::parse(text).ok());
        let name = names(resource).into_iter().flatten();
        let mut name = name
            .map(|name| shown(&name))
            .filter(|name| !name.is_empty());
        Self {
            email,
            name: name.next().unwrap_or_else(|| shown(user_name)),
        }
    }
}

/// In the order in which they count.
fn addresses(resource: &Resource) -> impl Iterator<Item = &str> {
    let values = resource.tree().get("emails").and_then(Value::as_array);
    let mut values: Vec<&Value> = values.into_iter().flatten().collect();
    values.sort_by_key(|email| {
        let kind = email
            .get("type")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let is_primary = email.get("primary") == Some(&Value::Bool(true));
        (!is_primary, !kind.eq_ignore_ascii_case("work"))
    });
    values
        .into_iter()
        .filter_map(|email| email.get("value")?.as_str())
}

fn names(resource: &Resource) -> [Option<String>; 3] {
    let part = |name: &str| resource.tree().get("name")?.get(name)?.as_str();
    let both = [part("givenName"), part("familyName")];
    let both: Vec<&str> = both.into_iter().flatten().collect();
    [
        resource.display_name().map(str::to_owned),
        part("formatted").map(str::to_owned),
        (!both.is_empty()).then(|| both.join(" ")),
    ]
}

/// On one line, and no longer than names are.
fn shown(name: &str) -> String {
    let name = name.chars().filter(|c| !c.is_control());
    let name: String = name.take(MAX_NAME).collect();
    name.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use aeolus_scim::schema::USER;
    use serde_json::json;

    use super::*;

    fn person(tree: Value) -> (Option<String>, String) {
        let Value::Object(tree) = tree else {
            panic!("no object");
        };
        let person = Person::of(&Resource::from_tree(&USER, tree));
        (person.email.map(|email| email.to_string()), person.name)
    }

    #[test]
    fn scim_an_address_is_the_primary_else_works_else_the_first_else_the_name() {
        let home = json!({"value": "home@a.test", "type": "home"});
        let work = json!({"value": "work@a.test", "type": "Work"});
        let main = json!({"value": "main@a.test", "primary": true});
        let none = json!({"value": "no address", "primary": true});
        for (emails, wanted) in [
            (json!([home, work, main]), "main@a.test"),
            (json!([home, work]), "work@a.test"),
            (json!([home]), "home@a.test"),
            (json!([none, home]), "home@a.test"),
            (json!([none]), "ada@a.test"),
            (json!([]), "ada@a.test"),
        ] {
            let (email, _) = person(json!({"userName": "ada@a.test", "emails": emails}));
            assert_eq!(email.as_deref(), Some(wanted), "{emails}");
        }
        assert_eq!(person(json!({"userName": "ada"})).0, None);
    }

    #[test]
    fn scim_a_name_is_the_first_that_there_is_on_one_line() {
        let name = json!({"givenName": "Ada", "familyName": "Byron"});
        let formatted = json!({"formatted": "A. Byron", "givenName": "Ada"});
        for (tree, wanted) in [
            (
                json!({"userName": "u", "displayName": "Ada", "name": name}),
                "Ada",
            ),
            (json!({"userName": "u", "name": formatted}), "A. Byron"),
            (json!({"userName": "u", "name": name}), "Ada Byron"),
            (
                json!({"userName": "u", "displayName": "\n", "name": name}),
                "Ada Byron",
            ),
            (json!({"userName": "u\r\nX: y"}), "uX: y"),
        ] {
            assert_eq!(person(tree.clone()).1, wanted, "{tree}");
        }
    }

    #[test]
    fn scim_what_an_index_keeps_is_limited() {
        for name in ["x".repeat(1_001), "a\0b".to_owned()] {
            let tree = json!({"userName": name}).as_object().unwrap().clone();
            let error = Keys::of(&Resource::from_tree(&USER, tree)).err().unwrap();
            assert_eq!(error.reason, Reason::InvalidValue);
        }
    }
}
