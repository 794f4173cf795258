//! Every Unicode scalar value, alone and among others.

use postern_tokens::Encoding;
use tiktoken_rs::CoreBPE;

fn every(encoding: Encoding, theirs: &CoreBPE) {
    let mut text = String::new();
    for c in '\0'..=char::MAX {
        // One text has the character before and after a small letter, a capital, a digit, a space, a line end, a symbol,
        // and itself.
        for pattern in ["@", "a@b A@B 1@2 @ \n@\n !@! @@'s"] {
            text.clear();
            pattern.chars().for_each(|p| text.push(if p == '@' { c } else { p }));
            let (ours, theirs) = (encoding.encode(&text), theirs.encode_ordinary(&text));
            assert!(ours == theirs, "{encoding:?} of {text:?}\nours:   {ours:?}\ntheirs: {theirs:?}");
        }
    }
}

#[test]
fn every_character_in_o200k() {
    every(Encoding::O200kBase, tiktoken_rs::o200k_base_singleton());
}

#[test]
fn every_character_in_cl100k() {
    every(Encoding::Cl100kBase, tiktoken_rs::cl100k_base_singleton());
}
