//! What a caller got.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

/// What a caller got until the answer ended or it left.
#[derive(Clone, Debug)]
pub struct Heard {
    /// The head, if it came.
    pub head: Option<(StatusCode, HeaderMap)>,
    /// The body as far as it came.
    pub body: Bytes,
    /// How it ended.
    pub ending: Ending,
}

/// How an answer ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// As it should.
    Complete,
    /// The caller left.
    Left,
    /// The connection broke: never right.
    Broken(String),
}

impl Heard {
    /// The status; 0 if there was none.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.head.as_ref().map_or(0, |(status, _)| status.as_u16())
    }

    /// A header's value, if it is there and text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.as_ref()?.1.get(name)?.to_str().ok()
    }
}
