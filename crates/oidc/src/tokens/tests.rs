use proptest::prelude::*;

use super::*;

#[test]
fn json_and_githubs_form_are_read() {
    let both = br#"{"access_token":"a","id_token":"i.d.t","token_type":"Bearer","expires_in":1}"#;
    let tokens = Tokens::parse(both).unwrap();
    assert_eq!(tokens.id_token.unwrap().expose(), "i.d.t");
    let form = b"access_token=gho_x&scope=read%3Auser&token_type=bearer";
    let tokens = Tokens::parse(form).unwrap();
    assert_eq!(tokens.access_token.unwrap().expose(), "gho_x");
}

#[test]
fn o1_a_code_that_is_not_taken_says_why_also_with_200() {
    for (body, error) in [
        (
            r#"{"error":"invalid_grant","error_description":"x"}"#,
            TokensError::Grant,
        ),
        (r#"{"error":"invalid_client"}"#, TokensError::Client),
        (
            "error=bad_verification_code&error_description=x",
            TokensError::Grant,
        ),
        (
            r#"{"error":"invalid_grant","access_token":"a"}"#,
            TokensError::Grant,
        ),
        (
            r#"{"error":"x"}"#,
            TokensError::Refused(ProviderError::Other),
        ),
        (
            r#"{"access_token":"a","token_type":"DPoP"}"#,
            TokensError::Type,
        ),
        (r#"{"token_type":"Bearer"}"#, TokensError::Malformed),
        (
            r#"{"access_token":"a","access_token":"b"}"#,
            TokensError::Malformed,
        ),
        ("", TokensError::Malformed),
        ("<html>", TokensError::Malformed),
    ] {
        assert_eq!(Tokens::parse(body.as_bytes()).unwrap_err(), error, "{body}");
    }
    assert!(Tokens::parse(&vec![b'{'; MAX + 1]).is_err());
}

#[test]
fn tokens_are_never_shown() {
    let tokens = Tokens::parse(br#"{"access_token":"s3cret"}"#).unwrap();
    assert!(!format!("{tokens:?}").contains("s3cret"));
}

proptest! {
    #[test]
    fn any_bytes_are_refused_or_read(body in prop::collection::vec(any::<u8>(), 0..100)) {
        let _ = Tokens::parse(&body);
    }
}
