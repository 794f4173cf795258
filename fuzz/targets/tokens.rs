//! Any bytes as text, whole and in pieces: the tokens are those of tiktoken-rs, and nothing panics.
#![no_main]

use libfuzzer_sys::fuzz_target;
use postern_fuzz::cuts;
use postern_tokens::{Counter, Encoding};

/// tiktoken-rs fails on longer runs of white space.
const MOST_BLANKS: usize = 1000;

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let encodings = [
        (Encoding::O200kBase, tiktoken_rs::o200k_base_singleton()),
        (Encoding::Cl100kBase, tiktoken_rs::cl100k_base_singleton()),
        (Encoding::O200kHarmony, tiktoken_rs::o200k_harmony_singleton()),
    ];
    let blanks = text.split(|c: char| !c.is_whitespace()).map(str::len).max().unwrap_or_default();
    for (ours, theirs) in encodings {
        let count = ours.count(&text);
        assert_eq!(ours.count_bytes(data), count);
        let mut counter = Counter::new(ours);
        cuts(data).for_each(|piece| counter.push(piece));
        assert_eq!(counter.count(), count, "a cut changed the count");
        assert_eq!(ours.count_up_to(&text, count), Some(count));
        assert!(ours.count(ours.truncate(&text, count / 2)) <= count / 2);
        if blanks <= MOST_BLANKS {
            let tokens = ours.encode(&text);
            assert_eq!(tokens.len(), count);
            assert_eq!(tokens, theirs.encode_ordinary(&text));
            assert_eq!(ours.encode_with_special(&text), theirs.encode_with_special_tokens(&text));
        }
    }
});
