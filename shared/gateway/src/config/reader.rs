//! Walks a document and gathers every problem in it, instead of stopping at the first.

use serde_json::{Map, Value};

use super::path::Path;
use super::problem::{Problem, nearest};

/// What a name in the document stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Referent {
    /// An entry of `providers`.
    Provider,
    /// An entry of `models`.
    Model,
}

/// A use of a name, checked once the whole document has been read.
#[derive(Debug)]
pub(super) struct Reference {
    pub(super) at: Path,
    pub(super) to: Referent,
    pub(super) name: String,
}

/// The state of one reading.
#[derive(Debug, Default)]
pub(super) struct Reader {
    here: Path,
    pub(super) problems: Vec<Problem>,
    pub(super) warnings: Vec<Problem>,
    pub(super) references: Vec<Reference>,
}

impl Reader {
    /// Reads what is under `key`.
    pub(super) fn at_key<T>(&mut self, key: &str, read: impl FnOnce(&mut Self) -> T) -> T {
        let inner = self.here.key(key);
        self.at(inner, read)
    }

    /// Reads element `index`.
    pub(super) fn at_index<T>(&mut self, index: usize, read: impl FnOnce(&mut Self) -> T) -> T {
        let inner = self.here.index(index);
        self.at(inner, read)
    }

    fn at<T>(&mut self, inner: Path, read: impl FnOnce(&mut Self) -> T) -> T {
        let outer = std::mem::replace(&mut self.here, inner);
        let value = read(self);
        self.here = outer;
        value
    }

    /// Something here is wrong.
    pub(super) fn problem(&mut self, message: impl Into<String>) {
        self.problem_or(message, None);
    }

    /// Something here is wrong, and `suggestion` may be what was meant.
    pub(super) fn problem_or(&mut self, message: impl Into<String>, suggestion: Option<String>) {
        self.problems.push(Problem { path: self.here.to_string(), message: message.into(), suggestion });
    }

    /// Something here works, but probably not as its author thinks.
    pub(super) fn warning(&mut self, message: impl Into<String>, suggestion: Option<String>) {
        self.warnings.push(Problem { path: self.here.to_string(), message: message.into(), suggestion });
    }

    /// Another type than `expected` was found. Only for values that cannot be a secret.
    pub(super) fn unexpected(&mut self, expected: &str, value: &Value) {
        self.problem(format!("expected {expected}, found {}", found(value)));
    }

    /// A name is used here.
    pub(super) fn refer(&mut self, to: Referent, name: &str) {
        self.references.push(Reference { at: self.here.clone(), to, name: name.to_owned() });
    }

    /// How many problems there are so far: a check that needs sound values runs only if none was added.
    #[must_use]
    pub(super) fn count(&self) -> usize {
        self.problems.len()
    }

    /// The map that `value` must be, after refusing keys that are not in `known`.
    pub(super) fn object<'a>(&mut self, value: &'a Value, known: &[&str]) -> Option<&'a Map<String, Value>> {
        let Some(object) = value.as_object() else {
            // The text is not shown: a key written where a provider belongs is a likely mistake.
            self.problem(format!("expected a map, found {}", found_kind(value)));
            return None;
        };
        for key in object.keys().filter(|key| !known.contains(&key.as_str())) {
            let suggestion = nearest(key, known.iter().copied()).map(str::to_owned);
            let message = match suggestion {
                Some(_) => "unknown key".to_owned(),
                None => format!("unknown key; the keys here are {}", known.join(", ")),
            };
            self.at_key(key, |reader| reader.problem_or(message, suggestion));
        }
        Some(object)
    }

    /// Checks every name used against the names that exist.
    pub(super) fn resolve(&mut self, names: impl Fn(Referent) -> Vec<String>) {
        let (providers, models) = (names(Referent::Provider), names(Referent::Model));
        for Reference { at, to, name } in std::mem::take(&mut self.references) {
            let (word, section, known) = match to {
                Referent::Provider => ("provider", "providers", &providers),
                Referent::Model => ("model", "models", &models),
            };
            if known.contains(&name) {
                continue;
            }
            let suggestion = nearest(&name, known.iter().map(String::as_str)).map(str::to_owned);
            let mut message = format!("there is no {word} {}", quoted(&name));
            if suggestion.is_none() {
                message.push_str(&match known.len() {
                    0 => format!("; `{section}` has no entries"),
                    1..=12 => format!("; `{section}` has {}", known.join(", ")),
                    _ => format!("; add it under `{section}`"),
                });
            }
            self.at(at, |reader| reader.problem_or(message, suggestion));
        }
    }
}

/// What a value is, in words.
#[must_use]
pub(super) fn found(value: &Value) -> String {
    match value {
        Value::Null => "nothing (null)".to_owned(),
        Value::Bool(value) => format!("`{value}`"),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) => format!("the text {}", quoted(text)),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a map".to_owned(),
    }
}

/// What kind of value it is, without the value: for places that hold secrets.
#[must_use]
pub(super) fn found_kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing (null)",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}

/// The text in quotes, cut when it is long.
#[must_use]
pub(super) fn quoted(text: &str) -> String {
    const MOST: usize = 60;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{:?}...", text.get(..end).unwrap_or_default()),
        None => format!("{text:?}"),
    }
}
