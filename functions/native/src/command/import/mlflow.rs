//! The file of MLflow's AI Gateway: `endpoints`, each with one model, and `routes`, which share calls among endpoints
//! (<https://mlflow.org/docs/latest/genai/governance/ai-gateway/legacy/configuration/>).

use serde_json::{Map, Value, json};

use super::draft::Draft;
use super::fields::Fields;
use super::mlflow_provider::{Carried, carry};

/// Reads a file.
///
/// # Errors
/// If it is no configuration of MLflow's gateway; says where.
pub(super) fn read(value: &Value) -> Result<Draft, String> {
    let mut draft = Draft::default();
    let mut file = Fields::of("", value)?;
    let list = |value: Option<&Value>| value.and_then(Value::as_array).cloned();
    let Some(endpoints) = list(file.take("endpoints")) else {
        return Err("endpoints: expected a list; is this the file of MLflow's AI Gateway?".to_owned());
    };
    // What each endpoint is called here: routes name them.
    let mut named = Map::new();
    for (at, endpoint) in endpoints.iter().enumerate() {
        read_endpoint(&format!("endpoints[{at}]"), endpoint, &mut named, &mut draft)?;
    }
    for (at, route) in list(file.take("routes")).unwrap_or_default().iter().enumerate() {
        read_route(&format!("routes[{at}]"), route, &named, &mut draft)?;
    }
    file.finish(&mut draft);
    Ok(draft)
}

fn read_endpoint(
    path: &str,
    value: &Value,
    named: &mut Map<String, Value>,
    draft: &mut Draft,
) -> Result<(), String> {
    let mut endpoint = Fields::of(path, value)?;
    let name = endpoint.need("name")?;
    let kind = endpoint.need("endpoint_type")?;
    let model = endpoint.take("model").ok_or_else(|| format!("{path}.model: is missing"))?;
    read_limit(&mut endpoint, draft)?;
    let mut model = Fields::of(format!("{path}.model"), model)?;
    let provider = model.need("provider")?;
    let upstream = model.text("name")?;
    let none = Value::Object(Map::new());
    let mut config = Fields::of(format!("{path}.model.config"), model.take("config").unwrap_or(&none))?;
    match carry(&provider, upstream.as_deref(), &kind, &mut config, draft)? {
        Carried::As { provider, model } => {
            let target = json!({ "provider": provider, "model": model });
            named.insert(name.clone(), target.clone());
            draft.model(path, &name, json!({ "targets": [target] }));
            config.finish(draft);
        }
        Carried::Not(reason) => draft.lose(path, format!("the endpoint `{name}`: {reason}")),
    }
    model.finish(draft);
    endpoint.finish(draft);
    Ok(())
}

fn read_limit(endpoint: &mut Fields<'_>, draft: &mut Draft) -> Result<(), String> {
    let Some(limit) = endpoint.take("limit") else { return Ok(()) };
    let mut limit = Fields::of(endpoint.at("limit"), limit)?;
    let (calls, period) =
        (limit.text("calls")?.unwrap_or_default(), limit.text("renewal_period")?.unwrap_or_default());
    limit.take("key");
    let path = limit.path().to_owned();
    draft.lose(
        &path,
        format!("{calls} calls in one {period}: limits are set on keys and tenants, not in the document"),
    );
    limit.finish(draft);
    Ok(())
}

/// Calls that are shared among endpoints by percentages.
fn read_route(
    path: &str,
    value: &Value,
    named: &Map<String, Value>,
    draft: &mut Draft,
) -> Result<(), String> {
    let mut route = Fields::of(path, value)?;
    let name = route.need("name")?;
    route.take("task_type");
    if let Some(strategy) = route.text("routing_strategy")?.filter(|strategy| strategy != "TRAFFIC_SPLIT") {
        draft.lose(
            &route.at("routing_strategy"),
            format!("{strategy} is not known; calls are shared by percentages"),
        );
    }
    let destinations = route.take("destinations").and_then(Value::as_array);
    let destinations = destinations.ok_or_else(|| format!("{path}.destinations: expected a list"))?;
    let mut targets: Vec<Value> = Vec::new();
    for (at, destination) in destinations.iter().enumerate() {
        let mut destination = Fields::of(format!("{path}.destinations[{at}]"), destination)?;
        let to = destination.need("name")?;
        let share = destination.take("traffic_percentage").and_then(Value::as_u64);
        let share = share
            .ok_or_else(|| format!("{}: expected a whole number", destination.at("traffic_percentage")))?;
        match named.get(&to) {
            None => draft.lose(destination.path(), format!("the endpoint `{to}` is not in the output")),
            Some(target) => match targets.iter_mut().find(|other| is_same(other, target)) {
                // Two endpoints with one model are one target, with the share of both.
                Some(other) => {
                    let before = other.get("weight").and_then(Value::as_u64).unwrap_or(0);
                    other["weight"] = (before + share).into();
                }
                None => {
                    let mut target = target.clone();
                    target["weight"] = share.into();
                    targets.push(target);
                }
            },
        }
        destination.finish(draft);
    }
    if targets.iter().all(|target| target["weight"] == 0) {
        draft.lose(path, format!("the route `{name}` leads nowhere"));
    } else {
        draft.model(path, &name, json!({ "strategy": "weighted", "targets": targets }));
    }
    route.finish(draft);
    Ok(())
}

fn is_same(target: &Value, other: &Value) -> bool {
    ["provider", "model"].iter().all(|name| target.get(name) == other.get(name))
}
