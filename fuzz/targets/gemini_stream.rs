//! Any bytes as an upstream's stream in Gemini's format, as events or as an array, cut anywhere: reading never panics,
//! the cuts make no difference, and what was read can be written and read again.
#![no_main]

use bytes::{Bytes, BytesMut};
use libfuzzer_sys::fuzz_target;
use postern_fuzz::cuts;
use postern_wire::chat::Delta;
use postern_wire::dialect::gemini::{
    StreamDecoder, StreamEncoder, decode_response, peek_event, peek_response,
};
use postern_wire::dialect::{AnswerContext, StreamDecoder as _, StreamEncoder as _, StreamError};

fuzz_target!(|data: &[u8]| {
    let (whole, ending) = decode([data].into_iter());
    let (cut, cut_ending) = decode(cuts(data));
    assert_eq!(whole, cut, "a cut changed what was read");
    assert_eq!(ending.is_ok(), cut_ending.is_ok(), "a cut changed how it ended");

    // The scanners of the same-format path read the same payloads.
    let _ = (peek_event(data), peek_response(data), decode_response(data));

    if ending.is_err() {
        return;
    }
    for encoder in
        [StreamEncoder::new(AnswerContext::default()), StreamEncoder::array(AnswerContext::default())]
    {
        let (_, written) = decode([write(&whole, encoder).as_ref()].into_iter());
        assert!(written.is_ok(), "what was written cannot be read: {written:?}");
    }
});

fn write(deltas: &[Delta], mut encoder: StreamEncoder) -> BytesMut {
    let mut out = BytesMut::new();
    for delta in deltas {
        encoder.delta(delta, &mut out);
    }
    encoder.end(&mut out);
    out
}

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
    // The last piece may be read only at the end.
    let ending = ending.and(take(&mut decoder, &mut deltas));
    (deltas, ending)
}

fn take(decoder: &mut StreamDecoder, deltas: &mut Vec<Delta>) -> Result<(), StreamError> {
    while let Some(delta) = decoder.next()? {
        deltas.push(delta);
    }
    Ok(())
}
