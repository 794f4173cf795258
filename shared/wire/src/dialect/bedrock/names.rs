//! Names that Bedrock bounds: ids of tool calls, and names of documents.

use std::borrow::Cow;
use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use crate::dialect::unnamed_calls::UnnamedCalls;

/// Longest id of a tool call, in characters.
const MAX_ID: usize = 64;
/// Longest name of a document, in characters.
const MAX_NAME: usize = 200;

/// An id of a tool call that Bedrock takes: letters, digits and `_.:-`, at most 64. Another id becomes one that follows
/// from it alone, so that a call and its result keep together.
pub(super) fn call_id(id: &str) -> Cow<'_, str> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ':' | '-');
    if !id.is_empty() && id.len() <= MAX_ID && id.chars().all(fits) {
        return Cow::Borrowed(id);
    }
    let mut made = "call_".to_owned();
    for byte in Sha256::digest(id.as_bytes()).iter().take(16) {
        let _ = write!(made, "{byte:02x}");
    }
    Cow::Owned(made)
}

/// The names in a request. Bedrock requires one for each document, no two the same, of letters, digits, single spaces,
/// hyphens and brackets; and an id for each call.
#[derive(Debug, Default)]
pub(super) struct Names {
    used: Vec<String>,
    calls: UnnamedCalls,
}

impl Names {
    /// The id of a call that has none: it follows from the call's place.
    pub(super) fn of_call(&mut self, tool: &str, at: &str) -> String {
        let id = call_id(at).into_owned();
        self.calls.call(tool, &id);
        id
    }

    /// The id of the call that a result without one answers: the first of the same tool, or the first of all.
    pub(super) fn of_result(&mut self, tool: Option<&str>, at: &str) -> String {
        self.calls.answered(tool).unwrap_or_else(|| call_id(at).into_owned())
    }

    /// A name for the next document, as near as can be to the one it has.
    pub(super) fn document(&mut self, name: Option<&str>, format: Option<&str>) -> String {
        let mut name = name.unwrap_or_default();
        if let Some(stem) = format.and_then(|format| name.strip_suffix(format)?.strip_suffix('.')) {
            name = stem;
        }
        let mut clean = String::new();
        for c in name.chars().take(MAX_NAME) {
            if c.is_whitespace() {
                if !clean.ends_with(char::is_whitespace) {
                    clean.push(c);
                }
            } else if c.is_alphanumeric() || matches!(c, '-' | '(' | ')' | '[' | ']') {
                clean.push(c);
            } else {
                clean.push('-');
            }
        }
        if clean.trim().is_empty() {
            clean = format!("document-{}", self.used.len() + 1);
        }
        let mut unique = clean.clone();
        let mut number = 1_usize;
        while self.used.contains(&unique) {
            number += 1;
            let stem: String = clean.chars().take(MAX_NAME - 8).collect();
            unique = format!("{stem}-{number}");
        }
        self.used.push(unique.clone());
        unique
    }
}
