//! Any bytes as a caller's request: reading never panics, and what is read survives being written.
#![no_main]

use libfuzzer_sys::fuzz_target;
use postern_wire::dialect::Target;
use postern_wire::dialect::openai_completions::{decode_request, encode_request};

/// The order of an object's fields says nothing.
fn json(body: &[u8]) -> serde_json::Value {
    serde_json::from_slice(body).expect("JSON")
}

fuzz_target!(|data: &[u8]| {
    let Ok(request) = decode_request(data) else { return };
    let encoded = encode_request(&request, &Target::model(&request.model));
    assert!(encoded.lost.is_empty(), "its own format lost {:?}", encoded.lost);
    let again = decode_request(&encoded.body).expect("what was written can be read");
    let twice = encode_request(&again, &Target::model(&again.model));
    assert_eq!(json(&encoded.body), json(&twice.body), "what was written is written the same again");
});
