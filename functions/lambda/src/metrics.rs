//! Figures of each call for CloudWatch, as a line in its embedded metric format on the standard output: no request of
//! its own, nothing to wait for.
//!
//! Dimensions are the model and the provider, which the configuration bounds. A tenant or a key is none: each value of
//! a dimension is a metric that costs money. They are in the line, for queries over logs.

use postern_gateway::record::{Outcome, Record};
use serde_json::{Value, json};

/// The metrics, and their units.
const METRICS: [(&str, &str); 9] = [
    ("calls", "Count"),
    ("errors", "Count"),
    ("input_tokens", "Count"),
    ("output_tokens", "Count"),
    ("cost_micro_usd", "Count"),
    ("total", "Microseconds"),
    ("upstream", "Microseconds"),
    ("gateway", "Microseconds"),
    ("first_token", "Microseconds"),
];

/// Prints the line of a call.
pub(crate) fn print(record: &Record) {
    use std::io::Write as _;
    let line = format!("{}\n", line(record));
    // In one piece, so that lines do not mix; a closed output ends no call.
    let _ = std::io::stdout().lock().write_all(line.as_bytes());
}

fn line(record: &Record) -> Value {
    let failed = !matches!(record.outcome, Outcome::Ok | Outcome::ClientClosed);
    let present =
        METRICS.iter().filter(|(name, _)| *name != "first_token" || record.first_token_us.is_some());
    let metrics: Vec<Value> = present.map(|(name, unit)| json!({ "Name": name, "Unit": unit })).collect();
    // A model that a caller made up must not become a metric.
    let dimensions =
        if record.provider.is_empty() { json!([[]]) } else { json!([[], ["model", "provider"]]) };
    let mut line = json!({
        "_aws": {
            "Timestamp": record.at.millis(),
            "CloudWatchMetrics": [{ "Namespace": "Postern", "Dimensions": dimensions, "Metrics": metrics }],
        },
        "calls": 1,
        "errors": u8::from(failed),
        "input_tokens": record.usage.total_input(),
        "output_tokens": record.usage.total_output(),
        "cost_micro_usd": record.cost.0,
        "total": record.total_us,
        "upstream": record.upstream_us,
        "gateway": record.gateway_us,
        "request_id": record.id,
        "tenant": record.tenant,
        "key": record.key,
        "status": record.status,
    });
    if let Some(line) = line.as_object_mut() {
        if !record.provider.is_empty() {
            line.insert("model".into(), record.model.as_str().into());
            line.insert("provider".into(), record.provider.as_str().into());
        }
        if let Some(first_token) = record.first_token_us {
            line.insert("first_token".into(), first_token.into());
        }
        if let Some(error) = &record.error {
            line.insert("error".into(), error.as_str().into());
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_and_dimension_is_in_the_line() {
        let record = Record {
            model: "assistant".into(),
            provider: "openai".into(),
            first_token_us: Some(5),
            request_body: Some("a prompt".into()),
            ..Record::default()
        };
        let line = line(&record);
        let directive = &line["_aws"]["CloudWatchMetrics"][0];
        for metric in directive["Metrics"].as_array().unwrap() {
            assert!(line[metric["Name"].as_str().unwrap()].is_number(), "{metric}");
        }
        for dimension in directive["Dimensions"][1].as_array().unwrap() {
            assert!(line[dimension.as_str().unwrap()].is_string(), "{dimension}");
        }
        assert!(!line.to_string().contains("prompt"));
    }

    #[test]
    fn a_call_that_reached_nobody_has_no_dimension_of_its_callers_making() {
        let line = line(&Record { model: "made-up".into(), outcome: Outcome::Refused, ..Record::default() });
        assert_eq!(line["_aws"]["CloudWatchMetrics"][0]["Dimensions"], json!([[]]));
        assert_eq!((&line["errors"], line.get("model")), (&json!(1), None));
    }
}
