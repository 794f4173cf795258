//! What is wrong with a document, in words for the person who wrote it, and what they may have meant.
//!
//! A problem never shows the value of a secret.

use serde::{Deserialize, Serialize};

/// One thing that is wrong, or doubtful, in a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Where: `models.assistant.targets[0].weight`; empty for the document itself.
    pub path: String,
    /// What is wrong and what was expected.
    pub message: String,
    /// What to write instead, where that can be guessed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<String>,
}

/// `path: message (did you mean "x"?)`
impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)?;
        match &self.suggestion {
            Some(suggestion) => write!(f, " (did you mean {suggestion:?}?)"),
            None => Ok(()),
        }
    }
}

/// The candidate that `written` most likely stands for, if one is close: few typing errors apart, or one is a part
/// of the other (`url` for `base_url`). Case does not count.
#[must_use]
pub fn nearest<'a>(written: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Longer texts are not names: comparing them costs time and helps nobody.
    const LONGEST: usize = 200;
    if written.is_empty() || written.len() > LONGEST {
        return None;
    }
    let folded = written.to_lowercase();
    // Fewer than the text is long: one letter is not a mistyped other letter.
    let length = folded.chars().count();
    let allowed = (length / 3).clamp(1, 4).min(length.saturating_sub(1));
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates.into_iter().filter(|candidate| candidate.len() <= LONGEST) {
        let other = candidate.to_lowercase();
        let typing_errors = strsim::damerau_levenshtein(&folded, &other);
        let part = folded.len().min(other.len()) >= 3 && (folded.contains(&other) || other.contains(&folded));
        let distance = match typing_errors {
            near if near <= allowed => near,
            // Worse than any typing error, better than nothing.
            far if part => far.saturating_add(10),
            _ => continue,
        };
        if best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}
