//! Any bytes as a request to an endpoint of MLflow's gateway, and as a stream of its completions: reading never panics,
//! what is read survives being written, and a stream is the same however it is cut.
#![no_main]

use libfuzzer_sys::fuzz_target;
use postern_fuzz::read_however_cut;
use postern_wire::dialect::Target;
use postern_wire::dialect::mlflow::{chat, completions};

fuzz_target!(|data: &[u8]| {
    let target = Target::model("m");
    if let Ok(request) = chat::decode_request("m", data) {
        let encoded = chat::encode_request(&request, &target);
        let again = chat::decode_request("m", &encoded.body).expect("what was written can be read");
        assert_eq!(again.messages, request.messages);
    }
    if let Ok(request) = completions::decode_request("m", data) {
        let encoded = completions::encode_request(&request, &target);
        let again = completions::decode_request("m", &encoded.body).expect("what was written can be read");
        assert_eq!(again.last_user_text(), request.last_user_text());
    }
    let _ = read_however_cut(data, completions::StreamDecoder::new);
});
