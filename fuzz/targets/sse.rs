//! Any bytes as an event stream, cut anywhere: nothing is lost, nothing panics, and the cuts make no difference.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use postern_fuzz::cuts;
use postern_wire::sse::{Decoder, Event};

/// Longer than any input, so that no event is refused.
const MAX_EVENT: usize = 1 << 20;

fuzz_target!(|data: &[u8]| {
    let whole = decode([data].into_iter());
    assert_eq!(raw(&whole), data, "bytes were lost or made up");
    let cut = decode(cuts(data));
    assert_eq!(raw(&cut), data, "bytes were lost or made up between pieces");
    assert_eq!(meaning(&whole), meaning(&cut), "a cut changed what was read");

    // A small cap may refuse, and must not panic or grow.
    let mut capped = Decoder::new(16);
    for piece in cuts(data) {
        capped.push(Bytes::copy_from_slice(piece));
        while let Ok(Some(_)) = capped.next() {}
    }
});

fn decode<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Vec<Event> {
    let mut decoder = Decoder::new(MAX_EVENT);
    let mut events = Vec::new();
    for piece in pieces {
        decoder.push(Bytes::copy_from_slice(piece));
        while let Some(event) = decoder.next().expect("no event is longer than the cap") {
            events.push(event);
        }
    }
    events.extend(decoder.end());
    events
}

fn raw(events: &[Event]) -> Vec<u8> {
    events.iter().flat_map(|event| event.raw.iter().copied()).collect()
}

/// Names and data. Where the bytes between two events belong is the decoder's own business.
fn meaning(events: &[Event]) -> Vec<String> {
    events
        .iter()
        .filter(|event| event.data.is_some() || event.name.is_some())
        .map(|event| format!("{:?} {:?} {}", event.name, event.data, event.terminated))
        .collect()
}
