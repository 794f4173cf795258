//! Spellings that must come back in the format they were read from, kept in `extra` under names of their own.

use serde_json::{Map, Value};

use crate::chat::{AS_SAID, Extra};
use crate::dialect::fields;

/// Keeps how a typed field was spelt. Returns nothing to translate: see [`AS_SAID`].
pub(crate) fn mark(extra: &mut Extra, name: &str, value: impl Into<Value>) {
    extra.insert(format!("{AS_SAID}{name}"), value.into());
}

/// How a typed field was spelt, if that was kept.
pub(crate) fn marked<'a>(extra: &'a Extra, name: &str) -> Option<&'a Value> {
    extra.iter().find(|(key, _)| key.strip_prefix(AS_SAID) == Some(name)).map(|(_, value)| value)
}

/// Adds what a reader left over, without the spellings.
pub(crate) fn merge_extra(written: &mut Map<String, Value>, extra: &Extra) {
    if extra.keys().any(|name| name.starts_with(AS_SAID)) {
        let said = extra.iter().filter(|(name, _)| !name.starts_with(AS_SAID));
        fields::merge(written, &said.map(|(name, value)| (name.clone(), value.clone())).collect());
    } else {
        fields::merge(written, extra);
    }
}

/// Takes names away that look like spellings: no format has such fields, and what was kept must have been kept here.
pub(crate) fn no_marks(map: &mut Extra) {
    map.retain(|name, _| !name.starts_with(AS_SAID));
}
