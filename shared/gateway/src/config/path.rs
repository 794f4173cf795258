//! Where in the document something is: `models.assistant.targets[0].weight`.
//!
//! A path never holds a value, only keys and positions, so it is safe in a message.

use std::fmt::Write as _;

/// A place in the document. The empty path is the document itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path(String);

impl Path {
    /// The place of `key` in the map that is here. A key that could be misread is quoted as in JSON.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        let plain = !key.is_empty()
            && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'$'));
        let mut text = self.0.clone();
        if !text.is_empty() {
            text.push('.');
        }
        if plain {
            text.push_str(key);
        } else {
            let _ = write!(text, "{}", serde_json::Value::from(key));
        }
        Self(text)
    }

    /// The place of element `index` of the list that is here.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        Self(format!("{}[{index}]", self.0))
    }

    /// The path as it is shown.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Path {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
