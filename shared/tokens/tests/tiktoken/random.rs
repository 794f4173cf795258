//! Random text of several kinds.

use postern_tokens::Encoding;

use crate::alike::{CLASSES, Dice, both, rounds, same};

/// Compares texts that `make` gives.
#[track_caller]
fn compare(seed: u64, count: usize, mut make: impl FnMut(&mut Dice) -> String) {
    let mut dice = Dice::new(seed);
    for _ in 0..rounds(count) {
        same(&make(&mut dice));
    }
}

#[test]
fn classes_of_characters() {
    compare(1, 150_000, |dice| {
        let size = dice.below(16);
        dice.text(CLASSES, size)
    });
}

#[test]
fn few_kinds_of_characters() {
    // Runs and their ends, where the patterns go back.
    compare(2, 60_000, |dice| {
        let few: Vec<char> = (0..2 + dice.below(3)).map(|_| dice.of(CLASSES)).collect();
        let size = dice.below(40);
        dice.text(&few, size)
    });
}

#[test]
fn any_characters() {
    compare(3, 30_000, |dice| {
        let planes = [0x80, 0x250, 0x3000, 0x10000, 0x110000];
        (0..dice.below(24))
            .filter_map(|_| {
                let end = dice.of(&planes);
                char::from_u32(dice.below(end) as u32)
            })
            .collect()
    });
}

#[test]
fn letters_and_digits() {
    let alphabet: Vec<char> = ('a'..='z').chain('A'..='Z').chain('0'..='9').collect();
    compare(4, 30_000, |dice| {
        let alphabet = if dice.below(2) == 0 { &alphabet[..26] } else { &alphabet };
        let size = dice.below(60);
        dice.text(alphabet, size)
    });
}

#[test]
fn white_space() {
    let alphabet = [' ', ' ', ' ', ' ', '\n', '\r', '\t', '\u{a0}', '\u{3000}', 'x', '/'];
    compare(5, 50_000, |dice| {
        let size = dice.below(30);
        dice.text(&alphabet, size)
    });
}

#[test]
fn symbols() {
    let alphabet: Vec<char> = ('!'..='/').chain("<>=[]{}|~`^_@#$ \n€→—…“”。、！".chars()).collect();
    compare(6, 40_000, |dice| {
        let size = dice.below(40);
        dice.text(&alphabet, size)
    });
}

#[test]
fn tokens_after_each_other() {
    let theirs = both();
    compare(7, 40_000, |dice| {
        let (_, theirs) = dice.of(&theirs);
        let ranks: Vec<u32> = (0..1 + dice.below(10)).map(|_| dice.below(100_256) as u32).collect();
        String::from_utf8_lossy(&theirs.decode_bytes(&ranks).unwrap()).into_owned()
    });
}

#[test]
fn scripts_without_spaces() {
    let alphabets = [
        "的一是不了人我在有他这中大来上国",
        "をのにはたがでてとしれさあいうカナ日本語",
        "กขคงจฉชซญดตถทนบปผ\u{e49}\u{e32}\u{e34}",
        "가나다라마바사아자차카타파하고는을를",
    ];
    let alphabets = alphabets.map(|alphabet| alphabet.chars().collect::<Vec<_>>());
    compare(8, 30_000, |dice| {
        let which = dice.below(alphabets.len());
        let size = dice.below(50);
        dice.text(&alphabets[which], size)
    });
}

#[test]
fn bytes_that_are_no_text() {
    let mut dice = Dice::new(9);
    for _ in 0..rounds(20_000) {
        let bytes: Vec<u8> = (0..dice.below(40))
            .map(|_| if dice.below(3) == 0 { b'a' } else { dice.below(256) as u8 })
            .collect();
        let seen = String::from_utf8_lossy(&bytes);
        for (encoding, theirs) in both() {
            assert_eq!(encoding.count_bytes(&bytes), theirs.count_ordinary(&seen), "{bytes:?}");
        }
    }
}

#[test]
fn special_tokens_among_text() {
    let encodings = [
        (Encoding::O200kBase, tiktoken_rs::o200k_base_singleton()),
        (Encoding::Cl100kBase, tiktoken_rs::cl100k_base_singleton()),
        (Encoding::O200kHarmony, tiktoken_rs::o200k_harmony_singleton()),
    ];
    let parts = [
        "<|endoftext|>",
        "<|endofprompt|>",
        "<|fim_prefix|>",
        "<|start|>",
        "<|reserved_200001|>",
        "<|reserved_201087|>",
        "<|reserved_201088|>",
        "<|reserved_200005|>",
        "<|reserved_0200013|>",
        "<|reserved_+200013|>",
        "<|channel|>",
        "<|",
        "|>",
        "<",
        "user",
        " ",
        "\n",
        "é",
        "<|message|",
        "<|<|end|>",
    ];
    let mut dice = Dice::new(10);
    for _ in 0..rounds(20_000) {
        let text: String = (0..dice.below(8)).map(|_| dice.of(&parts)).collect();
        for (encoding, theirs) in encodings {
            let expected = theirs.encode_with_special_tokens(&text);
            assert_eq!(encoding.encode_with_special(&text), expected, "{encoding:?} of {text:?}");
            assert_eq!(encoding.count_with_special(&text), expected.len());
            assert_eq!(encoding.encode(&text), theirs.encode_ordinary(&text), "{encoding:?} of {text:?}");
        }
    }
}
