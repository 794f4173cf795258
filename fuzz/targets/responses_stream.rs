//! Any bytes as an upstream's stream, cut anywhere: reading never panics, the cuts make no difference, and what was read
//! can be written and read again.
#![no_main]

use bytes::{Bytes, BytesMut};
use libfuzzer_sys::fuzz_target;
use postern_fuzz::cuts;
use postern_wire::chat::Delta;
use postern_wire::dialect::openai_responses::{
    StreamDecoder, StreamEncoder, decode_response, encode_response,
};
use postern_wire::dialect::{AnswerContext, StreamDecoder as _, StreamEncoder as _, StreamError};

fuzz_target!(|data: &[u8]| {
    let (whole, ending) = decode([data].into_iter());
    let (cut, cut_ending) = decode(cuts(data));
    assert_eq!(whole, cut, "a cut changed what was read");
    assert_eq!(ending.is_ok(), cut_ending.is_ok(), "a cut changed how it ended");

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
    let mut out = BytesMut::new();
    for delta in &whole {
        encoder.delta(delta, &mut out);
    }
    encoder.end(&mut out);
    let (_, written) = decode([out.as_ref()].into_iter());
    assert!(written.is_ok(), "what was written cannot be read: {written:?}");
});

fn decode<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<Delta>, Result<(), StreamError>) {
    let mut decoder = StreamDecoder::new();
    let mut deltas = Vec::new();
    for piece in pieces {
        decoder.push(Bytes::copy_from_slice(piece));
        if let Err(error) = take(&mut decoder, &mut deltas) {
            return (deltas, Err(error));
        }
    }
    let ending = decoder.end();
    // The last event may be read only at the end.
    let ending = ending.and(take(&mut decoder, &mut deltas));
    (deltas, ending)
}

fn take(decoder: &mut StreamDecoder, deltas: &mut Vec<Delta>) -> Result<(), StreamError> {
    while let Some(delta) = decoder.next()? {
        deltas.push(delta);
    }
    Ok(())
}
