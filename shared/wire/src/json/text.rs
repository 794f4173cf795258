//! A string as it is spelled in a document.

use std::borrow::Cow;
use std::ops::Range;

/// What stands between the quotes. Its escapes are well formed, though `\u` may name half a surrogate pair.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Text<'a> {
    raw: &'a str,
    offset: usize,
    escaped: bool,
}

impl<'a> Text<'a> {
    /// `offset` is where `raw` starts in the document, behind the opening quote.
    pub(super) const fn new(raw: &'a str, offset: usize, escaped: bool) -> Self {
        Self { raw, offset, escaped }
    }

    /// Where it is in the document, quotes included.
    pub(crate) const fn span(self) -> Range<usize> {
        self.offset.saturating_sub(1)..self.offset + self.raw.len() + 1
    }

    pub(super) const fn raw(self) -> &'a str {
        self.raw
    }

    pub(crate) const fn is_empty(self) -> bool {
        self.raw.is_empty()
    }

    /// What it says, for comparing: resolved into `buffer` in the rare case that it has escapes. One that names half a
    /// surrogate pair stays as it is spelled, and so is like no name that anyone asks for.
    #[inline]
    pub(crate) fn resolved<'s>(self, buffer: &'s mut String) -> &'s str
    where
        'a: 's,
    {
        if self.escaped
            && let Some(decoded) = self.decoded()
        {
            *buffer = decoded.into_owned();
            return buffer;
        }
        self.raw
    }

    /// What it says; `None` when an escape names half a surrogate pair, which is no character.
    pub(crate) fn decoded(self) -> Option<Cow<'a, str>> {
        if !self.escaped {
            return Some(Cow::Borrowed(self.raw));
        }
        // Rare: names and model names are hardly ever spelled with escapes.
        serde_json::from_str(&format!("\"{}\"", self.raw)).ok().map(Cow::Owned)
    }

    /// The length in bytes of what it says.
    pub(crate) fn decoded_len(self) -> usize {
        if !self.escaped {
            return self.raw.len();
        }
        let mut rest = self.raw.as_bytes();
        let mut length = 0;
        while let Some(plain) = memchr::memchr(b'\\', rest) {
            let escape = rest.get(plain + 1..).unwrap_or_default();
            let (spelled, meant) = if escape.first() == Some(&b'u') { (5, unit_len(escape)) } else { (1, 1) };
            length += plain + meant;
            rest = escape.get(spelled..).unwrap_or_default();
        }
        length + rest.len()
    }
}

/// UTF-8 bytes of the UTF-16 unit `uXXXX`; of a pair, each half counts for two of the four.
fn unit_len(escape: &[u8]) -> usize {
    let digits = escape.get(1..5).and_then(|digits| std::str::from_utf8(digits).ok());
    match digits.and_then(|digits| u16::from_str_radix(digits, 16).ok()) {
        Some(0..0x80) => 1,
        Some(0x80..0x800 | 0xd800..0xe000) => 2,
        _ => 3,
    }
}
