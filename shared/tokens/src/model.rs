//! Which encoding a model has.

use crate::encoding::Encoding;
use crate::encoding::Encoding::{Cl100kBase, O200kBase, O200kHarmony};

/// The newest encoding, which stands for those that are not known.
const NEWEST: Encoding = O200kBase;

/// Whole names.
const NAMES: &[(&str, Encoding)] = &[
    ("o1", O200kBase),
    ("o3", O200kBase),
    ("o4-mini", O200kBase),
    ("gpt-4.1", O200kBase),
    ("gpt-4o", O200kBase),
    ("gpt-4", Cl100kBase),
    ("gpt-3.5-turbo", Cl100kBase),
    ("gpt-3.5", Cl100kBase),
    ("gpt-35-turbo", Cl100kBase),
    ("davinci-002", Cl100kBase),
    ("babbage-002", Cl100kBase),
    ("text-embedding-ada-002", Cl100kBase),
    ("text-embedding-3-small", Cl100kBase),
    ("text-embedding-3-large", Cl100kBase),
];

/// How names begin.
const PREFIXES: &[(&str, Encoding)] = &[
    ("o1-", O200kBase),
    ("o3-", O200kBase),
    ("o4-mini-", O200kBase),
    ("gpt-5", O200kBase),
    ("gpt-4.5-", O200kBase),
    ("gpt-4.1-", O200kBase),
    ("chatgpt-4o-", O200kBase),
    ("gpt-4o-", O200kBase),
    ("gpt-4-", Cl100kBase),
    ("gpt-3.5-turbo-", Cl100kBase),
    ("gpt-35-turbo-", Cl100kBase),
    ("gpt-oss-", O200kHarmony),
    ("codex-mini", O200kBase),
];

impl Encoding {
    /// The encoding of an OpenAI model, and whether that is known: if not, it is the newest encoding, and what is counted
    /// with it is an estimate.
    ///
    /// The names are those that tiktoken lists for these encodings, dated and fine-tuned (`ft:MODEL:...`) ones included.
    #[must_use]
    pub fn for_model(name: &str) -> (Self, bool) {
        let name = match name.strip_prefix("ft:") {
            Some(tuned) => tuned.split(':').next().unwrap_or(tuned),
            None => name,
        };
        let whole = NAMES.iter().find(|(known, _)| *known == name);
        let found = whole.or_else(|| PREFIXES.iter().find(|(prefix, _)| name.starts_with(prefix)));
        found.map_or((NEWEST, false), |(_, encoding)| (*encoding, true))
    }
}
