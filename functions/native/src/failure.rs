//! Why a command could not do what it was asked, in words for the person who asked.

use std::fmt;

/// A command's failure. Shown as it is; the process ends with its code, 1 unless said otherwise.
#[derive(Debug)]
pub(crate) struct Failure {
    text: String,
    code: u8,
}

impl Failure {
    /// A failure with this text.
    pub(crate) fn new(text: impl fmt::Display) -> Self {
        Self::with_code(1, text)
    }

    /// A failure that ends the process with this code.
    pub(crate) fn with_code(code: u8, text: impl fmt::Display) -> Self {
        Self { text: text.to_string(), code }
    }

    /// The code with which the process ends.
    pub(crate) const fn code(&self) -> u8 {
        self.code
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
