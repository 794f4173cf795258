//! Texts that people and programs write, whole, and changed in many ways.

use crate::alike::{CLASSES, Dice, rounds, same};
use crate::samples::{LANGUAGES, NOTATIONS};

fn all() -> impl Iterator<Item = &'static str> {
    LANGUAGES.iter().chain(NOTATIONS).map(|(_, text)| *text)
}

#[test]
fn as_they_are() {
    assert!(LANGUAGES.len() >= 30, "at least 20 scripts and languages");
    let mut together = String::new();
    for text in all() {
        same(text);
        same(&text.to_uppercase());
        same(&text.to_lowercase());
        same(&text.replace(' ', ""));
        same(&text.replace(' ', "\n"));
        same(&text.replace(' ', "  "));
        together += text;
        together += "\n\n";
    }
    same(&together);
    same(&together.repeat(8));
}

#[test]
fn every_beginning_and_end() {
    for text in all() {
        for (at, _) in text.char_indices() {
            same(&text[..at]);
            same(&text[at..]);
        }
    }
}

#[test]
fn changed() {
    let mut dice = Dice::new(11);
    let all: Vec<Vec<char>> = all().map(|text| text.chars().collect()).collect();
    for _ in 0..rounds(25_000) {
        let mut text: Vec<char> = Vec::new();
        for _ in 0..1 + dice.below(3) {
            let from = &all[dice.below(all.len())];
            let start = dice.below(from.len());
            let end = (start + dice.below(60)).min(from.len());
            text.extend(&from[start..end]);
        }
        for _ in 0..dice.below(5) {
            let at = dice.below(text.len() + 1);
            match dice.below(4) {
                0 => text.insert(at, dice.of(CLASSES)),
                1 if at < text.len() => drop(text.remove(at)),
                2 if at < text.len() => text[at] = dice.of(CLASSES),
                _ => {
                    let (left, right) = (at / 2, at);
                    let again: Vec<char> = text[left..right].to_vec();
                    text.splice(at..at, again);
                }
            }
        }
        same(&text.into_iter().collect::<String>());
    }
}
