//! `cache_control`, as Anthropic writes it, and OpenRouter and others for its models.

use serde_json::{Map, Value};

use super::fields::put;
use crate::chat::{CacheLife, CacheMark};

/// Reads `cache_control`; a form not known stays.
pub(crate) fn take_cache_mark(map: &mut Map<String, Value>) -> Option<CacheMark> {
    let Some(Value::Object(mark)) = map.get("cache_control") else { return None };
    if mark.get("type")?.as_str()? != "ephemeral" {
        return None;
    }
    let life = match (mark.len(), mark.get("ttl").and_then(Value::as_str)) {
        (1, None) => CacheLife::Default,
        (2, Some("5m")) => CacheLife::FiveMinutes,
        (2, Some("1h")) => CacheLife::OneHour,
        _ => return None,
    };
    map.remove("cache_control");
    Some(CacheMark { life })
}

/// Writes it, if there is one.
pub(crate) fn put_cache_mark(map: &mut Map<String, Value>, mark: Option<CacheMark>) {
    let Some(mark) = mark else { return };
    let mut control = Map::new();
    put(&mut control, "type", "ephemeral");
    match mark.life {
        CacheLife::Default => {}
        CacheLife::FiveMinutes => put(&mut control, "ttl", "5m"),
        CacheLife::OneHour => put(&mut control, "ttl", "1h"),
    }
    put(map, "cache_control", control);
}
