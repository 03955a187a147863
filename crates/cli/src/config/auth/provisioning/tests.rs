use super::*;
use crate::config::Sources;

/// What provisions by a file and an environment, and what is said of it.
fn read(text: &str, environment: &[(&str, &str)]) -> Result<(Vec<Provisioning>, String), String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("values.yaml");
    std::fs::write(&file, text).unwrap();
    let environment = Environment::of(environment);
    let sources = Sources {
        file: Some(&file),
        environment: &environment,
        flags: Vec::new(),
    };
    let effective = sources.load().map_err(|failure| failure.render())?;
    let public = effective.config.control.public_url.as_deref();
    let found = effective
        .config
        .auth
        .provisioning(public, &effective.base, &environment);
    let found = found.map_err(|failure| failure.render())?;
    let said: Vec<String> = found.notes.iter().map(Note::to_string).collect();
    Ok((found.all, said.join("\n")))
}

fn codes(found: &[Provisioning]) -> Vec<(&str, Option<&str>)> {
    let code = |each: &Provisioning| each.code.as_ref().map(|code| code.expose().clone());
    let each = found.iter().map(|each| (each.name.as_str(), code(each)));
    each.map(|(name, code)| (name, code.map(|code| &*code.leak())))
        .collect()
}

const LONG: &str = "kL4tq9Zr2mX7vB1nC8sD5fG0";

#[test]
fn c6_c7_c10_a_code_comes_by_the_originals_name_by_ours_and_from_either_file() {
    let nested = "AUTH__OPENID_CONNECT__MICROSOFT__SCIM_AUTH_CODE";
    let values = |lines: &str| format!("astronomer: {{houston: {{config: {{auth: {lines}}}}}}}");
    for (text, environment) in [
        ("{}".to_owned(), vec![("SCIM_AUTH_CODE_MICROSOFT", LONG)]),
        ("{}".to_owned(), vec![(nested, LONG)]),
        (
            "{}".to_owned(),
            vec![("SCIM_AUTH_CODE_MICROSOFT", "old"), (nested, LONG)],
        ),
        (
            format!("auth: {{openidConnect: {{microsoft: {{scimAuthCode: {LONG}}}}}}}"),
            vec![],
        ),
        (
            "auth: {openidConnect: {microsoft: {scimAuthCode: {env: CODE}}}}".to_owned(),
            vec![("CODE", LONG)],
        ),
        (
            values(&format!(
                "{{openidConnect: {{microsoft: {{enabled: false, scimAuthCode: {LONG}}}}}}}"
            )),
            vec![],
        ),
        // As the seed shows a provider once (trap 1).
        (
            values(&format!("{{microsoft: {{scimAuthCode: {LONG}}}}}")),
            vec![],
        ),
        (
            values(&format!(
                "{{openidConnect: {{microsoft: {{scimAuthCode: \"{LONG}\\n\"}}}}}}"
            )),
            vec![],
        ),
    ] {
        let (found, _) = read(&text, &environment).unwrap();
        assert_eq!(codes(&found), [("microsoft", Some(LONG))], "{text}");
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), format!("{LONG}\n")).unwrap();
    let path = file.path().display();
    let text =
        format!("auth: {{openidConnect: {{microsoft: {{scimAuthCode: {{file: {path}}}}}}}}}");
    assert_eq!(
        codes(&read(&text, &[]).unwrap().0),
        [("microsoft", Some(LONG))]
    );
    let (none, said) = read(&values("{openidConnect: {okta: {scimAuthCode: ''}}}"), &[]).unwrap();
    assert!(none.is_empty() && said.is_empty(), "{said}");
}

#[test]
fn trap_3_a_code_that_is_encoded_once_more_is_named() {
    let said = |code: &str| read("{}", &[("SCIM_AUTH_CODE_OKTA", code)]).unwrap().1;
    let good = said("okta:correct horse battery\n");
    assert!(
        good.contains("by HTTP Basic") && good.contains("a line end"),
        "{good}"
    );
    assert!(!good.contains("warning"), "{good}");
    let twice = STANDARD.encode("okta:correct horse battery\n");
    assert!(
        said(&twice).contains("encode it once only"),
        "{}",
        said(&twice)
    );
    let token = said(LONG);
    assert!(token.contains("is not user:password"), "{token}");
    assert!(said("a:b").contains("could guess it"));
    assert!(!good.contains("correct"), "{good}");
}

#[test]
fn idp_3_okta_takes_no_underscore_in_the_url() {
    let text = "control: {publicUrl: 'https://my_control.example.com'}";
    let (_, said) = read(
        text,
        &[("SCIM_AUTH_CODE_OKTA", "okta:correct horse battery")],
    )
    .unwrap();
    assert!(said.contains("another name of control"), "{said}");
}

#[test]
fn c1_how_groups_are_taken_is_held_and_judged() {
    let scim = |lines: &str| {
        read(
            &format!("auth: {{openidConnect: {{okta: {{scim: {{{lines}}}}}}}}}"),
            &[],
        )
    };
    let (found, _) = scim(
        "organization: acme, matchExisting: true, profile: strict, \
         teamTemplates: [{match: 'airflow-(.+)-ops', role: WORKSPACE_OPERATOR, workspace: '$1'}]",
    )
    .unwrap();
    let settings = &found[0].settings;
    assert_eq!(settings.organization.as_deref(), Some("acme"));
    assert!(settings.match_existing);
    assert_eq!(settings.team_templates.len(), 1);
    let error = scim("teamTemplates: [{match: '(', role: WORKSPACE_OPERATOR}]").unwrap_err();
    assert!(error.contains("scim.teamTemplates[0].match"), "{error}");
    let error = scim("matchExistin: true").unwrap_err();
    assert!(error.contains("did you mean `matchExisting`?"), "{error}");
}

#[test]
fn c6_c7_the_documented_wiring_means_that_a_provider_provisions() {
    for (text, variable, code, name, way) in [
        (
            include_str!("../../values/seed/10-scim-okta.yaml"),
            "SCIM_AUTH_CODE_OKTA",
            "okta:correct horse battery\n",
            "okta",
            "HTTP Basic",
        ),
        (
            include_str!("../../values/seed/11-scim-entra.yaml"),
            "SCIM_AUTH_CODE_MICROSOFT",
            LONG,
            "microsoft",
            "a bearer token",
        ),
    ] {
        let (found, said) = read(text, &[(variable, code)]).unwrap();
        assert_eq!(codes(&found), [(name, Some(code.trim_end()))]);
        let what = format!("provisions at https://CONTROL/v1/scim/v2/{name} by {way}");
        assert!(said.contains(&what), "{said}");
        let error = read(text, &[]).unwrap_err();
        assert!(error.contains(variable), "{error}");
    }
}

#[test]
fn scim_events_have_a_receiver_that_can_be_told() {
    let section = |said: &str, environment: &[(&str, &str)]| {
        let text = format!("auth: {{openidConnect: {{okta: {{scimEvents: {said}}}}}}}");
        read(&text, environment)
    };
    let said = "{endpoint: 'https://a.test/in', authorization: {env: TOLD}}";
    let (found, notes) = section(said, &[("TOLD", "Bearer abc")]).unwrap();
    let to = found[0].events.as_ref().unwrap();
    assert_eq!(
        (found.len(), to.endpoint.as_str()),
        (1, "https://a.test/in")
    );
    assert_eq!(to.authorization.as_ref().unwrap().expose(), "Bearer abc");
    assert!(
        notes.contains("events go to https://a.test/in, for https://a.test/in"),
        "{notes}"
    );
    assert!(!notes.contains("abc"), "{notes}");
    let (_, notes) = section("{endpoint: 'https://a.test/in', authorization: abc}", &[]).unwrap();
    assert!(
        notes.contains("has no scheme") && !notes.contains("abc"),
        "{notes}"
    );
    // In the environment each has its name.
    let names = [
        (
            "AUTH__OPENID_CONNECT__OKTA__SCIM_EVENTS__ENDPOINT",
            "https://a.test/in",
        ),
        (
            "AUTH__OPENID_CONNECT__OKTA__SCIM_EVENTS__AUDIENCE",
            "tickets",
        ),
    ];
    let (found, notes) = read("{}", &names).unwrap();
    assert_eq!(
        found[0].events.as_ref().unwrap().audience.as_deref(),
        Some("tickets")
    );
    assert!(notes.contains("for tickets"), "{notes}");
    for (bad, member) in [
        ("{endpoint: 'http://a.test/in'}", "endpoint"),
        ("{audience: tickets}", "endpoint"),
        ("{endpoint: 'https://a.test/', audience: ' '}", "audience"),
        (
            r#"{endpoint: 'https://a.test/', authorization: "a\nb"}"#,
            "authorization",
        ),
    ] {
        let error = section(bad, &[]).unwrap_err();
        assert!(
            error.contains(&format!("auth.openidConnect.okta.scimEvents.{member}")),
            "{error}"
        );
    }
    let (found, _) = section("{}", &[]).unwrap();
    assert!(found.is_empty());
}
