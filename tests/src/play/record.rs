//! Whether the call left the record that it must.

use serde_json::Value;

use super::Play;
use super::admin::{MadeKey, records};
use super::subset::differences;
use crate::corpus::{Case, Leaves, RecordRule};
use crate::site::{Heard, Site};

impl<S: Site> Play<'_, S> {
    /// Finds the record and checks it.
    pub(super) async fn record(
        &self,
        heard: &Heard,
        key: Option<&MadeKey>,
        wrong: &mut Vec<String>,
    ) -> Result<Option<Value>, String> {
        let of_trace = |record: &Value| record.get("trace_id").and_then(Value::as_str) == Some(&self.trace);
        if self.case.record == RecordRule::None {
            let found = records(self.site, "", 0, of_trace).await?;
            if let Some(record) = found.first() {
                wrong.push(format!("there must be no record, and there is {record}"));
            }
            return Ok(None);
        }
        let query = format!("&tenant={}", self.tenant);
        let found = records(self.site, &query, 1, of_trace).await?;
        let [record] = found.as_slice() else {
            wrong.push(format!(
                "there must be one record of the caller's trace, and there are {}",
                found.len()
            ));
            return Ok(None);
        };
        let mut found = general(self.case, heard, record, key);
        if let Some(subset) = &self.case.record_subset {
            differences("record", subset, record, &mut found);
        }
        let time = |name: &str| record.get(name).and_then(Value::as_u64).unwrap_or(u64::MAX);
        if time("upstream_us").saturating_add(time("gateway_us")) > time("total_us") {
            found.push("the record's times do not add up".to_owned());
        }
        if self.site.has_virtual_time() && time("gateway_us") != 0 {
            // In virtual time computing takes no time, so all of it was waiting for the upstream.
            found.push(format!(
                "waiting for the upstream counts as the gateway's time: {} us",
                time("gateway_us")
            ));
        }
        if !found.is_empty() {
            wrong.push(format!("{}\n  in {record}", found.join("\n- ")));
        }
        Ok(Some(record.clone()))
    }
}

/// What every record must say.
fn general(case: &Case, heard: &Heard, record: &Value, key: Option<&MadeKey>) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut must = |name: &str, expected: Value| {
        let found = record.get(name).cloned().unwrap_or_default();
        if found != expected {
            wrong.push(format!("record.{name} is {found}, not {expected}"));
        }
    };
    if let Some(id) = heard.header("x-request-id") {
        must("id", id.into());
    }
    if let Some(key) = key {
        must("key", key.id.clone().into());
    }
    must("dialect", case.format.name().into());
    let counts = ["count_tokens", ":countTokens", "/input_tokens"];
    let counts = counts.iter().any(|word| case.request.path.contains(word));
    // Where the body says what is asked, the case knows.
    let told = case.record_subset.as_ref().and_then(|record| record.get("operation")).and_then(Value::as_str);
    must("operation", told.unwrap_or(if counts { "count_tokens" } else { case.format.operation() }).into());
    must("status", if heard.head.is_some() { case.status } else { 499 }.into());
    let subset_says = |name: &str| case.record_subset.as_ref().is_some_and(|s| s.get(name).is_some());
    if !subset_says("outcome") {
        let outcome = match (&case.error, &case.leaves) {
            (_, Leaves::AfterMs(_) | Leaves::AfterText(_)) => "client_closed",
            (None, _) if case.status < 400 => "ok",
            (Some(_), _) if case.status == 200 => "stream_failed",
            _ if case.upstream.is_empty() => "refused",
            _ => "upstream_failed",
        };
        must("outcome", outcome.into());
    }
    if case.upstream.is_empty() && !subset_says("attempts") {
        must("attempts", Value::Array(Vec::new()));
        must("cost_micro_usd", 0.into());
    }
    if case.status >= 400 && !subset_says("error") {
        let code = case.error.as_ref().and_then(|e| e.code.clone());
        if let Some(code) = code {
            must("error", code.into());
        }
    }
    if let Some(cost) = heard.header("x-postern-cost-usd") {
        let micros = record.get("cost_micro_usd").and_then(Value::as_u64).unwrap_or_default();
        let expected = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
        if cost != expected {
            wrong.push(format!("x-postern-cost-usd is {cost}, and the record says {expected}"));
        }
    }
    wrong
}
