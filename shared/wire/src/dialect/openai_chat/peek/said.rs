//! What a model said, as far as it is to be counted.

use crate::json::Text;

/// Generated text: its length, and the text itself where it is asked for.
#[derive(Clone, Default)]
pub(super) struct Said {
    pub(super) bytes: usize,
    pub(super) text: Option<String>,
    /// There was more than plain text.
    pub(super) beyond_text: bool,
}

impl Said {
    /// One that keeps the text.
    pub(super) fn kept() -> Self {
        Self { text: Some(String::new()), ..Self::default() }
    }

    /// An empty one that keeps the text if this one does.
    pub(super) fn another(&self) -> Self {
        Self { text: self.text.as_ref().map(|_| String::new()), ..Self::default() }
    }

    /// Adds a string of the answer.
    pub(super) fn take(&mut self, text: Text<'_>) {
        self.bytes += text.decoded_len();
        if let Some(kept) = &mut self.text {
            // Half of a surrogate pair is no text.
            kept.push_str(&text.decoded().unwrap_or_default());
        }
    }

    /// Adds a piece of the answer as it stands there.
    pub(super) fn take_raw(&mut self, raw: &str) {
        self.bytes += raw.len();
        if let Some(kept) = &mut self.text {
            kept.push_str(raw);
        }
    }

    pub(super) fn append(&mut self, other: &Self) {
        self.bytes += other.bytes;
        self.beyond_text |= other.beyond_text;
        if let (Some(kept), Some(text)) = (&mut self.text, &other.text) {
            kept.push_str(text);
        }
    }
}
