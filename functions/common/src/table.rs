//! Where a value is in the DynamoDB table of a deployment: what the function reads and the command line writes. The other
//! items are the function's own business.

use base64::Engine as _;
use serde_json::{Value, json};

/// The partition of values. The sort key is the value's name, the attribute `b` its bytes.
pub const VALUES: &str = "value";
/// The largest value of one item, bytes. An item has at most 400 KB.
pub const LARGEST_VALUE: usize = 350_000;

/// The input of `PutItem` that sets a value. `None` for one that takes several items.
#[must_use]
pub fn put_value(table: &str, name: &str, value: &[u8]) -> Option<Value> {
    (value.len() <= LARGEST_VALUE).then(|| {
        let bytes = base64::engine::general_purpose::STANDARD.encode(value);
        json!({
            "TableName": table,
            "Item": { "pk": { "S": VALUES }, "sk": { "S": name }, "b": { "B": bytes } },
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_an_item_or_too_large_for_one() {
        let put = put_value("t", "config", b"{}").unwrap();
        assert_eq!(put["Item"]["b"]["B"], "e30=");
        assert!(put_value("t", "config", &vec![0; LARGEST_VALUE + 1]).is_none());
    }
}
