//! Taking a JSON object apart, field by field, with the place of each for error messages.
//!
//! What is not taken stays, explicit `null`s included, and becomes `extra`. Two ways to take: the strict one, for what
//! callers send, refuses a wrong type and names the field; the lenient one (`try_`), for what providers send, leaves
//! it where it is.

use std::fmt::Write as _;

use serde_json::{Map, Number, Value};

use super::DecodeError;

/// A place in a document. Kept on the stack and written out only when something is wrong there.
#[derive(Clone, Copy)]
pub(crate) enum Path<'a> {
    Root,
    Field(&'a Self, &'a str),
    Item(&'a Self, usize),
}

impl Path<'_> {
    fn write(&self, out: &mut String) {
        match self {
            Self::Root => {}
            Self::Field(parent, name) => {
                parent.write(out);
                if !out.is_empty() {
                    out.push('.');
                }
                out.push_str(name);
            }
            Self::Item(parent, index) => {
                parent.write(out);
                let _ = write!(out, "[{index}]");
            }
        }
    }

    /// An error here.
    pub(crate) fn error(&self, reason: impl Into<String>) -> DecodeError {
        let mut path = String::new();
        self.write(&mut path);
        DecodeError::at(path, reason)
    }

    fn wrong_type(&self, expected: &str, found: &Value) -> DecodeError {
        self.error(format!("expected {expected}, found {}", name_of(found)))
    }

    /// An error about a field here.
    pub(crate) fn field_error(&self, name: &str, reason: impl Into<String>) -> DecodeError {
        Path::Field(self, name).error(reason)
    }
}

/// What sort of JSON value it is, for error messages, which never quote the value itself.
fn name_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// Reads a body that must be one JSON object. Nesting is bounded by the JSON reader (128 levels).
pub(crate) fn parse_object(body: &[u8]) -> Result<Map<String, Value>, DecodeError> {
    if body.is_empty() {
        return Err(Path::Root.error("the body is empty; expected a JSON object"));
    }
    let value = serde_json::from_slice::<Value>(body)
        .map_err(|error| Path::Root.error(format!("the body is not valid JSON: {error}")))?;
    into_object(&Path::Root, value)
}

/// The value as an object.
pub(crate) fn into_object(path: &Path<'_>, value: Value) -> Result<Map<String, Value>, DecodeError> {
    match value {
        Value::Object(map) => Ok(map),
        other => Err(path.wrong_type("an object", &other)),
    }
}

/// The value as a string.
pub(crate) fn into_string(path: &Path<'_>, value: Value) -> Result<String, DecodeError> {
    match value {
        Value::String(text) => Ok(text),
        other => Err(path.wrong_type("a string", &other)),
    }
}

/// Takes a field; `null` counts as absent and stays.
pub(crate) fn take(map: &mut Map<String, Value>, name: &str) -> Option<Value> {
    match map.get(name) {
        None | Some(Value::Null) => None,
        Some(_) => map.remove(name),
    }
}

/// Takes a field if it satisfies a test.
pub(crate) fn take_if(
    map: &mut Map<String, Value>,
    name: &str,
    test: impl FnOnce(&Value) -> bool,
) -> Option<Value> {
    map.get(name).is_some_and(test).then(|| map.remove(name)).flatten()
}

macro_rules! strict_and_lenient {
    ($strict:ident, $lenient:ident, $type:ty, $expected:literal, $variant:ident) => {
        #[doc = concat!("Takes ", $expected, "; anything else but `null` is an error.")]
        pub(crate) fn $strict(
            map: &mut Map<String, Value>,
            path: &Path<'_>,
            name: &str,
        ) -> Result<Option<$type>, DecodeError> {
            match take(map, name) {
                None => Ok(None),
                Some(Value::$variant(value)) => Ok(Some(value)),
                Some(other) => Err(Path::Field(path, name).wrong_type($expected, &other)),
            }
        }

        #[doc = concat!("Takes ", $expected, "; anything else stays.")]
        #[allow(dead_code, reason = "one macro for all types; not each is read from providers")]
        pub(crate) fn $lenient(map: &mut Map<String, Value>, name: &str) -> Option<$type> {
            match take_if(map, name, |value| matches!(value, Value::$variant(_))) {
                Some(Value::$variant(value)) => Some(value),
                _ => None,
            }
        }
    };
}

strict_and_lenient!(string, try_string, String, "a string", String);
strict_and_lenient!(boolean, try_boolean, bool, "a boolean", Bool);
strict_and_lenient!(number, try_number, Number, "a number", Number);
strict_and_lenient!(array, try_array, Vec<Value>, "an array", Array);
strict_and_lenient!(object, try_object, Map<String, Value>, "an object", Object);

/// Takes a whole number from 0 on; anything else but `null` is an error.
pub(crate) fn whole(
    map: &mut Map<String, Value>,
    path: &Path<'_>,
    name: &str,
) -> Result<Option<u64>, DecodeError> {
    match take(map, name) {
        None => Ok(None),
        Some(value) => match value.as_u64() {
            Some(number) => Ok(Some(number)),
            None if value.is_number() => Err(path.field_error(name, "expected a whole number, not negative")),
            None => Err(Path::Field(path, name).wrong_type("a whole number", &value)),
        },
    }
}

/// Takes a whole number from 1 on; anything else but `null` is an error.
pub(crate) fn positive(
    map: &mut Map<String, Value>,
    path: &Path<'_>,
    name: &str,
) -> Result<Option<u64>, DecodeError> {
    match whole(map, path, name)? {
        Some(0) => Err(path.field_error(name, "expected at least 1")),
        number => Ok(number),
    }
}

/// Takes a whole number from 0 on; anything else stays.
pub(crate) fn try_whole(map: &mut Map<String, Value>, name: &str) -> Option<u64> {
    take_if(map, name, Value::is_u64)?.as_u64()
}

/// Takes a string that must be there.
pub(crate) fn need_string(
    map: &mut Map<String, Value>,
    path: &Path<'_>,
    name: &str,
) -> Result<String, DecodeError> {
    string(map, path, name)?.ok_or_else(|| path.field_error(name, "required: a string"))
}

/// Takes a list of strings; anything else but `null` is an error.
pub(crate) fn strings(
    map: &mut Map<String, Value>,
    path: &Path<'_>,
    name: &str,
) -> Result<Option<Vec<String>>, DecodeError> {
    let Some(values) = array(map, path, name)? else { return Ok(None) };
    into_strings(&Path::Field(path, name), values).map(Some)
}

/// All values as strings.
pub(crate) fn into_strings(path: &Path<'_>, values: Vec<Value>) -> Result<Vec<String>, DecodeError> {
    values
        .into_iter()
        .enumerate()
        .map(|(index, value)| into_string(&Path::Item(path, index), value))
        .collect()
}

/// Puts back what is left of an object after its known fields were taken.
pub(crate) fn put_back(map: &mut Map<String, Value>, name: &str, rest: Map<String, Value>) {
    if !rest.is_empty() {
        map.insert(name.to_owned(), Value::Object(rest));
    }
}

/// Adds what a reader left over to what a writer wrote: where both have an object, its fields are added; where both
/// have anything else, what was written stands.
pub(crate) fn merge(written: &mut Map<String, Value>, rest: &Map<String, Value>) {
    for (name, value) in rest {
        match (written.get_mut(name), value) {
            (None, value) => {
                written.insert(name.clone(), value.clone());
            }
            (Some(Value::Object(mine)), Value::Object(theirs)) => merge(mine, theirs),
            (Some(_), _) => {}
        }
    }
}

/// Writes a field.
pub(crate) fn put(map: &mut Map<String, Value>, name: &str, value: impl Into<Value>) {
    map.insert(name.to_owned(), value.into());
}

/// Writes a field that may be absent.
pub(crate) fn put_some<T: Clone + Into<Value>>(map: &mut Map<String, Value>, name: &str, value: Option<&T>) {
    if let Some(value) = value {
        put(map, name, value.clone());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn map(value: Value) -> Map<String, Value> {
        into_object(&Path::Root, value).expect("an object")
    }

    #[test]
    fn paths_are_written_as_vendors_write_them() {
        let messages = Path::Field(&Path::Root, "messages");
        let first = Path::Item(&messages, 1);
        assert_eq!(first.field_error("role", "no").path, "messages[1].role");
    }

    #[test]
    fn a_wrong_type_is_named_without_its_value() {
        let error = string(&mut map(json!({"model": {"secret": 1}})), &Path::Root, "model").unwrap_err();
        assert_eq!(error.to_string(), "model: expected a string, found an object");
    }

    #[test]
    fn null_is_absent_but_stays() {
        let mut fields = map(json!({"stop": null}));
        assert_eq!(string(&mut fields, &Path::Root, "stop"), Ok(None));
        assert_eq!(fields.get("stop"), Some(&Value::Null));
    }

    #[test]
    fn what_was_left_over_is_merged_deeply_and_never_replaces() {
        let mut written = map(json!({"a": {"x": 1}, "b": 2}));
        merge(&mut written, &map(json!({"a": {"x": 9, "y": 3}, "b": 9, "c": null})));
        assert_eq!(Value::Object(written), json!({"a": {"x": 1, "y": 3}, "b": 2, "c": null}));
    }
}
