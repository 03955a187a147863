use aeolus_model::Secret;
use aeolus_oidc::{Ask, Attempt, AuthorizationRequest, Connection, Discovery, Redirects};
use serde_json::json;

use super::*;
use crate::config::{Configured, Effective, Sources};
use crate::report::Failure;

/// The values of the documentation (seed 001), key by key, with placeholders filled in.
const SEED: [(&str, &str); 11] = [
    ("01-entra", include_str!("seed/01-entra.yaml")),
    ("02-okta", include_str!("seed/02-okta.yaml")),
    ("03-auth0", include_str!("seed/03-auth0.yaml")),
    ("04-cognito", include_str!("seed/04-cognito.yaml")),
    ("05-local", include_str!("seed/05-local.yaml")),
    ("06-custom", include_str!("seed/06-custom.yaml")),
    ("07-proxy", include_str!("seed/07-proxy.yaml")),
    ("08-code", include_str!("seed/08-code.yaml")),
    (
        "09-okta-below-auth",
        include_str!("seed/09-okta-below-auth.yaml"),
    ),
    ("10-scim-okta", include_str!("seed/10-scim-okta.yaml")),
    ("11-scim-entra", include_str!("seed/11-scim-entra.yaml")),
];

/// What Kubernetes would have filled in.
const FILLED: [(&str, &str); 3] = [
    (
        "AUTH__OPENID_CONNECT__OKTA__CLIENT_SECRET",
        "s3cret-of-okta\n",
    ),
    ("SCIM_AUTH_CODE_OKTA", "user:password"),
    ("SCIM_AUTH_CODE_MICROSOFT", "random"),
];

fn load(text: &str, environment: &[(&str, &str)]) -> Result<(Effective, Vec<Configured>), String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("values.yaml");
    std::fs::write(&file, text).unwrap();
    let environment = Environment::of(environment);
    let sources = Sources {
        file: Some(&file),
        environment: &environment,
        flags: Vec::new(),
    };
    let shown = |failure: Failure| {
        failure
            .render()
            .replace(&file.display().to_string(), "values.yaml")
    };
    let effective = sources.load().map_err(shown)?;
    let original = effective.original.is_some();
    let connections = effective
        .config
        .auth
        .connections(original, &effective.base, &environment);
    let connections = connections.map_err(shown)?;
    Ok((effective, connections))
}

fn error(text: &str) -> String {
    load(text, &[]).map(|_| ()).unwrap_err()
}

/// A values file with these lines below `auth`.
fn auth(lines: &str) -> String {
    let lines = lines.replace('\n', "\n        ");
    format!("astronomer:\n  houston:\n    config:\n      auth:\n        {lines}\n")
}

fn said((effective, connections): &(Effective, Vec<Configured>)) -> String {
    let notes = effective
        .original
        .iter()
        .flat_map(|original| &original.notes);
    let mut lines: Vec<String> = notes.map(Note::to_string).collect();
    lines.extend(
        effective
            .config
            .auth
            .local_note()
            .iter()
            .map(Note::to_string),
    );
    for configured in connections {
        lines.push(
            configured
                .shown(Some("https://houston.example.com"))
                .to_string(),
        );
        lines.extend(configured.notes.iter().map(Note::to_string));
    }
    lines.join("\n")
}

fn url(connection: &Connection) -> String {
    let issuer = connection.discovery().issuer();
    let document = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "userinfo_endpoint": format!("{issuer}/userinfo"),
        "jwks_uri": format!("{issuer}/keys"),
    });
    let discovery = Discovery::parse(connection, document.to_string().as_bytes()).unwrap();
    let verifier = Secret::new("verifier".to_owned());
    let attempt = Attempt::kept(connection.flow(), "STATE".into(), "NONCE".into(), verifier);
    let request = AuthorizationRequest {
        connection,
        discovery: &discovery,
        attempt: &attempt,
        redirects: &Redirects::new("https://houston.example.com"),
        ask: Ask::default(),
    };
    request.url().as_str().replace(['?', '&'], "\n  ")
}

#[test]
fn the_documented_values_load_and_seven_of_them_lead_to_a_provider() {
    let mut with_provider = 0;
    let mut page = Vec::new();
    for (name, text) in SEED {
        let loaded = load(text, &FILLED).unwrap_or_else(|error| panic!("{name}: {error}"));
        page.extend([format!("== {name}"), said(&loaded)]);
        for configured in &loaded.1 {
            with_provider += 1;
            page.push(url(&configured.connection));
        }
    }
    assert_eq!(with_provider, 7);
    insta::assert_snapshot!(page.join("\n"));
}

#[test]
fn b1_b2_the_environment_sets_each_key_by_the_originals_name() {
    let environment = [
        ("AUTH__OPENID_CONNECT__FLOW", "code"),
        ("AUTH__OPENID_CONNECT__CUSTOM__ENABLED", "true"),
        ("AUTH__OPENID_CONNECT__CUSTOM__CLIENT_ID", "c"),
        ("AUTH__OPENID_CONNECT__CUSTOM__CLIENT_SECRET", "s"),
        (
            "AUTH__OPENID_CONNECT__CUSTOM__DISCOVERY_URL",
            "https://idp.example.com",
        ),
        ("AUTH__OPENID_CONNECT__CUSTOM__DISPLAY_NAME", "Ours"),
        ("AUTH__OPENID_CONNECT__CUSTOM__BASE_DOMAIN", "example.com"),
        (
            "AUTH__OPENID_CONNECT__CUSTOM__AUTH_URL_PARAMS__AUDIENCE",
            "api",
        ),
        ("AUTH__LOCAL__ENABLED", "true"),
    ];
    for text in ["{}", "astronomer: {houston: {}}"] {
        let (_, connections) = load(text, &environment).unwrap();
        let [configured] = connections.as_slice() else {
            panic!()
        };
        let connection = &configured.connection;
        assert_eq!(connection.display_name(), "Ours");
        assert_eq!(connection.client_secret().unwrap().expose(), "s");
        let audience = ("audience".to_owned(), "api".to_owned());
        assert_eq!(connection.auth_url_params(), [audience]);
    }
}

#[test]
fn an_absent_flow_is_implicit_in_the_originals_shape_and_code_in_ours() {
    let okta =
        "openidConnect:\n  okta: {enabled: true, clientId: c, discoveryUrl: 'https://a.okta.com'}";
    let loaded = load(&auth(okta), &[]).unwrap();
    assert_eq!(
        loaded.1[0].connection.flow().response_type(),
        "id_token token"
    );
    let said = said(&loaded);
    for words in [
        "no flow is written",
        "/v1/oauth/callback/",
        "flow: \"code\"",
    ] {
        assert!(said.contains(words), "no {words:?} in {said}");
    }
    let ours = format!("auth:\n  {}\n", okta.replace('\n', "\n  "));
    let (effective, connections) = load(&ours, &[]).unwrap();
    assert!(effective.original.is_none());
    assert_eq!(connections[0].connection.flow().response_type(), "code");
    for text in [
        auth("openidConnect: {flow: Code}"),
        auth("openidConnect: {flow: hybrid}"),
    ] {
        assert!(error(&text).contains("can't be"), "{}", error(&text));
    }
}

#[test]
fn b3_a_variable_that_kubernetes_would_fill_has_to_be_there() {
    let (_, text) = SEED[8];
    let error = error(text);
    for words in [
        "AUTH__OPENID_CONNECT__OKTA__CLIENT_SECRET",
        "oauth-client-secret",
        "client_secret",
        "CFG-0014",
    ] {
        assert!(error.contains(words), "no {words:?} in {error}");
    }
    let default = "houston: {secret: [{envName: X, secretName: s}]}";
    assert!(
        load(default, &[])
            .map(|_| ())
            .unwrap_err()
            .contains("key value")
    );
}

#[test]
fn b4_plain_variables_of_the_file_count_below_the_process() {
    let text = "houston:\n  env:\n  - {name: AUTH__OPENID_CONNECT__FLOW, value: code}\n  config:\n    auth:\n      openidConnect:\n        okta: {enabled: true, clientId: c, discoveryUrl: 'https://a.okta.com'}\n";
    let flow = |environment: &[(&str, &str)]| {
        let (_, connections) = load(text, environment).unwrap();
        connections[0].connection.flow().response_type()
    };
    assert_eq!(flow(&[]), "code");
    assert_eq!(
        flow(&[("AUTH__OPENID_CONNECT__FLOW", "implicit")]),
        "id_token token"
    );
}

#[test]
fn b8_the_newer_of_two_spellings_wins_and_both_are_explained() {
    let text = auth(
        "openidConnect:\n  idpGroupsImportEnabled: true\n  idpGroupsImport: {enabled: false}\n  insecureIDPTokenLog: false",
    );
    let said = said(&load(&text, &[]).unwrap());
    assert!(said.contains("wins over idpGroupsImportEnabled"), "{said}");
    assert!(said.contains("never logged"), "{said}");
}

fn teams(lines: &str, environment: &[(&str, &str)]) -> Option<aeolus_oidc::TeamRules> {
    let okta = "okta: {enabled: true, clientId: c, discoveryUrl: 'https://a.okta.com'}";
    let text = auth(&format!("openidConnect:\n  {okta}\n  {lines}"));
    let loaded = load(&text, environment).unwrap();
    loaded.1[0].connection.teams().cloned()
}

#[test]
fn b8_groups_are_imported_by_either_spelling_and_not_unless_told() {
    let old = "AUTH__OPENID_CONNECT__IDP_GROUPS_IMPORT_ENABLED";
    let new = "AUTH__OPENID_CONNECT__IDP_GROUPS_IMPORT__ENABLED";
    for (lines, environment, expected) in [
        ("flow: code", &[][..], false),
        ("idpGroupsImportEnabled: true", &[], true),
        ("idpGroupsImportEnabled: false", &[], false),
        ("idpGroupsImport: {enabled: true}", &[], true),
        ("idpGroupsImport: {enabled: false}", &[(old, "true")], true),
        ("flow: code", &[(old, "true")], true),
        ("flow: code", &[(new, "true")], true),
        ("flow: code", &[(old, "true"), (new, "false")], false),
    ] {
        let found = teams(lines, environment);
        assert_eq!(found.is_some(), expected, "{lines} {environment:?}");
    }
}

#[test]
fn d2_d3_the_other_switches_of_groups_are_read_and_explained() {
    let lines = "idpGroupsImportEnabled: true\n  idpGroupsRefreshEnabled: true\n  teamFilterRegex: '^tmp-'\n  manageSystemPermissionsViaIdpGroups: {enabled: true, systemAdmin: [admins], systemViewer: [all]}";
    let rules = teams(lines, &[]).unwrap();
    assert_eq!(rules.refresh(), Some(std::time::Duration::from_secs(3_600)));
    assert!(rules.take("data", None) && !rules.take("tmp-data", None));
    let role = |group: &str| rules.system_role(group).map(aeolus_model::Role::name);
    assert_eq!(role("admins"), Some("SYSTEM_ADMIN"));
    assert_eq!(role("all"), Some("SYSTEM_VIEWER"));
    let interval = format!("{lines}\n  idpGroupReconcilerInterval: 15");
    let often = teams(&interval, &[]).unwrap().refresh();
    assert_eq!(often, Some(std::time::Duration::from_secs(900)));
    let off = "idpGroupsImportEnabled: true\n  idpGroupReconcilerInterval: 15\n  teamFilterRegex: ''\n  manageSystemPermissionsViaIdpGroups: {enabled: false, systemAdmin: [admins]}";
    let rules = teams(off, &[]).unwrap();
    assert_eq!((rules.refresh(), rules.system_role("admins")), (None, None));
    let text = auth(&format!(
        "openidConnect:\n  microsoft: {{enabled: true, clientId: c, discoveryUrl: 'https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0'}}\n  {lines}"
    ));
    let loaded = load(&text, &[]).unwrap();
    let said = said(&loaded);
    for words in [
        "groups of the claim groups become Teams in the organization",
        "without a clientSecret Graph can't be asked",
        "as of each person's last sign-in",
        "all, admins are no ids of groups at microsoft",
    ] {
        assert!(said.contains(words), "no {words:?} in {said}");
    }
}

#[test]
fn d4_github_s_organizations_are_named_or_warned_of() {
    let said_of = |more: &str| {
        let text = auth(&format!(
            "openidConnect:\n  github: {{enabled: true, clientId: c, clientSecret: {{env: S}}{more}}}\n  idpGroupsImportEnabled: true"
        ));
        let loaded = load(&text, &[("S", "s3cret")]).unwrap();
        (said(&loaded), loaded.1[0].connection.clone())
    };
    let words = "list yours in allowedOrganizations";
    let (warned, _) = said_of("");
    assert!(warned.contains(words), "{warned}");
    let more = ", allowedOrganizations: [acme], teams: {confirmWithin: 7d}";
    let (told, connection) = said_of(more);
    assert!(!told.contains(words), "{told}");
    assert!(connection.allows_organization(1, "Acme"));
    let within = connection.teams().unwrap().confirm_within();
    assert_eq!(within.as_secs(), 7 * 86_400);
}

#[test]
fn what_stands_a_step_too_high_is_read_and_what_stands_right_wins() {
    let both = auth(
        "okta: {enabled: true, clientId: high, discoveryUrl: 'https://a.okta.com'}\nopenidConnect:\n  okta: {enabled: true, clientId: right, discoveryURL: 'https://b.okta.com'}",
    );
    let loaded = load(&both, &[]).unwrap();
    assert_eq!(loaded.1[0].connection.client_id(), "right");
    assert_eq!(
        loaded.1[0].connection.discovery().issuer(),
        "https://b.okta.com"
    );
    let said = said(&loaded);
    assert!(said.contains("the same key, which wins"), "{said}");
    assert!(said.contains("read as discoveryUrl"), "{said}");
}

#[test]
fn an_unknown_key_is_an_error_that_names_the_nearest() {
    for (lines, words) in [
        (
            "openidConnect:\n  okta: {enabled: true, clientID: c}",
            "did you mean `clientId`?",
        ),
        (
            "openidConnect:\n  otka: {enabled: true}",
            "did you mean `okta`?",
        ),
        ("openIdConnect: {}", "did you mean `openidConnect`?"),
        ("local: {enable: true}", "did you mean `enabled`?"),
    ] {
        let error = error(&auth(lines));
        assert!(error.contains(words), "no {words:?} in {error}");
    }
}

#[test]
fn who_would_come_through_the_makers_own_client_can_not() {
    let text =
        auth("openidConnect:\n  google: {enabled: true}\n  github: {enabled: true, clientId: ''}");
    let loaded = load(&text, &[]).unwrap();
    assert!(loaded.1.is_empty());
    assert!(said(&loaded).contains("Register a client of your own"));
}

#[test]
fn trap_2_and_3_a_line_end_is_no_part_of_a_secret_and_a_second_encoding_is_named() {
    let text = auth(
        "openidConnect:\n  okta: {enabled: true, clientId: c, discoveryUrl: 'https://a.okta.com'}",
    );
    let secret = |value: &str| {
        let loaded = load(
            &text,
            &[("AUTH__OPENID_CONNECT__OKTA__CLIENT_SECRET", value)],
        )
        .unwrap();
        let held = loaded.1[0]
            .connection
            .client_secret()
            .unwrap()
            .expose()
            .clone();
        (held, said(&loaded).contains("looks like base64"))
    };
    assert_eq!(secret("abc~DEF.1\n"), ("abc~DEF.1".to_owned(), false));
    let twice = "YWJjfkRFRi4xMjM0Cg==";
    assert_eq!(secret(twice), (twice.to_owned(), true));
    assert!(!secret("0oaRANDOMrandom0123456789abcdefABCDEF012").1);
}

#[test]
fn what_can_not_be_a_connection_is_said_by_key() {
    let text = auth(
        "openidConnect:\n  custom: {enabled: true, clientId: c, discoveryUrl: 'http://idp.example.com', authUrlParams: {state: x}}",
    );
    let error = error(&text);
    for words in [
        "custom.discoveryUrl must begin with https://",
        "custom.authUrlParams can't set state",
    ] {
        assert!(error.contains(words), "no {words:?} in {error}");
    }
}

#[test]
fn our_own_sections_may_stand_beside_and_a_second_auth_may_not() {
    let text = "control: {publicUrl: 'https://houston.example.com'}\nglobal: {baseDomain: example.com}\nastronomer: {houston: {config: {publicSignups: true}}, commander: {}}\n";
    let loaded = load(text, &[]).unwrap();
    let url = loaded.0.config.control.public_url.as_deref();
    assert_eq!(url, Some("https://houston.example.com"));
    let said = said(&loaded);
    for words in [
        "ignored global:",
        "ignored astronomer.commander:",
        "config.publicSignups:",
    ] {
        assert!(said.contains(words), "no {words:?} in {said}");
    }
    let two = format!("auth: {{}}\n{}", auth("local: {enabled: true}"));
    assert!(error(&two).contains("keep one"));
}

#[test]
fn h2_the_originals_flag_for_new_keys_at_each_upgrade_is_read() {
    let loaded = |text: &str| load(text, &[]).unwrap();
    let flag = |text: &str| loaded(text).0.config.keys.regenerate_each_upgrade;
    assert!(!flag("houston: {config: {}}"));
    assert!(!flag("houston: {regenerateCaEachUpgrade: false}"));
    // As the seed shows it, and below the chart's root (trap 7).
    assert!(flag("houston: {regenerateCaEachUpgrade: true}"));
    let chart = "astronomer: {houston: {regenerateCaEachUpgrade: true}}";
    assert!(flag(chart));
    let told = said(&loaded(chart));
    assert!(told.contains("astronomer.houston.regenerateCaEachUpgrade:"));
    assert!(flag(&format!("keys: {{rotateEvery: 90d}}\n{chart}")));
    // Our own key wins.
    assert!(!flag(&format!(
        "keys: {{regenerateEachUpgrade: false}}\n{chart}"
    )));
    let odd = "houston: {regenerateCaEachUpgrade: sometimes}";
    assert!(error(odd).contains("regenerateEachUpgrade"));
}

#[test]
fn b8_either_spelling_of_public_sign_up_is_read() {
    let read = |written: &str| {
        let text = format!("astronomer: {{houston: {{config: {{{written}}}}}}}");
        let loaded = load(&text, &[]).unwrap();
        loaded.0.config.auth.public_signups.enabled
    };
    assert!(read("publicSignups: true"));
    assert!(read("publicSignups: {enabled: true}"));
    assert!(read("publicSignups: true, auth: {local: {enabled: true}}"));
    assert!(!read("publicSignups: false"));
    assert!(!read("auth: {local: {enabled: true}}"));
    assert!(read("auth: {publicSignups: true}"));
    // The one that stands deeper was written for us.
    assert!(!read(
        "publicSignups: true, auth: {publicSignups: {enabled: false}}"
    ));
    let odd = "astronomer: {houston: {config: {publicSignups: maybe}}}";
    assert!(error(odd).contains("enabled"));
}

#[test]
fn b8_our_own_block_is_read_in_either_spelling_too() {
    let read = |written: &str| {
        let text = format!("auth: {{{written}}}");
        let (loaded, _) = load(&text, &[]).unwrap();
        assert!(loaded.original.is_none());
        loaded.config.auth.public_signups.enabled
    };
    assert!(read("publicSignups: true"));
    assert!(read(
        "publicSignups: {enabled: true, allowedDomains: [example.com]}"
    ));
    assert!(!read("publicSignups: false"));
    assert!(!read("local: {enabled: true}"));
}

#[test]
fn k12_private_authorities_are_files_where_the_original_mounts_them() {
    let text = "global: {baseDomain: example.com, privateCaCerts: [corp-root, /etc/own.pem]}\nastronomer: {houston: {config: {publicSignups: true}}}\n";
    let (effective, _) = load(text, &[]).unwrap();
    assert_eq!(
        effective.private_authorities().files,
        [
            std::path::Path::new("/usr/local/share/ca-certificates/corp-root.pem"),
            std::path::Path::new("/etc/own.pem")
        ]
    );
    let notes = &effective.original.as_ref().unwrap().notes;
    let shown: Vec<_> = notes.iter().map(ToString::to_string).collect();
    let begins = |start: &str| shown.iter().any(|note| note.contains(start));
    assert!(
        begins("understood global.privateCaCerts: read as tls.privateCaCerts"),
        "{shown:?}"
    );
    assert!(begins("ignored global: "), "{shown:?}");
}
