//! What is compared with what, and how.

use postern_tokens::Encoding;
use tiktoken_rs::CoreBPE;

/// Both encodings with patterns of their own, and tiktoken-rs's.
pub(crate) fn both() -> [(Encoding, &'static CoreBPE); 2] {
    [
        (Encoding::O200kBase, tiktoken_rs::o200k_base_singleton()),
        (Encoding::Cl100kBase, tiktoken_rs::cl100k_base_singleton()),
    ]
}

/// Fails unless both make the same tokens of `text`.
#[track_caller]
pub(crate) fn same(text: &str) {
    for (encoding, theirs) in both() {
        let (ours, theirs) = (encoding.encode(text), theirs.encode_ordinary(text));
        assert!(ours == theirs, "{encoding:?} of {text:?}\nours:   {ours:?}\ntheirs: {theirs:?}");
    }
}

/// How many random texts there are, where usually there are `usual`.
pub(crate) fn rounds(usual: usize) -> usize {
    #[expect(clippy::disallowed_methods, reason = "a test may ask how long it may take")]
    let times = std::env::var("POSTERN_TOKENS_ROUNDS").ok().and_then(|times| times.parse().ok());
    usual * times.unwrap_or(1)
}

/// Random numbers, always the same: xorshift64*.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// Less than `end`, which is not 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        ((self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize) % end
    }

    pub(crate) fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    /// A text of characters of `alphabet`.
    pub(crate) fn text(&mut self, alphabet: &[char], size: usize) -> String {
        (0..size).map(|_| self.of(alphabet)).collect()
    }
}

/// One character at least of every class that the patterns tell apart, and what they name.
pub(crate) const CLASSES: &[char] = &[
    'a',
    'b',
    'A',
    'B',
    'ǅ',
    'ß',
    'é',
    'Σ',
    'ж',
    '中',
    '語',
    'ʰ',
    'ª',
    '\u{301}',
    '\u{903}',
    '\u{20dd}',
    '1',
    '9',
    '٣',
    'Ⅷ',
    '½',
    ' ',
    ' ',
    '\t',
    '\n',
    '\n',
    '\r',
    '\u{a0}',
    '\u{3000}',
    '\u{85}',
    '\u{2028}',
    '\u{b}',
    '!',
    '.',
    '_',
    '-',
    '/',
    '\'',
    '\'',
    '\'',
    's',
    'S',
    'ſ',
    't',
    'r',
    'e',
    'E',
    'v',
    'l',
    'L',
    'm',
    'd',
    '’',
    '😀',
    '\u{200d}',
    '\u{fe0f}',
    '\0',
    '€',
    '\u{fffd}',
    '\u{e0100}',
    '\u{10ffff}',
];
