//! A validating reader that is pulled through a document, value by value, and keeps nothing but its place.
//!
//! Whatever it passes over has been checked: when [`Cursor::end`] is reached, the whole document is RFC 8259 JSON in
//! UTF-8. It never recurses, never allocates and never reads a byte of a long string on its own.

use super::text::Text;
use super::{JsonError, Kind, MAX_DEPTH};

/// Where a document is not JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flaw {
    offset: usize,
    reason: &'static str,
}

impl Flaw {
    pub(crate) fn explain(self, body: &[u8]) -> JsonError {
        JsonError::at(body, self.offset, self.reason)
    }
}

/// An object or array being read: see [`Cursor::enter`].
#[derive(Debug)]
pub(crate) struct Entered {
    first: bool,
}

/// The place in a document.
#[derive(Clone, Debug)]
pub(crate) struct Cursor<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    max_depth: usize,
}

impl<'a> Cursor<'a> {
    /// At the beginning of `body`. Objects and arrays may be nested `max_depth` deep, at most [`MAX_DEPTH`].
    pub(crate) fn new(body: &'a [u8], max_depth: usize) -> Result<Self, Flaw> {
        // Ten times as fast as the standard library's on scripts other than Latin.
        let text = simdutf8::basic::from_utf8(body).map_err(|_| {
            let offset = std::str::from_utf8(body).err().map_or(0, |error| error.valid_up_to());
            Flaw { offset, reason: "the text is not UTF-8" }
        })?;
        if text.starts_with('\u{feff}') {
            return Err(Flaw {
                offset: 0,
                reason: "the text starts with a byte order mark, which JSON may not",
            });
        }
        Ok(Self { text, at: 0, depth: 0, max_depth: max_depth.min(MAX_DEPTH) })
    }

    /// Bytes read so far. After [`kind`](Self::kind) this is where the value starts, after the value where it ends.
    pub(crate) const fn offset(&self) -> usize {
        self.at
    }

    /// What has been read since `from`.
    pub(crate) fn since(&self, from: usize) -> &'a str {
        self.text.get(from..self.at).unwrap_or_default()
    }

    /// Says what the next value is, without reading it.
    #[inline]
    pub(crate) fn kind(&mut self) -> Result<Kind, Flaw> {
        match self.after_space() {
            Some(b'"') => Ok(Kind::String),
            Some(b'{') => Ok(Kind::Object),
            Some(b'[') => Ok(Kind::Array),
            Some(b'-' | b'0'..=b'9') => Ok(Kind::Number),
            Some(b't' | b'f') => Ok(Kind::Bool),
            Some(b'n') => Ok(Kind::Null),
            _ => Err(self.flaw("expected a value")),
        }
    }

    /// Reads a string.
    pub(crate) fn text(&mut self) -> Result<Text<'a>, Flaw> {
        match self.after_space() {
            Some(b'"') => self.string(),
            _ => Err(self.flaw("expected a string")),
        }
    }

    /// Reads `true` or `false`.
    pub(crate) fn bool(&mut self) -> Result<bool, Flaw> {
        if self.after_space() == Some(b't') {
            return self.literal("true").map(|()| true);
        }
        self.literal("false").map(|()| false)
    }

    /// Goes into an object or an array. Take its contents with [`member`](Self::member) or [`item`](Self::item) until
    /// there are no more, and read each value.
    pub(crate) fn enter(&mut self) -> Result<Entered, Flaw> {
        match self.after_space() {
            Some(b'{' | b'[') => {
                self.descend()?;
                Ok(Entered { first: true })
            }
            _ => Err(self.flaw("expected an object or an array")),
        }
    }

    /// The name of the next member; its value comes next. `None`: the object is over.
    #[inline]
    pub(crate) fn member(&mut self, object: &mut Entered) -> Result<Option<Text<'a>>, Flaw> {
        let first = std::mem::take(&mut object.first);
        match self.after_space() {
            Some(b'}') => {
                self.ascend();
                Ok(None)
            }
            Some(b',') if !first => {
                self.at += 1;
                self.name().map(Some)
            }
            Some(b'"') if first => self.name().map(Some),
            _ if first => Err(self.flaw("expected a member name in quotes or `}`")),
            _ => Err(self.flaw("expected `,` or `}`")),
        }
    }

    /// Whether another item of the array comes next.
    #[inline]
    pub(crate) fn item(&mut self, array: &mut Entered) -> Result<bool, Flaw> {
        let first = std::mem::take(&mut array.first);
        match self.after_space() {
            Some(b']') => {
                self.ascend();
                Ok(false)
            }
            Some(b',') if !first => {
                self.at += 1;
                Ok(true)
            }
            _ if first => Ok(true),
            _ => Err(self.flaw("expected `,` or `]`")),
        }
    }

    /// Passes over the next value, whatever it is.
    pub(crate) fn skip(&mut self) -> Result<(), Flaw> {
        let floor = self.depth;
        // One bit an open level, the innermost lowest: is it an object? `MAX_DEPTH` bits are enough.
        let mut objects: u128 = 0;
        loop {
            match self.after_space() {
                Some(b'"') => {
                    self.string()?;
                }
                Some(b'{') => {
                    self.descend()?;
                    match self.after_space() {
                        Some(b'}') => self.ascend(),
                        Some(b'"') => {
                            objects = (objects << 1) | 1;
                            self.name()?;
                            continue;
                        }
                        _ => return Err(self.flaw("expected a member name in quotes or `}`")),
                    }
                }
                Some(b'[') => {
                    self.descend()?;
                    if self.after_space() == Some(b']') {
                        self.ascend();
                    } else {
                        objects <<= 1;
                        continue;
                    }
                }
                Some(b'-' | b'0'..=b'9') => self.number()?,
                Some(b't') => self.literal("true")?,
                Some(b'f') => self.literal("false")?,
                Some(b'n') => self.literal("null")?,
                _ => return Err(self.flaw("expected a value")),
            }
            // A value is over: so may be what holds it.
            loop {
                if self.depth == floor {
                    return Ok(());
                }
                let in_object = objects & 1 == 1;
                match self.after_space() {
                    Some(b',') => {
                        self.at += 1;
                        if in_object {
                            self.name()?;
                        }
                        break;
                    }
                    Some(b'}') if in_object => self.ascend(),
                    Some(b']') if !in_object => self.ascend(),
                    _ if in_object => return Err(self.flaw("expected `,` or `}`")),
                    _ => return Err(self.flaw("expected `,` or `]`")),
                }
                objects >>= 1;
            }
        }
    }

    /// Makes sure that nothing but space is left.
    pub(crate) fn end(&mut self) -> Result<(), Flaw> {
        match self.after_space() {
            None => Ok(()),
            Some(_) => Err(self.flaw("expected the end of the text")),
        }
    }

    fn next(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The next byte that is not space.
    #[inline]
    fn after_space(&mut self) -> Option<u8> {
        let byte = self.next()?;
        if byte > b' ' { Some(byte) } else { self.skip_space() }
    }

    fn skip_space(&mut self) -> Option<u8> {
        let rest = self.text.as_bytes().get(self.at..)?;
        let space = rest.iter().position(|b| !matches!(b, b' ' | b'\n' | b'\r' | b'\t'));
        self.at += space.unwrap_or(rest.len());
        self.next()
    }

    /// What is wrong here; a text that simply stops is told apart.
    #[cold]
    fn flaw(&self, reason: &'static str) -> Flaw {
        let ended = self.at >= self.text.len();
        Flaw { offset: self.at, reason: if ended { "the text ends too early" } else { reason } }
    }

    fn descend(&mut self) -> Result<(), Flaw> {
        if self.depth >= self.max_depth {
            return Err(self.flaw("values are nested too deeply"));
        }
        self.depth += 1;
        self.at += 1;
        Ok(())
    }

    const fn ascend(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.at += 1;
    }

    /// A member's name and its colon.
    #[inline]
    fn name(&mut self) -> Result<Text<'a>, Flaw> {
        if self.after_space() != Some(b'"') {
            return Err(self.flaw("expected a member name in quotes"));
        }
        let name = self.string()?;
        if self.after_space() != Some(b':') {
            return Err(self.flaw("expected `:`"));
        }
        self.at += 1;
        Ok(name)
    }

    fn literal(&mut self, word: &'static str) -> Result<(), Flaw> {
        let end = self.at + word.len();
        if self.text.as_bytes().get(self.at..end) != Some(word.as_bytes()) {
            let ends =
                self.text.as_bytes().get(self.at..).is_some_and(|rest| word.as_bytes().starts_with(rest));
            let reason = if ends { "the text ends too early" } else { "expected a value" };
            return Err(Flaw { offset: self.at, reason });
        }
        self.at = end;
        Ok(())
    }

    /// A string, from its opening quote.
    #[inline]
    fn string(&mut self) -> Result<Text<'a>, Flaw> {
        let start = self.at + 1;
        let rest = self.text.as_bytes().get(start..).unwrap_or_default();
        let plain = plain_len(rest);
        self.at = start + plain;
        if rest.get(plain) != Some(&b'"') {
            self.escapes()?;
        }
        let raw = self.since(start);
        self.at += 1;
        Ok(Text::new(raw, start, self.at > start + plain + 1))
    }

    /// The rest of a string from its first escape to its closing quote, which is not read.
    #[inline(never)]
    fn escapes(&mut self) -> Result<(), Flaw> {
        let bytes = self.text.as_bytes();
        loop {
            let rest = bytes.get(self.at..).unwrap_or_default();
            match rest {
                [b'"', ..] => return Ok(()),
                [b'\\', b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => self.at += 2,
                [b'\\', b'u', digits @ ..] => {
                    let four = digits.get(..4).unwrap_or(digits);
                    if let Some(wrong) = four.iter().position(|digit| !digit.is_ascii_hexdigit()) {
                        self.at += 2 + wrong;
                        return Err(self.flaw("expected four hexadecimal digits"));
                    }
                    self.at += 2 + four.len();
                }
                [b'\\', ..] => {
                    self.at += 1;
                    return Err(self.flaw("unknown escape in a string"));
                }
                [byte, ..] if *byte >= b' ' => self.at += plain_len(rest),
                _ => return Err(self.flaw("a control character in a string must be escaped")),
            }
        }
    }

    /// A number, from its first character.
    fn number(&mut self) -> Result<(), Flaw> {
        if self.next() == Some(b'-') {
            self.at += 1;
        }
        if self.next() == Some(b'0') {
            self.at += 1;
            if self.next().is_some_and(|digit| digit.is_ascii_digit()) {
                return Err(self.flaw("a number may not start with 0"));
            }
        } else {
            self.digits()?;
        }
        if self.next() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.next() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.next() {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Flaw> {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let count = rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
        if count == 0 {
            return Err(self.flaw("expected a digit"));
        }
        self.at += count;
        Ok(())
    }
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// How many bytes of a string stand for themselves: up to a quote, a backslash or a control character.
#[inline]
pub(super) fn plain_len(bytes: &[u8]) -> usize {
    let mut rest = bytes;
    // Most strings are short: names, roles, ids. Eight bytes at a time finds their end at once.
    for _ in 0..4 {
        let Some((word, tail)) = rest.split_first_chunk::<8>() else { return tail_len(bytes, rest) };
        let marks = specials(u64::from_le_bytes(*word));
        if marks != 0 {
            return bytes.len() - rest.len() + (marks.trailing_zeros() / 8) as usize;
        }
        rest = tail;
    }
    long_len(bytes, rest)
}

/// The same for the rest of a long string. Blocks whose loop the compiler turns into vector instructions on every
/// target that has them, without `unsafe`.
fn long_len(bytes: &[u8], mut rest: &[u8]) -> usize {
    while let Some((block, tail)) = rest.split_first_chunk::<64>() {
        if block.iter().fold(false, |found, byte| found | is_special(*byte)) {
            break;
        }
        rest = tail;
    }
    while let Some((word, tail)) = rest.split_first_chunk::<8>() {
        let marks = specials(u64::from_le_bytes(*word));
        if marks != 0 {
            return bytes.len() - rest.len() + (marks.trailing_zeros() / 8) as usize;
        }
        rest = tail;
    }
    tail_len(bytes, rest)
}

fn tail_len(bytes: &[u8], rest: &[u8]) -> usize {
    let plain = rest.iter().position(|byte| is_special(*byte)).unwrap_or(rest.len());
    bytes.len() - rest.len() + plain
}

const fn is_special(byte: u8) -> bool {
    (byte == b'"') | (byte == b'\\') | (byte < b' ')
}

/// Marks the special bytes among eight in their high bits. The lowest mark is exact; those above it may be false,
/// because a subtraction borrows.
const fn specials(word: u64) -> u64 {
    let quote = word ^ (ONES * b'"' as u64);
    let backslash = word ^ (ONES * b'\\' as u64);
    let zeros = (quote.wrapping_sub(ONES) & !quote) | (backslash.wrapping_sub(ONES) & !backslash);
    let controls = word.wrapping_sub(ONES * b' ' as u64) & !word;
    (zeros | controls) & HIGHS
}
