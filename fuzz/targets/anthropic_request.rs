//! Any bytes as a caller's request in Anthropic's format: reading never panics, what is read can be written as JSON in
//! this format and in another, and the same-format path changes what it must and nothing else.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use postern_wire::dialect::anthropic::{
    decode_count_request, decode_request, encode_count_request, encode_request, peek_request,
};
use postern_wire::dialect::{Dialect, Target, openai_chat};

fuzz_target!(|data: &[u8]| {
    if let Ok(mut request) = decode_request(data) {
        for model in [request.model.as_str(), "claude-3-haiku", "claude-opus-4-6", "claude-opus-5"] {
            let encoded = encode_request(&request, &Target::model(model));
            assert!(encoded.body.starts_with(b"{"));
        }
        Dialect::Anthropic.leave_extra(&mut request);
        let other = openai_chat::encode_request(&request, &Target::model("m"));
        if let Ok(read) = openai_chat::decode_request(&other.body) {
            let _ = encode_request(&read, &Target::model("claude-opus-4-6"));
        }
    }
    if let Ok(request) = decode_count_request(data) {
        let _ = encode_count_request(&request, &Target::model("m"));
    }
    let Ok(head) = peek_request(data) else { return };
    let body = Bytes::copy_from_slice(data);
    assert_eq!(head.rewrite(&body, &head.model, true), body, "nothing was to be changed");
    let rewritten = head.rewrite(&body, "another \"model\"", true);
    let again = peek_request(&rewritten).expect("a rewritten request can be read");
    assert_eq!(again.model, "another \"model\"");
});
