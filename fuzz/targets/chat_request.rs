//! Any bytes as a caller's request: reading never panics, what is read survives being written, and the same-format path
//! changes what it must and nothing else.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use postern_wire::dialect::Target;
use postern_wire::dialect::openai_chat::{decode_request, encode_request, peek_request};

fuzz_target!(|data: &[u8]| {
    if let Ok(request) = decode_request(data) {
        let encoded = encode_request(&request, &Target::model(&request.model));
        assert!(encoded.lost.is_empty(), "its own format lost {:?}", encoded.lost);
        let again = decode_request(&encoded.body).expect("what was written can be read");
        assert_eq!(request, again);
    }
    let Ok(head) = peek_request(data) else { return };
    let body = Bytes::copy_from_slice(data);
    assert_eq!(head.rewrite(&body, &head.model, false), body, "nothing was to be changed");
    let rewritten = head.rewrite(&body, "another \"model\"", true);
    let again = peek_request(&rewritten).expect("a rewritten request can be read");
    assert_eq!(again.model, "another \"model\"");
    assert_eq!(again.stream, head.stream);
    assert!(!head.stream || again.include_usage, "usage was to be asked for");
});
