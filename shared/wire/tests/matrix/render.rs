//! Bodies as text that a person can read and a diff can show.

use std::fmt::Write as _;

use serde_json::Value;

/// Columns of a line.
const WIDTH: usize = 118;

/// JSON with everything on one line that fits on one.
pub(crate) fn json(value: &Value) -> String {
    let mut out = String::new();
    write(value, 0, 0, &mut out);
    out.push('\n');
    out
}

/// JSON of a body; what is none as it is.
pub(crate) fn body(bytes: &[u8]) -> String {
    match serde_json::from_slice(bytes) {
        Ok(value) => json(&value),
        Err(error) => format!("NO JSON ({error}): {}\n", String::from_utf8_lossy(bytes)),
    }
}

/// As [`body`], with fields in the order of their names: for comparing what is said.
pub(crate) fn sorted(bytes: &[u8]) -> String {
    let mut value: Value = serde_json::from_slice(bytes).expect("JSON");
    value.sort_all_objects();
    json(&value)
}

/// `before` is what stands on the line already.
fn write(value: &Value, indent: usize, before: usize, out: &mut String) {
    let flat = flat(value);
    if indent + before + flat.chars().count() < WIDTH {
        out.push_str(&flat);
        return;
    }
    let inner = indent + 2;
    match value {
        Value::Object(map) if !map.is_empty() => {
            out.push_str("{\n");
            for (index, (name, value)) in map.iter().enumerate() {
                let name = Value::from(name.as_str()).to_string();
                let _ = write!(out, "{:inner$}{name}: ", "");
                write(value, inner, name.chars().count() + 3, out);
                out.push_str(if index + 1 < map.len() { ",\n" } else { "\n" });
            }
            let _ = write!(out, "{:indent$}}}", "");
        }
        Value::Array(items) if !items.is_empty() => {
            out.push_str("[\n");
            for (index, value) in items.iter().enumerate() {
                let _ = write!(out, "{:inner$}", "");
                write(value, inner, 1, out);
                out.push_str(if index + 1 < items.len() { ",\n" } else { "\n" });
            }
            let _ = write!(out, "{:indent$}]", "");
        }
        _ => out.push_str(&flat),
    }
}

fn flat(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let fields: Vec<_> = map
                .iter()
                .map(|(name, value)| format!("{}: {}", Value::from(name.as_str()), flat(value)))
                .collect();
            format!("{{{}}}", fields.join(", "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(flat).collect::<Vec<_>>().join(", ")),
        plain => plain.to_string(),
    }
}
