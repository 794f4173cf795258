//! Figures of each call for CloudWatch, as a line in its embedded metric format on the standard output: no request of
//! its own, nothing to wait for.
//!
//! Dimensions are the model and the provider, which the configuration bounds. A tenant or a key is none: each value of
//! a dimension is a metric that costs money. They are in the line, for queries over logs.

use postern_gateway::record::{Outcome, Record};
use serde_json::{Value, json};

/// The metrics, and the units of those that are times. Numbers go without one: the log costs by the byte.
const METRICS: [(&str, Option<&str>); 9] = [
    ("calls", None),
    ("errors", None),
    ("input_tokens", None),
    ("output_tokens", None),
    ("cost_micro_usd", None),
    ("total", Some("Microseconds")),
    ("upstream", Some("Microseconds")),
    ("gateway", Some("Microseconds")),
    ("first_token", Some("Microseconds")),
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
    let metrics: Vec<Value> = present
        .map(|(name, unit)| match unit {
            Some(unit) => json!({ "Name": name, "Unit": unit }),
            None => json!({ "Name": name }),
        })
        .collect();
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

    /// A kilobyte of log costs as much as a write to the table: `docs/benchmarks.md` prices the line.
    #[test]
    fn the_line_of_a_usual_call_is_short() {
        let record = Record {
            id: "018dfee0-0001-7000-8000-0000000000ff".into(),
            at: postern_gateway::Timestamp(1_790_000_000_000_000),
            tenant: "default".into(),
            key: "key0000001".into(),
            model: "assistant".into(),
            provider: "anthropic".into(),
            usage: postern_wire::Usage { input: 1234, output: 456, ..postern_wire::Usage::default() },
            cost: postern_wire::MicroUsd(12_345),
            status: 200,
            first_token_us: Some(345_678),
            total_us: 1_240_000,
            upstream_us: 1_234_567,
            gateway_us: 5_433,
            ..Record::default()
        };
        let streamed = line(&record).to_string().len();
        let whole = line(&Record { first_token_us: None, ..record }).to_string().len();
        assert!(streamed <= 711 && whole <= 645, "{streamed} and {whole} bytes");
    }

    #[test]
    fn a_call_that_reached_nobody_has_no_dimension_of_its_callers_making() {
        let line = line(&Record { model: "made-up".into(), outcome: Outcome::Refused, ..Record::default() });
        assert_eq!(line["_aws"]["CloudWatchMetrics"][0]["Dimensions"], json!([[]]));
        assert_eq!((&line["errors"], line.get("model")), (&json!(1), None));
    }
}
