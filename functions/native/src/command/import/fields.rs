//! An object of the source, member by member: what nobody asked for is noted at the end, so that nothing is dropped
//! silently.

use serde_json::{Map, Value};

use super::draft::Draft;

/// An object of the source.
pub(super) struct Fields<'a> {
    path: String,
    map: &'a Map<String, Value>,
    left: Vec<&'a str>,
}

impl<'a> Fields<'a> {
    /// The object at `path`.
    ///
    /// # Errors
    /// If it is none.
    pub(super) fn of(path: impl Into<String>, value: &'a Value) -> Result<Self, String> {
        let path = path.into();
        match value.as_object() {
            Some(map) => Ok(Self { path, map, left: map.keys().map(String::as_str).collect() }),
            None => Err(format!("{path}: expected a mapping")),
        }
    }

    /// Where a member stands.
    pub(super) fn at(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// Where the object stands.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// A member; `null` is none.
    pub(super) fn take(&mut self, name: &str) -> Option<&'a Value> {
        self.left.retain(|left| *left != name);
        self.map.get(name).filter(|value| !value.is_null())
    }

    /// A member that is a text. A number, as in `name: 4`, is one too.
    ///
    /// # Errors
    /// If it is something else.
    pub(super) fn text(&mut self, name: &str) -> Result<Option<String>, String> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(_) => Err(format!("{}: expected a text", self.at(name))),
        }
    }

    /// A member that is a text and must be there.
    ///
    /// # Errors
    /// If it is not.
    pub(super) fn need(&mut self, name: &str) -> Result<String, String> {
        self.text(name)?.ok_or_else(|| format!("{}: is missing", self.at(name)))
    }

    /// A member that is a secret, as a reference. `$NAME` of the source is the platform's secret NAME; everything else is
    /// the secret itself, or the path of a file with it, and is not shown: `variable` is then the name for it.
    ///
    /// # Errors
    /// If it is no text.
    pub(super) fn secret(
        &mut self,
        name: &str,
        variable: &str,
        draft: &mut Draft,
    ) -> Result<Option<String>, String> {
        let Some(value) = self.text(name)? else { return Ok(None) };
        let is_name = |name: &str| {
            name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
                && name.bytes().next().is_some_and(|first| !first.is_ascii_digit())
        };
        let named = value
            .strip_prefix('$')
            .map(|rest| rest.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or(rest));
        Ok(Some(match named.filter(|name| is_name(name)) {
            Some(name) => format!("${{{name}}}"),
            None => draft.hide(&self.at(name), &value, variable),
        }))
    }

    /// Notes every member that was not asked for. Values are not shown.
    pub(super) fn finish(self, draft: &mut Draft) {
        for name in &self.left {
            draft.lose(&self.at(name), "Postern has nothing of the kind");
        }
    }
}
