use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::ResponseType;
use crate::fixture::{attempt, custom, discovery};

fn parse(text: &str, channel: Channel) -> Result<Answer, AnswerError> {
    Answer::parse(text, channel)
}

fn fault(text: &str, channel: Channel) -> AnswerError {
    parse(text, channel).unwrap_err()
}

#[track_caller]
fn check(text: &str, flow: Flow, names_itself: bool) -> Result<(), AnswerError> {
    let connection = custom(json!({}));
    let more = json!({"authorization_response_iss_parameter_supported": names_itself});
    let answer = parse(text, Channel::FormPost).unwrap();
    answer.check(&connection, &discovery(&connection, more), &attempt(flow))
}

#[test]
fn an_answer_is_a_code_tokens_or_a_no() {
    let Ok(Answer::Code { code, .. }) = parse("state=s&code=c%2Bd&session_state=x", Channel::Query)
    else {
        panic!()
    };
    assert_eq!(code.expose(), "c+d");
    let text = "state=s&id_token=a.b.c&access_token=d&token_type=Bearer&expires_in=1";
    let Ok(Answer::Tokens { tokens, .. }) = parse(text, Channel::Fragment) else {
        panic!()
    };
    assert_eq!(tokens.id_token.unwrap().expose(), "a.b.c");
    let text = "error=access_denied&error_description=AADSTS50105%3A+no+%3Cb%3E&state=s";
    let Ok(Answer::Refused { error, detail, .. }) = parse(text, Channel::Query) else {
        panic!()
    };
    assert_eq!(error, ProviderError::AccessDenied);
    assert_eq!(detail.as_deref(), Some("AADSTS50105"));
}

#[test]
fn a_providers_words_never_reach_anybody() {
    let text = "error=%3Cscript%3E&error_description=call+0900-1234+now&state=s";
    let Ok(Answer::Refused { error, detail, .. }) = parse(text, Channel::Query) else {
        panic!()
    };
    assert_eq!((error, detail), (ProviderError::Other, None));
}

#[test]
fn o7_without_the_state_of_this_attempt_it_is_no_answer() {
    assert_eq!(fault("code=c", Channel::Query), AnswerError::NoState);
    assert_eq!(fault("code=c&state=", Channel::Query), AnswerError::NoState);
    assert_eq!(check("code=c&state=state", Flow::Code, false), Ok(()));
    assert_eq!(
        check("code=c&state=other", Flow::Code, false),
        Err(AnswerError::State)
    );
    assert_eq!(
        check("error=x&state=other", Flow::Code, false),
        Err(AnswerError::State)
    );
}

#[test]
fn o9_an_answer_of_another_provider_is_refused_and_so_is_a_missing_name() {
    let own = "iss=https%3A%2F%2Fidp.test";
    for (iss, names_itself, good) in [
        (own, true, true),
        (own, false, true),
        ("", false, true),
        ("", true, false),
        ("iss=https%3A%2F%2Fidp.test%2F", false, false),
        ("iss=https%3A%2F%2Fevil.test", false, false),
    ] {
        let found = check(
            &format!("code=c&state=state&{iss}"),
            Flow::Code,
            names_itself,
        );
        assert_eq!(found.is_ok(), good, "{iss} {names_itself}");
    }
}

/// node-oidc-provider names itself beside codes and access tokens, and within an `id_token`.
#[test]
fn o9_an_id_token_names_its_provider_itself() {
    let flow = Flow::Implicit(ResponseType::IdTokenToken);
    let text = "state=state&id_token=a.b.c&access_token=d";
    assert_eq!(check(text, flow, true), Ok(()));
    let text = "state=state&access_token=d";
    assert_eq!(check(text, flow, true), Err(AnswerError::Issuer));
    let text = "state=state&id_token=a.b.c&iss=https%3A%2F%2Fevil.test";
    assert_eq!(check(text, flow, true), Err(AnswerError::Issuer));
}

#[test]
fn o11_a_parameter_twice_is_refused() {
    assert_eq!(
        fault("state=s&code=a&code=b", Channel::Query),
        AnswerError::Duplicate
    );
    assert_eq!(
        fault("state=s&state=s&code=a", Channel::Query),
        AnswerError::Duplicate
    );
}

#[test]
fn tokens_are_never_taken_from_a_url_nor_a_code_from_a_fragment() {
    let tokens = "state=state&id_token=a";
    assert_eq!(fault(tokens, Channel::Query), AnswerError::Channel);
    assert_eq!(
        fault("state=s&code=c", Channel::Fragment),
        AnswerError::Channel
    );
    assert_eq!(check(tokens, Flow::Code, false), Err(AnswerError::Channel));
    let implicit = Flow::Implicit(ResponseType::IdToken);
    assert_eq!(check(tokens, implicit, false), Ok(()));
    assert_eq!(
        check("state=state&code=c", implicit, false),
        Err(AnswerError::Channel)
    );
}

#[test]
fn an_answer_that_is_several_or_none_is_refused() {
    for text in [
        "state=s",
        "state=s&code=c&id_token=t",
        "state=s&code=c&error=e",
    ] {
        assert_eq!(fault(text, Channel::FormPost), AnswerError::Content);
    }
    let long = format!("state=s&code={}", "c".repeat(MAX_TEXT + 1));
    for text in [long.as_str(), "state=%00&code=c", "state=s&code=%ff"] {
        assert_eq!(fault(text, Channel::Query), AnswerError::Malformed);
    }
    let many: Vec<String> = (0..100).map(|n| format!("a{n}=1")).collect();
    let many = many.join("&");
    assert_eq!(fault(&many, Channel::Query), AnswerError::Malformed);
}

#[test]
fn each_no_has_a_code_and_words_of_ours() {
    for text in [
        "access_denied",
        "login_required",
        "interaction_required",
        "consent_required",
        "account_selection_required",
        "unmet_authentication_requirements",
        "unauthorized_client",
        "unsupported_response_type",
        "invalid_scope",
        "invalid_request",
        "server_error",
        "temporarily_unavailable",
        "whatever",
    ] {
        let error = ProviderError::parse(text);
        assert!(error.code().starts_with("provider_"));
        assert!(error.text().ends_with('.'));
        assert_eq!(error == ProviderError::Other, text == "whatever");
    }
}

proptest! {
    #[test]
    fn any_text_is_refused_or_read(text in "\\PC*|[a-z_]{1,12}=[a-zA-Z0-9%&=.]{0,40}") {
        for channel in [Channel::Query, Channel::FormPost, Channel::Fragment] {
            let _ = Answer::parse(&text, channel);
        }
    }
}
