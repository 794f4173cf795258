//! Pieces of many thousand bytes, which are merged a window at a time.

use crate::alike::{Dice, rounds, same};

#[test]
fn one_thing_repeated() {
    for unit in [
        "a",
        "A",
        "ab",
        "aab",
        "abc",
        "the",
        "aA",
        "x1",
        "中",
        "中文",
        "中A",
        "é",
        "e\u{301}",
        "\u{301}",
        "😀",
        "👩\u{200d}👧",
        "!",
        "=",
        "-=",
        "!?",
        "/",
        "\n",
        "\r\n",
        "!\n",
        " \n",
        "\t",
        "0",
        "ー",
        "ก",
        "ا",
        "\u{0}",
        "\u{10ffff}",
        "q",
        "zq",
        "ΑΒ",
        "ﷺ",
    ] {
        for size in [127, 128, 129, 1000, 20_000, 40_000] {
            same(&unit.repeat(size / unit.len() + 1));
            same(&format!("x {}.", unit.repeat(size / unit.len())));
        }
    }
    for size in [100, 127, 128, 129, 255, 256, 257, 1000, 3000] {
        for around in ["", "x", "\n", " "] {
            same(&format!("{around}{}{around}", " ".repeat(size)));
            same(&format!("{around}{}\n{around}", " ".repeat(size)));
        }
    }
}

#[test]
fn random_words_without_an_end() {
    let mut dice = Dice::new(12);
    let alphabets = [
        "ab",
        "aA",
        "abc",
        "etaoinshrdlu",
        "abcdefghijklmnopqrstuvwxyz",
        "ACGT",
        "ʰ中A",
        "的一是不了人",
        "ああいアー",
        "жизнь",
        "ابتث",
        "\u{301}aé",
        "!?.=-",
        "= ~",
        "😀😃👍🏽",
    ];
    for alphabet in alphabets {
        let alphabet: Vec<char> = alphabet.chars().collect();
        for _ in 0..rounds(6) {
            let size = 130 + dice.below(30_000);
            same(&dice.text(&alphabet, size));
        }
        for _ in 0..rounds(100) {
            let size = 60 + dice.below(400);
            same(&dice.text(&alphabet, size));
        }
    }
}

#[test]
fn rows_of_few_words() {
    let mut dice = Dice::new(13);
    let words = ["the", "ing", "token", "er", "zz", "qu", "aaaa", "bb", "Über", "中", "x"];
    for _ in 0..rounds(30) {
        let few: Vec<&str> = (0..1 + dice.below(3)).map(|_| dice.of(&words)).collect();
        let text: String = (0..4000).map(|_| dice.of(&few)).collect();
        same(&text);
    }
}
