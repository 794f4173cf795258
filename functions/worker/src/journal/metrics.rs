//! A data point of Analytics Engine for each call. A dataset can be asked by SQL; the order of the columns is its layout.

use postern_gateway::Record;
use wasm_bindgen::JsValue;

use crate::edge;

/// Counts a call. What cannot be counted is not worth failing a call for.
pub(super) fn count(dataset: &JsValue, record: &Record) {
    let outcome = serde_json::to_value(record.outcome).unwrap_or_default();
    let blobs = [
        record.tenant.as_str(),
        &record.key,
        &record.model,
        &record.provider,
        &record.upstream_model,
        outcome.as_str().unwrap_or_default(),
        record.error.as_deref().unwrap_or_default(),
        &record.country,
        &record.colo,
    ];
    // A line break divides them.
    let text = blobs.map(|blob| blob.replace('\n', " ")).join("\n");
    let doubles = [
        f64::from(record.status),
        record.usage.total_input() as f64,
        record.usage.total_output() as f64,
        record.cost.0 as f64,
        record.first_token_us.unwrap_or_default() as f64,
        record.total_us as f64,
        record.upstream_us as f64,
        record.attempts.len() as f64,
    ];
    if let Err(error) = edge::count_call(dataset, &text, &doubles) {
        tracing::warn!(reason = edge::describe(&error), "a call could not be counted");
    }
}
