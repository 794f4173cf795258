//! Counts steps, so that tests can say how work grows without a clock: characters looked at, nodes passed, merges.

use std::cell::Cell;

use crate::{Counter, Encoding};

thread_local! {
    static STEPS: Cell<u64> = const { Cell::new(0) };
}

/// A step was done.
pub(crate) fn done() {
    STEPS.set(STEPS.get() + 1);
}

/// The steps of `what`.
fn steps(what: impl FnOnce()) -> u64 {
    let before = STEPS.get();
    what();
    STEPS.get() - before
}

/// What is hard to count, of about so many bytes.
fn worst(size: usize) -> Vec<(&'static str, String)> {
    let mut state = 1u32;
    let mut letter = |alphabet: &[u8]| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from(alphabet[(state >> 16) as usize % alphabet.len()])
    };
    let random = (0..size).map(|_| letter(b"abcdefghijklmnopqrstuvwxyz")).collect();
    let two = (0..size).map(|_| letter(b"aA")).collect();
    let blank = (0..size).map(|_| letter(b" \t\n")).collect();
    let mut all = vec![("random letters", random), ("two letters", two), ("white space", blank)];
    let units = [
        "a",
        "A",
        " ",
        "\n",
        "\r\n",
        " \n",
        "!",
        "!\n",
        "/\n",
        "'",
        "'s",
        "\u{301}",
        "中",
        "中A",
        "A中",
        "\u{301}A",
        "😀",
        "👩\u{200d}",
        "0",
        "ß\u{301}",
        "\0",
        "\u{10ffff}",
        "= ",
    ];
    all.extend(units.map(|unit| (unit, unit.repeat(size / unit.len()))));
    all
}

const ENCODINGS: [Encoding; 2] = [Encoding::O200kBase, Encoding::Cl100kBase];
const SMALL: usize = 50_000;
const TIMES: usize = 8;

#[test]
fn work_is_linear_in_the_worst_case() {
    for ((name, small), (_, large)) in worst(SMALL).iter().zip(&worst(SMALL * TIMES)) {
        for encoding in ENCODINGS {
            let count = |text: &str| steps(|| assert!(encoding.count(text) > 0));
            let (few, many) = (count(small), count(large));
            assert!(many <= few * TIMES as u64 * 3 / 2, "{encoding:?} {name:?}: {few} steps, then {many}");
            assert!(many <= large.len() as u64 * 300, "{encoding:?} {name:?}: {many} steps");
        }
    }
}

#[test]
fn a_limit_ends_the_work() {
    for (name, text) in worst(SMALL * TIMES) {
        for encoding in ENCODINGS {
            let few = steps(|| assert_eq!(encoding.count_up_to(&text, 10), None));
            // Where the piece ends is found first, then a window of it is merged.
            let most = 3 * text.chars().count() as u64 + 2_000_000;
            assert!(few <= most, "{encoding:?} {name:?}: {few} steps");
        }
    }
}

#[test]
fn streams_are_linear_and_keep_little() {
    for (name, text) in worst(SMALL * TIMES) {
        for encoding in ENCODINGS {
            let mut counter = Counter::new(encoding);
            let mut most = 0;
            let all = steps(|| {
                for piece in text.as_bytes().chunks(5) {
                    counter.push(piece);
                    most = most.max(counter.kept());
                }
            });
            assert_eq!(counter.count(), encoding.count(&text), "{encoding:?} {name:?}");
            assert!(all <= text.len() as u64 * 1000, "{encoding:?} {name:?}: {all} steps");
            assert!(most <= 50_000, "{encoding:?} {name:?}: {most} bytes kept");
        }
    }
}
