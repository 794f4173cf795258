//! Any bytes as an upstream's stream, cut anywhere: reading never panics, the cuts make no difference, and what was read
//! can be written and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use postern_fuzz::{read_however_cut, write_and_read};
use postern_wire::dialect::AnswerContext;
use postern_wire::dialect::openai_responses::{
    StreamDecoder, StreamEncoder, decode_response, encode_response,
};

fuzz_target!(|data: &[u8]| {
    let (whole, _) = read_however_cut(data, StreamDecoder::new);

    let context = AnswerContext {
        id: "1".into(),
        created: 1_750_000_000,
        model: "a model".into(),
        include_usage: true,
        ..AnswerContext::default()
    };
    // The same bytes as a whole answer.
    if let Ok(response) = decode_response(data) {
        let written = encode_response(&response, &context);
        assert!(decode_response(&written).is_ok(), "what was written cannot be read");
    }

    let mut encoder = StreamEncoder::new(context);
    write_and_read(&whole, &mut encoder, &mut StreamDecoder::new());
});
