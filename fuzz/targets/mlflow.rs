//! Any bytes as a request to an endpoint of MLflow's gateway, and as a stream of its completions: reading never panics,
//! what is read survives being written, and a stream is the same however it is cut.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use postern_fuzz::read_however_cut;
use postern_wire::dialect::Target;
use postern_wire::dialect::mlflow::{self, Shape, chat, completions};
use serde_json::Value;

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
    let body = Bytes::copy_from_slice(data);
    if let Ok((Shape::Endpoint(_), named)) = mlflow::address("m", &body) {
        let named: Value = serde_json::from_slice(&named).expect("a body with a name in it is JSON");
        assert_eq!(named["model"], "m");
        let bare = mlflow::leave_model(&Bytes::from(named.to_string()));
        let bare: Value = serde_json::from_slice(&bare).expect("a body without its model is JSON");
        assert_eq!(bare.get("model"), None);
    }
    let _ = read_however_cut(data, completions::StreamDecoder::new);
});
