use super::*;

#[test]
fn only_what_decodes_to_a_text_looks_encoded_twice() {
    for twice in ["aHVudGVyMi1odW50ZXIy", "aHVudGVyMi1odW50ZXIyCg=="] {
        assert!(is_encoded_twice(twice), "{twice}");
    }
    for once in ["", "hunter2", "YWJj", "Zm9vYmFyYmF6cXV4//8=", "abc~DEF.1"] {
        assert!(!is_encoded_twice(once), "{once}");
    }
}

#[test]
fn a_provider_is_on_if_it_has_a_client_and_is_not_switched_off() {
    let of = |text: &str| {
        let auth: Auth = serde_json::from_str(text).unwrap();
        let environment = Environment::of(&[]);
        let found = auth.connections(false, Path::new(""), &environment);
        found
            .map(|all| all.len())
            .map_err(|failure| failure.render())
    };
    let client = r#""clientId":"c","discoveryUrl":"https://a.okta.com""#;
    assert_eq!(of("{}"), Ok(0));
    let on = format!(r#"{{"openidConnect":{{"okta":{{{client}}}}}}}"#);
    assert_eq!(of(&on), Ok(1));
    let off = format!(r#"{{"openidConnect":{{"okta":{{"enabled":false,{client}}}}}}}"#);
    assert_eq!(of(&off), Ok(0));
    let empty = r#"{"openidConnect":{"okta":{"enabled":true}}}"#;
    assert!(of(empty).unwrap_err().contains("clientId is missing"));
}
