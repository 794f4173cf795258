//! Whether a record says, among other things, what a case says.

use serde_json::Value;

/// Adds what `found` says differently. Members that `expected` does not name are free; arrays have the same length;
/// `null` stands for absent; `usage` is compared whole, because its counts are disjoint; `{"$from": a, "$to": b}` is
/// any number from `a` to `b`.
pub(super) fn differences(path: &str, expected: &Value, found: &Value, wrong: &mut Vec<String>) {
    match (expected, found) {
        (Value::Object(range), found) if range.contains_key("$from") || range.contains_key("$to") => {
            let bound = |name: &str, or: f64| range.get(name).and_then(Value::as_f64).unwrap_or(or);
            let good = found
                .as_f64()
                .is_some_and(|n| (bound("$from", f64::MIN)..=bound("$to", f64::MAX)).contains(&n));
            if !good {
                wrong.push(format!("{path} is {found}, not in {expected}"));
            }
        }
        (Value::Object(members), Value::Object(_)) => {
            if path.ends_with(".usage")
                && let Some(more) =
                    found.as_object().and_then(|f| f.keys().find(|k| !members.contains_key(*k)))
            {
                wrong.push(format!("{path}.{more} is {}, and was not expected", found[more]));
            }
            for (name, value) in members {
                let there = found.get(name).unwrap_or(&Value::Null);
                differences(&format!("{path}.{name}"), value, there, wrong);
            }
        }
        (Value::Array(items), Value::Array(others)) if items.len() == others.len() => {
            for (i, (item, other)) in items.iter().zip(others).enumerate() {
                differences(&format!("{path}[{i}]"), item, other, wrong);
            }
        }
        _ if expected == found => {}
        _ => wrong.push(format!("{path} is {found}, not {expected}")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn wrong(expected: &Value, found: &Value) -> Vec<String> {
        let mut wrong = Vec::new();
        differences("record", expected, found, &mut wrong);
        wrong
    }

    #[test]
    fn compares_what_is_named() {
        assert!(wrong(&json!({"a": 1, "gone": null}), &json!({"a": 1, "b": 2})).is_empty());
        assert_eq!(
            wrong(&json!({"a": [{"x": 1}]}), &json!({"a": [{"x": 2}]})),
            ["record.a[0].x is 2, not 1"]
        );
        assert_eq!(wrong(&json!({"a": []}), &json!({"a": [1]})).len(), 1);
        assert!(wrong(&json!({"t": {"$from": 5, "$to": 9}}), &json!({"t": 7})).is_empty());
        assert_eq!(wrong(&json!({"t": {"$from": 5}}), &json!({"t": 4})).len(), 1);
        assert_eq!(
            wrong(&json!({"usage": {"input": 1}}), &json!({"usage": {"input": 1, "output": 2}})).len(),
            1
        );
    }
}
