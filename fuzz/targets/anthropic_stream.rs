//! Any bytes as an upstream's stream in Anthropic's format, cut anywhere: reading never panics, the cuts make no
//! difference, and what was read can be written and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use postern_fuzz::{read_however_cut, write_and_read};
use postern_wire::dialect::AnswerContext;
use postern_wire::dialect::anthropic::{EventPeek, StreamDecoder, StreamEncoder, peek_response};

fuzz_target!(|data: &[u8]| {
    let (whole, _) = read_however_cut(data, StreamDecoder::new);

    // The scanners of the same-format path read the same payloads.
    let _ = EventPeek::new().event(data);
    let _ = peek_response(data);

    let context = AnswerContext { id: "1".into(), model: "a model".into(), ..AnswerContext::default() };
    let mut encoder = StreamEncoder::new(context);
    write_and_read(&whole, &mut encoder, &mut StreamDecoder::new());
});
