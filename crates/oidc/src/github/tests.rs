use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::Kind;
use crate::fixture::{connection, custom};

const USER: &[u8] = br#"{"id":583231,"login":"octocat","name":null,"email":"public@example.com"}"#;

fn github() -> Connection {
    connection(Kind::Github, json!({"clientId": "c"}))
}

fn by(user: &[u8], emails: &str) -> Result<Identity, NobodyError> {
    of(&github(), user, emails)
}

fn of(connection: &Connection, user: &[u8], emails: &str) -> Result<Identity, NobodyError> {
    let answers = Answers {
        user,
        emails: &[emails.as_bytes().to_vec()],
        organizations: &[
            br#"[{"id":7,"login":"acme"}]"#.to_vec(),
            br#"[{"id":8,"login":"other"}]"#.to_vec(),
        ],
        teams: &[br#"[{"id":7,"slug":"data","organization":{"id":7,"login":"acme"}}]"#.to_vec()],
        asked: Asked::All,
    };
    identity(connection, answers)
}

/// Anybody may make an organization that is called as somebody else's Team (D4).
#[test]
fn d4_only_organizations_that_are_named_count() {
    let come = |named: serde_json::Value| {
        let settings = json!({"clientId": "c", "allowedOrganizations": named});
        of(&connection(Kind::Github, settings), USER, "[]")
    };
    let groups = |named| match come(named).unwrap().groups {
        Groups::Listed(list) => list.iter().map(|(id, _)| id.to_owned()).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(groups(json!(["Acme"])), ["org:7", "team:7"]);
    assert_eq!(groups(json!(["org:8"])), ["org:8"]);
    assert_eq!(groups(json!([])).len(), 3);
    let refused = Err(NobodyError::Refused(SignInError::Organization));
    for others in ["org:9", "acme2", "7"] {
        assert_eq!(come(json!([others])), refused, "{others}");
    }
}

#[test]
fn the_number_names_somebody_and_teams_are_groups() {
    let emails = r#"[{"email":"a@example.com","primary":false,"verified":true},
        {"email":"ann@example.com","primary":true,"verified":true}]"#;
    let found = by(USER, emails).unwrap();
    assert_eq!(found.subject.as_str(), "583231");
    assert_eq!(found.issuer, "https://github.com");
    assert_eq!(found.email.unwrap().as_str(), "ann@example.com");
    assert!(found.email_verified);
    assert_eq!(found.name.as_deref(), Some("octocat"));
    let groups = [
        ("org:7", "acme"),
        ("org:8", "other"),
        ("team:7", "acme/data"),
    ];
    let groups = groups.map(|(id, name)| (id, Some(name.to_owned())));
    assert_eq!(found.groups, Groups::Listed(GroupList::new(groups)));
}

#[test]
fn o21_only_the_primary_and_verified_address_counts() {
    for emails in [
        "[]",
        r#"[{"email":"ann@example.com","primary":true,"verified":false}]"#,
        r#"[{"email":"ann@example.com","primary":false,"verified":true}]"#,
    ] {
        let found = by(USER, emails).unwrap();
        assert_eq!((found.email, found.email_verified), (None, false));
    }
    for emails in [
        "{}",
        "",
        r#"[{"email":"a@b.c","primary":"true","verified":true}]"#,
    ] {
        assert!(by(USER, emails).is_err());
    }
    assert!(by(br#"{"id":"1","login":"x"}"#, "[]").is_err());
}

#[test]
fn an_installation_of_ones_own_has_its_own_api() {
    let found = Endpoints::of(&github()).unwrap();
    assert_eq!(found.user, "https://api.github.com/user");
    let own = json!({"clientId": "c", "baseDomain": "git.example.com"});
    let found = Endpoints::of(&connection(Kind::Github, own)).unwrap();
    assert_eq!(
        found.teams,
        "https://git.example.com/api/v3/user/teams?per_page=100"
    );
    assert_eq!(Endpoints::of(&custom(json!({}))), None);
}

proptest! {
    #[test]
    fn any_bytes_are_refused_or_read(body in prop::collection::vec(any::<u8>(), 0..60)) {
        let _ = by(&body, "[]");
    }
}
