//! Edits to a body that leave every other byte as it was.

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;

/// Edits to one body, made together in one copy.
#[derive(Clone, Debug, Default)]
pub struct Splice<'a> {
    edits: Vec<(Range<usize>, Cow<'a, str>)>,
}

impl<'a> Splice<'a> {
    /// No edits yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { edits: Vec::new() }
    }

    /// Puts `text` where the bytes of `range` were. Ranges count bytes of the body as it is before any edit, and may
    /// not overlap: of two that do, the one that starts later is not made.
    pub fn replace(&mut self, range: Range<usize>, text: impl Into<Cow<'a, str>>) {
        self.edits.push((range, text.into()));
    }

    /// Puts `text` before the byte at `offset`. Two insertions at one place stay in their order.
    pub fn insert(&mut self, offset: usize, text: impl Into<Cow<'a, str>>) {
        self.replace(offset..offset, text);
    }

    /// The body with all edits made; the very same bytes, not copied, when there are none. An edit that lies outside
    /// the body is not made.
    #[must_use]
    pub fn apply(mut self, body: &Bytes) -> Bytes {
        if self.edits.is_empty() {
            return body.clone();
        }
        self.edits.sort_by_key(|(range, _)| range.start);
        let added: usize = self.edits.iter().map(|(_, text)| text.len()).sum();
        let mut out = Vec::with_capacity(body.len() + added);
        let mut copied = 0;
        for (range, text) in &self.edits {
            if range.end < range.start || range.end > body.len() {
                continue;
            }
            let Some(between) = body.get(copied..range.start) else { continue };
            out.extend_from_slice(between);
            out.extend_from_slice(text.as_bytes());
            copied = range.end;
        }
        out.extend_from_slice(body.get(copied..).unwrap_or_default());
        Bytes::from(out)
    }
}
