//! Any bytes as an AWS event stream, cut anywhere: reading never panics, the cuts make no difference, and whole messages
//! written again are the bytes they came in.
#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use postern_fuzz::cuts;
use postern_wire::event_stream::{Decoder, FrameError, Message, write_message};

fuzz_target!(|data: &[u8]| {
    let (whole, ending) = decode([data].into_iter());
    assert_eq!((whole.clone(), ending), decode(cuts(data)), "a cut changed what was read");
    let mut out = BytesMut::new();
    for message in &whole {
        write_message(&mut out, &message.headers, &message.payload).expect("it was short enough");
    }
    assert!(data.starts_with(&out), "what was written is not what was read");
});

fn decode<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<Message>, Option<FrameError>) {
    let mut decoder = Decoder::new(1 << 16);
    let mut messages = Vec::new();
    for piece in pieces {
        decoder.push(piece);
        loop {
            match decoder.next() {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(error) => return (messages, Some(error)),
            }
        }
    }
    (messages, None)
}
