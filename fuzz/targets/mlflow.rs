//! Any bytes as a request to an endpoint of MLflow's gateway, and as a stream of its completions: reading never panics,
//! what is read survives being written, and a stream is the same however it is cut.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use postern_fuzz::cuts;
use postern_wire::chat::Delta;
use postern_wire::dialect::mlflow::{chat, completions};
use postern_wire::dialect::{StreamDecoder as _, StreamError, Target};

fn read<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<Delta>, Result<(), StreamError>) {
    let mut decoder = completions::StreamDecoder::new();
    let mut deltas = Vec::new();
    for piece in pieces {
        decoder.push(Bytes::copy_from_slice(piece));
        loop {
            match decoder.next() {
                Ok(Some(delta)) => deltas.push(delta),
                Ok(None) => break,
                Err(error) => return (deltas, Err(error)),
            }
        }
    }
    let ended = decoder.end();
    loop {
        match decoder.next() {
            Ok(Some(delta)) => deltas.push(delta),
            Ok(None) => return (deltas, ended),
            Err(error) => return (deltas, Err(error)),
        }
    }
}

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
    assert_eq!(read(std::iter::once(data)), read(cuts(data)));
});
