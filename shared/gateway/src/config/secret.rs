//! Text that may take secrets of the platform by name: `Bearer ${TOKEN}`.
//!
//! What is written in the document itself is never shown again: not in a problem, a log, nor in the document that
//! the administration API gives back.

use serde_json::{Value, json};

use super::reader::{Reader, found_kind, quoted};
use super::shape::{Description, Shape};
use crate::host::Secret;

/// What stands in place of a literal secret when a document is shown.
pub const HIDDEN: &str = "(hidden)";

/// Text with references to secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText {
    parts: Vec<Part>,
}

#[derive(Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    Reference(String),
}

/// A secret that the document names is not set on this platform.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the secret {0} is not set")]
pub struct MissingSecret(pub String);

/// Why a text is not a [`SecretText`]. Shows names of secrets only.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretTextError {
    /// A `${` that nothing closes.
    #[error("a `${{` has no closing `}}`; write `$${{` for the two characters themselves")]
    Open,
    /// What is between `${` and `}` is no name.
    #[error("{0} is not the name of a secret: letters, digits and `_`, not starting with a digit")]
    Name(String),
}

impl SecretText {
    /// A text that is the secret called `name`.
    #[must_use]
    pub fn reference(name: &str) -> Self {
        Self { parts: vec![Part::Reference(name.to_owned())] }
    }

    /// A text without references.
    pub(super) fn plain(text: &str) -> Self {
        Self { parts: vec![Part::Literal(text.to_owned())] }
    }

    /// Reads `${NAME}` as a reference, `$${` as the characters `${`, and all else as it is.
    pub fn parse(text: &str) -> Result<Self, SecretTextError> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            if let Some(escaped) = before.strip_suffix('$') {
                literal.push_str(escaped);
                literal.push_str("${");
                rest = after;
                continue;
            }
            let (name, left) = after.split_once('}').ok_or(SecretTextError::Open)?;
            if !is_secret_name(name) {
                return Err(SecretTextError::Name(quoted(name)));
            }
            literal.push_str(before);
            if !literal.is_empty() {
                parts.push(Part::Literal(std::mem::take(&mut literal)));
            }
            parts.push(Part::Reference(name.to_owned()));
            rest = left;
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        Ok(Self { parts })
    }

    /// The names of the secrets in it.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Reference(name) => Some(name.as_str()),
            Part::Literal(_) => None,
        })
    }

    /// Whether it has no reference, so the document holds the value itself.
    #[must_use]
    pub fn is_literal(&self) -> bool {
        self.names().next().is_none()
    }

    /// What is literally in the document, if nothing else is.
    #[must_use]
    pub(super) fn literal(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [Part::Literal(text)] => Some(text),
            _ => None,
        }
    }

    /// The literal text before the first reference.
    pub(super) fn prefix(&self) -> &str {
        match self.parts.first() {
            Some(Part::Literal(text)) => text,
            _ => "",
        }
    }

    /// The value, with every reference replaced by what `secret` gives.
    pub fn resolve(&self, secret: &dyn Fn(&str) -> Option<Secret>) -> Result<Secret, MissingSecret> {
        // The usual case, `${NAME}` alone, shares the host's value instead of copying it.
        if let [Part::Reference(name)] = self.parts.as_slice() {
            return secret(name).ok_or_else(|| MissingSecret(name.clone()));
        }
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Reference(name) => {
                    text.push_str(secret(name).ok_or_else(|| MissingSecret(name.clone()))?.reveal());
                }
            }
        }
        Ok(Secret::new(text))
    }

    /// The text as in a document; literal parts too, so only for what is not secret.
    pub(super) fn source(&self) -> String {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Literal(literal) => text.push_str(&literal.replace("${", "$${")),
                Part::Reference(name) => text.extend(["${", name, "}"]),
            }
        }
        text
    }
}

fn is_secret_name(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && name.bytes().next().is_some_and(|first| !first.is_ascii_digit())
}

/// Shows names, hides literal parts.
impl std::fmt::Display for SecretText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for part in &self.parts {
            match part {
                Part::Literal(_) if self.is_literal() => f.write_str(HIDDEN)?,
                // `Bearer ` and its kin are no secret, but what is may be pasted around a reference as well.
                Part::Literal(text) if is_scheme(text) => f.write_str(text)?,
                Part::Literal(_) => f.write_str(HIDDEN)?,
                Part::Reference(name) => write!(f, "${{{name}}}")?,
            }
        }
        Ok(())
    }
}

fn is_scheme(text: &str) -> bool {
    ["bearer ", "basic ", "token ", "api-key "].contains(&text.to_ascii_lowercase().as_str())
}

impl std::fmt::Debug for SecretText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SecretText({self})")
    }
}

impl Shape for SecretText {
    type Value = Self;

    fn read(value: &Value, reader: &mut Reader) -> Option<Self> {
        let Some(text) = value.as_str() else {
            let found = found_kind(value);
            reader.problem(format!("expected text such as ${{NAME}}, found {found}"));
            return None;
        };
        if text.is_empty() {
            reader.problem("must not be empty");
            return None;
        }
        if text.contains(HIDDEN) {
            reader.problem(format!(
                "{HIDDEN} stands for a secret that was not shown; write ${{NAME}} or the secret itself"
            ));
            return None;
        }
        match Self::parse(text) {
            // It becomes a header: a line break that slipped into it would otherwise fail each call.
            Ok(read) if http::HeaderValue::from_str(text).is_ok() && text.trim() == text => Some(read),
            Ok(_) => {
                reader.problem("has a character that a header cannot carry, or a space at an end");
                None
            }
            Err(error) => {
                reader.problem(error.to_string());
                None
            }
        }
    }

    fn write(value: &Self) -> Value {
        Value::from(value.to_string())
    }

    fn describe() -> Description {
        Description::scalar("secret text", json!({"type": "string", "minLength": 1}))
    }
}

/// Text that is no secret but may take one: it is shown as it was written.
#[derive(Debug)]
pub(super) struct Shown;

impl Shape for Shown {
    type Value = SecretText;

    fn read(value: &Value, reader: &mut Reader) -> Option<SecretText> {
        SecretText::read(value, reader)
    }

    fn write(value: &SecretText) -> Value {
        Value::from(value.source())
    }

    fn describe() -> Description {
        Description::scalar("text", json!({"type": "string", "minLength": 1}))
    }
}
