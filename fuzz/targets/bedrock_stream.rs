//! Any bytes as a stream of Bedrock's ConverseStream, cut anywhere: reading never panics, the cuts make no difference, and what was read can be
//! written and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use postern_fuzz::{read_however_cut, write_and_read};
use postern_wire::dialect::AnswerContext;
use postern_wire::dialect::bedrock::{StreamDecoder, StreamEncoder};

fuzz_target!(|data: &[u8]| {
    let (whole, _) = read_however_cut(data, StreamDecoder::new);

    let mut encoder = StreamEncoder::new(AnswerContext::default());
    write_and_read(&whole, &mut encoder, &mut StreamDecoder::new());
});
