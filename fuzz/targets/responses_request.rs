//! Any bytes as a caller's request: reading never panics, and what is read survives being written.
#![no_main]

use libfuzzer_sys::fuzz_target;
use postern_wire::dialect::Target;
use postern_wire::dialect::openai_responses::{decode_request, encode_request};

/// The order of an object's fields says nothing.
fn json(body: &[u8]) -> serde_json::Value {
    serde_json::from_slice(body).expect("JSON")
}

fuzz_target!(|data: &[u8]| {
    let Ok(request) = decode_request(data) else { return };
    let encoded = encode_request(&request, &Target::model(&request.model));
    if !encoded.lost.is_empty() {
        // Only what another vendor sealed does not go to a provider of this format.
        assert!(
            encoded.lost.iter().all(|loss| loss.field.ends_with(".reasoning")),
            "lost {:?}",
            encoded.lost
        );
        return;
    }
    let again = decode_request(&encoded.body).expect("what was written can be read");
    let twice = encode_request(&again, &Target::model(&again.model));
    assert_eq!(json(&encoded.body), json(&twice.body), "what was written is written the same again");
});
