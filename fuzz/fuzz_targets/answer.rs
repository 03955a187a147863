//! Answers of identity providers through a browser, and of their token endpoints: whatever is sent, only
//! what repeats the attempt's state is its answer.

#![no_main]

use aeolus_fuzz::{CONNECTION, DISCOVERY, attempt};
use aeolus_oidc::{Answer, Channel, Flow, ResponseType, Tokens, UserInfo};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = Tokens::parse(bytes);
    let _ = UserInfo::parse(bytes);
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    for channel in [Channel::Query, Channel::FormPost, Channel::Fragment] {
        let Ok(answer) = Answer::parse(text, channel) else {
            continue;
        };
        assert!(!(channel == Channel::Query && matches!(answer, Answer::Tokens { .. })));
        for flow in [Flow::Code, Flow::Implicit(ResponseType::IdToken)] {
            let checked = answer.check(&CONNECTION, &DISCOVERY, &attempt(flow));
            assert!(checked.is_err() || answer.state() == "state");
        }
    }
});
