//! Any bytes as an upstream's stream, cut anywhere: reading never panics, the cuts make no difference, and what was read
//! can be written and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use postern_fuzz::{read_however_cut, write_and_read};
use postern_wire::dialect::AnswerContext;
use postern_wire::dialect::openai_chat::{StreamDecoder, StreamEncoder, peek_event, peek_response};

fuzz_target!(|data: &[u8]| {
    let (whole, _) = read_however_cut(data, StreamDecoder::new);

    // The scanners of the same-format path read the same payloads.
    let _ = peek_event(data);
    let _ = peek_response(data);

    let mut encoder = StreamEncoder::new(AnswerContext {
        id: "1".into(),
        created: 1_750_000_000,
        model: "a model".into(),
        include_usage: true,
        ..AnswerContext::default()
    });
    write_and_read(&whole, &mut encoder, &mut StreamDecoder::new());
});
