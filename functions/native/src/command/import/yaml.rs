//! Writes a value as YAML in blocks, one member a line.

use serde_json::{Map, Value};

/// Appends an object at the outermost level.
pub(super) fn write(value: &Value, out: &mut String) {
    match value {
        Value::Object(map) => members(map, 0, out),
        other => {
            out.push_str(&scalar(other));
            out.push('\n');
        }
    }
}

fn members(map: &Map<String, Value>, depth: usize, out: &mut String) {
    for (name, value) in map {
        out.push_str(&"  ".repeat(depth));
        out.push_str(&text(name));
        out.push(':');
        below(value, depth + 1, out);
    }
}

/// A value behind the name or the dash that leads to it.
fn below(value: &Value, depth: usize, out: &mut String) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            out.push('\n');
            members(map, depth, out);
        }
        Value::Array(list) if !list.is_empty() => {
            out.push('\n');
            for item in list {
                item_of_list(item, depth, out);
            }
        }
        other => {
            out.push(' ');
            out.push_str(&scalar(other));
            out.push('\n');
        }
    }
}

fn item_of_list(item: &Value, depth: usize, out: &mut String) {
    out.push_str(&"  ".repeat(depth));
    out.push('-');
    match item {
        Value::Object(map) if !map.is_empty() => {
            // The first member stands beside the dash.
            let mut block = String::new();
            members(map, depth + 1, &mut block);
            out.push(' ');
            out.push_str(block.trim_start());
        }
        other => below(other, depth + 1, out),
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(string) => text(string),
        // JSON's empty collections and words are YAML's.
        other => other.to_string(),
    }
}

/// A text, bare where no reader could take it for something else; otherwise quoted as JSON does, which YAML reads.
fn text(text: &str) -> String {
    let reference = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
    let is_reference =
        reference.is_some_and(|name| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'));
    let first = text.bytes().next().is_some_and(|first| first.is_ascii_alphabetic());
    let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-/+".contains(&b))
        || text.split_once("://").is_some_and(|(scheme, rest)| {
            let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-/:".contains(&b);
            scheme.starts_with("http") && rest.bytes().all(plain) && !rest.ends_with(':')
        });
    // Words and numbers that YAML, or an older reader of it, takes for values of another type.
    let word = ["true", "false", "null", "yes", "no", "on", "off", "y", "n", "inf", "nan"]
        .iter()
        .any(|word| text.eq_ignore_ascii_case(word));
    if is_reference || (first && plain && !word) { text.to_owned() } else { Value::from(text).to_string() }
}
