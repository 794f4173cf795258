//! Cuts text into the pieces that are encoded one by one, exactly as the split patterns of the encodings do.
//!
//! The patterns are regular expressions with ordered choice and backtracking. Here each is a few loops over classes of
//! characters: every run is looked at a bounded number of times, so the whole is linear.
//!
//! Every look at the text goes through [`Text`], which notes when one went past the end: then more text could change
//! the piece. Counters of streams rely on it.

use std::cell::Cell;

use crate::class::{self, CASELESS, LOWER, MARK, NEWLINE, NUMBER, OTHER, SPACE, UPPER};

const LETTER: u8 = UPPER | LOWER | CASELESS;
/// What the first part of a word of o200k may hold.
const CAPITALS: u8 = UPPER | CASELESS | MARK;
/// What the second part of a word of o200k may hold.
const SMALLS: u8 = LOWER | CASELESS | MARK;
/// What both parts may hold.
const BOTH: u8 = CASELESS | MARK;
const SYMBOL: u8 = OTHER | MARK;
const BLANK: u8 = SPACE | NEWLINE;

/// A split pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pattern {
    /// Of o200k_base and o200k_harmony.
    O200k,
    /// Of cl100k_base.
    Cl100k,
}

/// Text that is cut into pieces.
pub(crate) struct Text<'a> {
    bytes: &'a [u8],
    past_end: Cell<bool>,
}

impl<'a> Text<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { bytes: text.as_bytes(), past_end: Cell::new(false) }
    }

    /// Where the piece that begins at `at` ends. `at` is a boundary of characters before the end.
    #[inline]
    pub(crate) fn piece(&self, pattern: Pattern, at: usize) -> usize {
        match pattern {
            Pattern::O200k => self.o200k(at),
            Pattern::Cl100k => self.cl100k(at),
        }
    }

    /// Whether anything was looked for past the end since this was asked last.
    pub(crate) fn went_past_end(&self) -> bool {
        self.past_end.replace(false)
    }

    /// ```text
    /// [^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?
    /// [^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?
    /// \p{N}{1,3}
    ///  ?[^\s\p{L}\p{N}]+[\r\n/]*
    /// \s*[\r\n]+
    /// \s+(?!\S)
    /// \s+
    /// ```
    #[inline]
    fn o200k(&self, at: usize) -> usize {
        let (class, size) = self.class(at);
        let next = at + size;
        if class & LETTER != 0 {
            let word = self.word(at);
            return self.contraction(word.unwrap_or_else(|capitals| capitals));
        }
        if class & NUMBER != 0 {
            return self.number(next);
        }
        if class & MARK != 0 {
            // The mark is taken as the character before a word, and only if none follows as a word by itself.
            return self.contraction(self.word(next).unwrap_or(next));
        }
        if class & (SPACE | OTHER) != 0 {
            match self.word(next) {
                Ok(end) => return self.contraction(end),
                Err(end) if end > next => return self.contraction(end),
                Err(_) => {}
            }
        }
        if let Some(end) = self.symbols(at, class, next) {
            return self.lines(end, true);
        }
        self.blank(at, false)
    }

    /// ```text
    /// '(?i:[sdmt]|ll|ve|re)
    /// [^\r\n\p{L}\p{N}]?+\p{L}++
    /// \p{N}{1,3}+
    ///  ?[^\s\p{L}\p{N}]++[\r\n]*+
    /// \s++$
    /// \s*[\r\n]
    /// \s+(?!\S)
    /// \s
    /// ```
    #[inline]
    fn cl100k(&self, at: usize) -> usize {
        let (class, size) = self.class(at);
        let next = at + size;
        if class & LETTER != 0 {
            return self.run(next, LETTER);
        }
        if class & NUMBER != 0 {
            return self.number(next);
        }
        if class & (SPACE | SYMBOL) != 0 {
            let contraction = self.contraction(at);
            if contraction > at {
                return contraction;
            }
            let end = self.run(next, LETTER);
            if end > next {
                return end;
            }
        }
        if let Some(end) = self.symbols(at, class, next) {
            return self.lines(end, false);
        }
        self.blank(at, true)
    }

    /// The end of the word of o200k that begins at `at`, without what may stand before and after. An error is a word of
    /// capitals only: its end, or `at` if there is none.
    #[inline]
    fn word(&self, at: usize) -> Result<usize, usize> {
        let (mut end, mut both) = (at, None);
        loop {
            let (class, size) = self.class(end);
            if class & CAPITALS == 0 {
                return if class & LOWER != 0 {
                    Ok(self.run(end + size, SMALLS))
                } else {
                    // The second part needs one character at least: the last that the first part can spare.
                    both.ok_or(end)
                };
            }
            end += size;
            if class & BOTH != 0 {
                both = Some(end);
            }
        }
    }

    /// `(?i:'s|'t|'re|'ve|'m|'ll|'d)?`
    #[inline]
    fn contraction(&self, at: usize) -> usize {
        if self.byte(at) != Some(b'\'') {
            return at;
        }
        let second = |wanted: u8| self.byte(at + 2).is_some_and(|byte| byte | 0x20 == wanted);
        match self.byte(at + 1).map(|byte| if byte.is_ascii() { byte | 0x20 } else { byte }) {
            Some(b's' | b't' | b'm' | b'd') => at + 2,
            Some(b'r' | b'v') if second(b'e') => at + 3,
            Some(b'l') if second(b'l') => at + 3,
            // The long s is an s, too, where case makes no difference.
            Some(0xC5) if self.byte(at + 2) == Some(0xBF) => at + 3,
            _ => at,
        }
    }

    /// The rest of up to three numbers.
    #[inline]
    fn number(&self, at: usize) -> usize {
        let mut end = at;
        for _ in 0..2 {
            let (class, size) = self.class(end);
            if class & NUMBER == 0 {
                break;
            }
            end += size;
        }
        end
    }

    /// ` ?[^\s\p{L}\p{N}]+`
    #[inline]
    fn symbols(&self, at: usize, class: u8, next: usize) -> Option<usize> {
        if class & SYMBOL != 0 {
            return Some(self.run(next, SYMBOL));
        }
        let end = if self.byte(at) == Some(b' ') { self.run(next, SYMBOL) } else { next };
        (end > next).then_some(end)
    }

    /// `[\r\n]*`, or `[\r\n/]*`.
    #[inline]
    fn lines(&self, at: usize, slash: bool) -> usize {
        let mut end = at;
        while matches!(self.byte(end), Some(b'\r' | b'\n')) || slash && self.byte(end) == Some(b'/') {
            end += 1;
        }
        end
    }

    /// White space: up to its last line end; without one, all of it before the end of the text, otherwise all but the
    /// character that belongs to what follows. At the end of the text, cl100k takes all of it in any case.
    #[inline]
    fn blank(&self, at: usize, whole_at_end: bool) -> usize {
        let (mut end, mut last, mut line) = (at, at, None);
        loop {
            let (class, size) = self.class(end);
            if class & BLANK == 0 {
                let text_ends = class == 0;
                return match line {
                    Some(line) if !(text_ends && whole_at_end) => line,
                    _ if text_ends || last == at => end,
                    _ => last,
                };
            }
            (last, end) = (end, end + size);
            if class & NEWLINE != 0 {
                line = Some(end);
            }
        }
    }

    /// The end of a run of characters of these classes.
    #[inline]
    fn run(&self, at: usize, classes: u8) -> usize {
        let mut end = at;
        loop {
            let (class, size) = self.class(end);
            if class & classes == 0 {
                return end;
            }
            end += size;
        }
    }

    /// The class of the character at `at` and its size in bytes; class 0 past the end.
    #[inline]
    fn class(&self, at: usize) -> (u8, usize) {
        match self.bytes.get(at) {
            Some(&byte) if byte.is_ascii() => (class::of_ascii(byte), 1),
            Some(&byte) => self.wide_class(at, byte),
            None => {
                self.past_end.set(true);
                (0, 0)
            }
        }
    }

    #[inline]
    fn wide_class(&self, at: usize, first: u8) -> (u8, usize) {
        let rest = |index: usize| u32::from(self.bytes.get(at + index).copied().unwrap_or_default() & 0x3f);
        let first = u32::from(first);
        let (character, size) = match first {
            ..0xE0 => ((first & 0x1f) << 6 | rest(1), 2),
            0xE0..0xF0 => ((first & 0x0f) << 12 | rest(1) << 6 | rest(2), 3),
            _ => ((first & 0x07) << 18 | rest(1) << 12 | rest(2) << 6 | rest(3), 4),
        };
        (class::of(character), size)
    }

    #[inline]
    fn byte(&self, at: usize) -> Option<u8> {
        let byte = self.bytes.get(at).copied();
        if byte.is_none() {
            self.past_end.set(true);
        }
        byte
    }
}
