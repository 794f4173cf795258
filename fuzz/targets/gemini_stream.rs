//! Any bytes as an upstream's stream in Gemini's format, as events or as an array, cut anywhere: reading never panics,
//! the cuts make no difference, and what was read can be written and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use postern_fuzz::{read_however_cut, write_and_read};
use postern_wire::dialect::AnswerContext;
use postern_wire::dialect::gemini::{
    StreamDecoder, StreamEncoder, decode_response, peek_event, peek_response,
};

fuzz_target!(|data: &[u8]| {
    let (whole, ending) = read_however_cut(data, StreamDecoder::new);

    // The scanners of the same-format path read the same payloads.
    let _ = (peek_event(data), peek_response(data), decode_response(data));

    if ending.is_err() {
        return;
    }
    for mut encoder in
        [StreamEncoder::new(AnswerContext::default()), StreamEncoder::array(AnswerContext::default())]
    {
        write_and_read(&whole, &mut encoder, &mut StreamDecoder::new());
    }
});
