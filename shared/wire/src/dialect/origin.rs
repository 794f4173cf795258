//! A mark on a request: the format that it was read from.
//!
//! Vendors of one format have tools, choices and kinds of content of their own, and take schemas as they are there. A
//! writer of the same format passes them on; for any other request it writes only what its format says. The mark is gone
//! when a request is told to another format ([`Dialect::leave_extra`]).

use serde_json::{Map, Value};

use super::Dialect;
use crate::chat::{AS_SAID, Extra, Request};

fn name(dialect: Dialect) -> String {
    format!("{AS_SAID}{}", dialect.name())
}

/// Marks what is left of a request with the format that it was read from.
pub(crate) fn mark(extra: &mut Extra, dialect: Dialect) {
    extra.insert(name(dialect), Value::Null);
}

/// Whether a request was read from this format.
pub(crate) fn is(request: &Request, dialect: Dialect) -> bool {
    request.extra.contains_key(&name(dialect))
}

/// Takes the mark out of what is written.
pub(crate) fn unmark(map: &mut Map<String, Value>, dialect: Dialect) {
    map.shift_remove(&name(dialect));
}
