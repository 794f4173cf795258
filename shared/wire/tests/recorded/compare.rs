//! Compares what was written with what was recorded, and says where they part.

use serde_json::Value;

/// The first place where two values differ.
fn difference(path: &str, left: &Value, right: &Value) -> Option<String> {
    match (left, right) {
        (Value::Object(a), Value::Object(b)) => a.keys().chain(b.keys()).find_map(|key| {
            let path = format!("{path}.{key}");
            match (a.get(key), b.get(key)) {
                (Some(a), Some(b)) => difference(&path, a, b),
                (None, Some(b)) => Some(format!("{path} was added: {b}")),
                (Some(a), None) => Some(format!("{path} was lost: {a}")),
                (None, None) => None,
            }
        }),
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            a.iter().zip(b).enumerate().find_map(|(i, (a, b))| difference(&format!("{path}[{i}]"), a, b))
        }
        (a, b) if a == b => None,
        (a, b) => Some(format!("{path}: {a} became {b}")),
    }
}

/// Constants that some vendors and callers leave out and that are written all the same: the format requires them.
const COMPLETED: [(&str, &str); 3] =
    [("object", "chat.completion"), ("type", "function"), ("type", "message")];

pub(crate) fn same(original: &[u8], written: &[u8]) -> Result<(), String> {
    let parse = |bytes| serde_json::from_slice::<Value>(bytes).map_err(|error| error.to_string());
    let mut original = parse(original)?;
    let written = parse(written)?;
    complete(&mut original, &written);
    difference("", &original, &written).map_or(Ok(()), Err)
}

/// Adds the constants to the original where they were written.
fn complete(original: &mut Value, written: &Value) {
    match (original, written) {
        (Value::Object(original), Value::Object(written)) => {
            for (name, constant) in COMPLETED {
                if !original.contains_key(name) && written.get(name).is_some_and(|value| value == constant) {
                    original.insert(name.to_owned(), constant.into());
                }
            }
            for (name, value) in original {
                if let Some(written) = written.get(name.as_str()) {
                    complete(value, written);
                }
            }
        }
        (Value::Array(original), Value::Array(written)) => {
            original.iter_mut().zip(written).for_each(|(original, written)| complete(original, written));
        }
        _ => {}
    }
}

pub(crate) fn ensure<T: PartialEq + std::fmt::Debug>(what: &str, left: &T, right: &T) -> Result<(), String> {
    if left == right { Ok(()) } else { Err(format!("{what}: {left:?} is not {right:?}")) }
}
