//! Text that comes in pieces counts as the whole.

use postern_tokens::{Counter, Encoding};

use crate::alike::{CLASSES, Dice, both, rounds};
use crate::samples::{LANGUAGES, NOTATIONS};

const ENCODINGS: [Encoding; 3] = [Encoding::O200kBase, Encoding::Cl100kBase, Encoding::O200kHarmony];

fn in_pieces(encoding: Encoding, pieces: impl IntoIterator<Item = impl AsRef<[u8]>>) -> usize {
    let mut counter = Counter::new(encoding);
    pieces.into_iter().for_each(|piece| counter.push(piece.as_ref()));
    counter.count()
}

#[test]
fn cut_at_every_byte() {
    for (_, text) in LANGUAGES.iter().chain(NOTATIONS) {
        for encoding in ENCODINGS {
            let expected = encoding.count(text);
            for at in 0..=text.len() {
                let (left, right) = text.as_bytes().split_at(at);
                assert_eq!(in_pieces(encoding, [left, right]), expected, "{encoding:?} of {text:?} at {at}");
            }
            assert_eq!(in_pieces(encoding, text.as_bytes().chunks(1)), expected);
        }
    }
}

#[test]
fn every_beginning_has_its_count() {
    let mut dice = Dice::new(15);
    for _ in 0..rounds(1_500) {
        let size = dice.below(30);
        let text = dice.text(CLASSES, size);
        for encoding in ENCODINGS {
            let mut counter = Counter::new(encoding);
            for (at, byte) in text.bytes().enumerate() {
                counter.push(&[byte]);
                assert_eq!(
                    counter.count(),
                    encoding.count_bytes(&text.as_bytes()[..=at]),
                    "{text:?} at {at}"
                );
            }
        }
    }
}

#[test]
fn bytes_that_are_no_text() {
    let mut dice = Dice::new(16);
    let bytes = [0x61, 0x20, 0xe4, 0xb8, 0xad, 0xf0, 0x9f, 0x98, 0x80, 0xff, 0xc3, 0xa9, 0xed, 0xa0, 0xc0];
    for _ in 0..rounds(20_000) {
        let text: Vec<u8> = (0..dice.below(12)).map(|_| dice.of(&bytes)).collect();
        let encoding = dice.of(&ENCODINGS);
        let expected = encoding.count_bytes(&text);
        let at = dice.below(text.len() + 1);
        assert_eq!(in_pieces(encoding, [&text[..at], &text[at..]]), expected, "{text:x?} at {at}");
        assert_eq!(in_pieces(encoding, text.chunks(1)), expected, "{text:x?}");
    }
}

#[test]
fn long_text_in_pieces_of_all_sizes() {
    let mut dice = Dice::new(17);
    let all: String =
        LANGUAGES.iter().chain(NOTATIONS).map(|(_, text)| *text).collect::<Vec<_>>().join("\n\n");
    let mut texts = vec![all.repeat(4)];
    texts.extend((0..rounds(20)).map(|_| {
        let size = dice.below(20_000);
        dice.text(CLASSES, size)
    }));
    for text in &texts {
        for (encoding, theirs) in both() {
            let expected = theirs.count_ordinary(text);
            for most in [1, 7, 100, 5_000, 1 << 20] {
                let mut counter = Counter::new(encoding);
                let mut rest = text.as_bytes();
                while !rest.is_empty() {
                    let (piece, after) = rest.split_at((1 + dice.below(most)).min(rest.len()));
                    counter.push(piece);
                    rest = after;
                }
                assert_eq!(counter.count(), expected, "{encoding:?} in pieces of up to {most}");
            }
        }
    }
}

#[test]
fn words_without_an_end() {
    let mut dice = Dice::new(18);
    let units = [
        "a",
        "A",
        "ab",
        "aA",
        "中",
        "中A",
        "é",
        "\u{301}",
        "😀",
        "👩\u{200d}👧",
        "!",
        "-=",
        "!\n",
        "\n",
        "\r\n",
        "\t",
        " \n",
        "'",
        "a\u{301}",
        "ʰ",
        "ΑΒ",
        "ß中",
    ];
    let ends =
        ["", "b", "B", "'s", "'S b", "!", " x", "\n", "\n\nx", "1", "中", "\u{301}", "/", "/\n/x", " "];
    let alphabets = [
        "etaoinshrdlu",
        "ab",
        "ACGT",
        "的一是不了人",
        "ああいアー",
        "!?.=-",
        "aA中",
        "abcdefghijklmnopqrstuvwxyz",
    ];
    let mut texts: Vec<String> = Vec::new();
    for unit in units {
        let size = 30_000 + dice.below(30_000);
        let begin = dice.of(&["", " ", "x", "!", "A", "中", "\u{301}"]);
        texts.push(format!("{begin}{}{}{}", unit.repeat(size / unit.len()), dice.of(&ends), dice.of(&ends)));
    }
    for alphabet in alphabets {
        let alphabet: Vec<char> = alphabet.chars().collect();
        for _ in 0..rounds(2) {
            let size = 17_000 + dice.below(30_000);
            texts.push(format!("{}{}{}", dice.text(&alphabet, size), dice.of(&ends), dice.of(&ends)));
        }
    }
    for text in &texts {
        for (encoding, theirs) in both() {
            let expected = theirs.count_ordinary(text);
            for size in [3, 1_000, 17_000] {
                assert_eq!(
                    in_pieces(encoding, text.as_bytes().chunks(size)),
                    expected,
                    "{encoding:?} {:?}",
                    &text.chars().take(20).collect::<String>()
                );
            }
        }
    }
    // tiktoken-rs fails on so many spaces.
    for encoding in ENCODINGS {
        let text = format!("{}x", " ".repeat(50_000));
        assert_eq!(in_pieces(encoding, text.as_bytes().chunks(999)), encoding.count(&text));
    }
}
