//! Any bytes as a request of Bedrock's Converse: reading never panics, and what is read survives being written.
#![no_main]

use libfuzzer_sys::fuzz_target;
use postern_wire::dialect::Target;
use postern_wire::dialect::bedrock::{decode_request, encode_request};

/// The order of an object's fields says nothing.
fn json(body: &[u8]) -> serde_json::Value {
    serde_json::from_slice(body).expect("JSON")
}

fuzz_target!(|data: &[u8]| {
    let Ok(request) = decode_request("m", true, data) else { return };
    // Sizes and names that the vendor refuses are changed once, and then stay.
    let encoded = encode_request(&request, &Target::model("m"));
    let data = &encoded.body;
    let again = decode_request("m", true, data).expect("what was written can be read");
    assert_eq!(json(&encode_request(&again, &Target::model("m")).body), json(&encoded.body));
});
