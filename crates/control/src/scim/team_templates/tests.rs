use super::*;

fn template(pattern: &str, role: &str, places: [&str; 3]) -> ScimTeamTemplate {
    let [organization, workspace, deployment] =
        places.map(|text| (!text.is_empty()).then(|| text.to_owned()));
    ScimTeamTemplate {
        pattern: pattern.to_owned(),
        role: role.to_owned(),
        organization,
        workspace,
        deployment,
    }
}

fn read(written: &[ScimTeamTemplate]) -> TeamTemplates {
    TeamTemplates::read(written).unwrap()
}

#[test]
fn scim_template_first_match_of_the_whole_name_wins() {
    let templates = read(&[
        template("airflow-(.+)-ops", "WORKSPACE_OPERATOR", ["", "$1", ""]),
        template(
            r"airflow-(?<team>[^-]+)-(?<dep>.+)",
            "DEPLOYMENT_VIEWER",
            ["", "ws-${team}", "${dep}-$$"],
        ),
        template(
            "airflow-owners|owners",
            "ORGANIZATION_OWNER",
            ["acme", "", ""],
        ),
        template("(?i)own-(x)?(.*)", "deployer", ["$1", "$2", ""]),
    ]);
    // The name, which template, and its places.
    for (name, expected) in [
        ("airflow-sales-ops", Some((0, ["", "sales", ""]))),
        // Greedy, and still the whole name.
        ("airflow-a-b-ops", Some((0, ["", "a-b", ""]))),
        ("airflow-Sales-ops", Some((0, ["", "sales", ""]))),
        ("airflow-sales-etl", Some((1, ["", "ws-sales", "etl-$"]))),
        ("owners", Some((2, ["acme", "", ""]))),
        ("airflow-owners", Some((2, ["acme", "", ""]))),
        ("OWN-Data", Some((3, ["", "data", ""]))),
        ("own-xdata", Some((3, ["x", "data", ""]))),
        // Not the whole name.
        ("my-owners", None),
        ("owners-of-nothing", None),
        ("airflow-sales-ops\n", None),
        ("airflow--ops", None),
        ("Airflow-sales-ops", None),
        ("", None),
    ] {
        let found = templates.of(name);
        let shown = found.as_ref().map(|found| {
            let text = |text: &Option<String>| text.clone().unwrap_or_default();
            let places = [&found.organization, &found.workspace, &found.deployment].map(text);
            (found.index, places)
        });
        let expected = expected.map(|(index, places)| (index, places.map(str::to_owned)));
        assert_eq!(shown, expected, "{name}");
    }
    let owner = templates.of("owners").unwrap();
    assert_eq!(owner.role.to_string(), "ORGANIZATION_OWNER");
    assert_eq!(templates.of("own-x").unwrap().role.to_string(), "deployer");
}

#[test]
fn scim_template_what_cannot_be_given_is_refused() {
    let long = "x".repeat(513);
    for (pattern, role, places, member) in [
        ("a", "SYSTEM_ADMIN", ["", "", ""], "role"),
        ("a", "SYSTEM_VIEWER", ["", "w", ""], "role"),
        ("a", "ORGANIZATION_OWNER", ["", "w", ""], "workspace"),
        ("a", "WORKSPACE_OPERATOR", ["", "", ""], "workspace"),
        ("a", "WORKSPACE_OPERATOR", ["", "w", "d"], "deployment"),
        ("a", "DEPLOYMENT_ADMIN", ["", "w", ""], "deployment"),
        ("a", "own", ["", "", "d"], "deployment"),
        ("a", "No Role", ["", "", ""], "role"),
        ("(a", "own", ["", "", ""], "match"),
        ("a)|(b", "own", ["", "", ""], "match"),
        ("a)(?:b", "own", ["", "", ""], "match"),
        ("(?=a)", "own", ["", "", ""], "match"),
        ("(x{1000}){1000}", "own", ["", "", ""], "match"),
        (long.as_str(), "own", ["", "", ""], "match"),
        ("", "own", ["", "", ""], "match"),
        ("a", "own", ["", "$1", ""], "workspace"),
        ("(a)", "own", ["", "$2", ""], "workspace"),
        ("(a)", "own", ["", "${x}", ""], "workspace"),
        ("(a)", "own", ["", "$", ""], "workspace"),
        ("(a)", "own", ["", "$x", ""], "workspace"),
        ("(a)", "own", ["", "${1", ""], "workspace"),
        ("(a)", "own", ["$9", "", ""], "organization"),
    ] {
        let errors = TeamTemplates::read(&[
            template("fine", "own", ["", "", ""]),
            template(pattern, role, places),
        ]);
        let errors = errors.unwrap_err();
        let found: Vec<_> = errors.iter().map(|e| (e.index, e.member)).collect();
        assert_eq!(found, [(1, member)], "{pattern} {role} {places:?}");
    }
    let many = vec![template("a", "own", ["", "", ""]); MAX_TEMPLATES + 1];
    assert!(TeamTemplates::read(&many).is_err());
    assert!(TeamTemplates::read(&many[1..]).is_ok());
}

#[test]
fn scim_template_no_name_keeps_it_busy() {
    let templates = read(&vec![
        template("(a+)+(b+)+c", "own", ["", "$1", ""]);
        MAX_TEMPLATES
    ]);
    assert_eq!(templates.of(&"a".repeat(MAX_NAME)), None);
    assert_eq!(templates.of(&"a".repeat(1 << 20)), None);
}

#[test]
fn scim_template_is_written_as_the_configuration_says() {
    let text = r#"{"match":"airflow-(.+)-ops","role":"WORKSPACE_OPERATOR","workspace":"$1"}"#;
    let written: ScimTeamTemplate = serde_json::from_str(text).unwrap();
    assert_eq!(serde_json::to_string(&written).unwrap(), text);
    let unknown = r#"{"match":"a","role":"own","workspaces":"x"}"#;
    assert!(serde_json::from_str::<ScimTeamTemplate>(unknown).is_err());
}
