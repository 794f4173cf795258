//! Counts are those of tiktoken-rs, for every character in several surroundings.

use postern_tokens::Encoding;

#[test]
fn every_character_alone_and_among_others() {
    let pairs = [
        (Encoding::O200kBase, tiktoken_rs::o200k_base_singleton()),
        (Encoding::Cl100kBase, tiktoken_rs::cl100k_base_singleton()),
    ];
    for (encoding, theirs) in pairs {
        for character in '\0'..=char::MAX {
            for text in [
                format!("{character}"),
                format!(
                    "a{character}b A{character}B 1{character}2 \n{character}\n {character} {character}{character}"
                ),
            ] {
                assert_eq!(encoding.encode(&text), theirs.encode_ordinary(&text), "{text:?}");
            }
        }
    }
}
