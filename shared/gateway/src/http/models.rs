//! The model list, in OpenAI's shape (<https://platform.openai.com/docs/api-reference/models>).

use http::StatusCode;
use http::request::Parts;
use postern_wire::catalog::{self, Entry};
use postern_wire::provider::Preset;
use serde_json::{Value, json};

use super::error::{json_response, response, response_on};
use super::surface_of;
use crate::error::{ErrorKind, GatewayError};
use crate::host::Host;
use crate::identity::{self, Caller};
use crate::pipeline::{Gateway, Reply, Snapshot, demo_models};
use crate::time::Timestamp;

/// Every model that the key may use: the configured ones first, then what the catalog knows of each provider.
pub(crate) async fn list<H: Host>(gateway: &Gateway, host: &H, parts: &Parts, now: Timestamp) -> Reply<H> {
    let caller = match identity::authenticate(&gateway.keys, host, parts, now).await {
        Ok(caller) => caller,
        Err(refused) => return Reply::plain(response_on(surface_of(parts.uri.path()), &refused.error)),
    };
    let snapshot = gateway.snapshot();
    let data: Vec<Value> =
        names(&snapshot, &caller).map(|(id, owner)| describe(&snapshot, &id, &owner)).collect();
    Reply::plain(json_response(StatusCode::OK, &json!({ "object": "list", "data": data })))
}

/// One model.
pub(crate) async fn retrieve<H: Host>(
    gateway: &Gateway,
    host: &H,
    parts: &Parts,
    now: Timestamp,
    name: &str,
) -> Reply<H> {
    let caller = match identity::authenticate(&gateway.keys, host, parts, now).await {
        Ok(caller) => caller,
        Err(refused) => return Reply::plain(response(&refused.error)),
    };
    let snapshot = gateway.snapshot();
    match owner(&snapshot, &caller, name) {
        Some(owner) => Reply::plain(json_response(StatusCode::OK, &describe(&snapshot, name, owner))),
        None => {
            let text = format!("this key has no model `{name}`: GET /v1/models lists what it has");
            Reply::plain(response(&GatewayError::new(ErrorKind::UnknownModel, text).at("model")))
        }
    }
}

/// Who has a model of this name that the key may use.
pub(super) fn owner<'a>(snapshot: &Snapshot, caller: &Caller, name: &'a str) -> Option<&'a str> {
    let owner = match name.split_once('/') {
        _ if snapshot.config.models.contains_key(name) => Some("postern"),
        Some((provider, model)) => {
            // Vendors have models that the catalog does not know; the demo has not.
            let known = |kind: &Preset| !kind.is_demo() || demo_models().any(|demo| demo == model);
            let settings = snapshot.config.providers.get(provider);
            settings.filter(|s| !model.is_empty() && known(s.kind)).map(|_| provider)
        }
        None => None,
    };
    owner.filter(|_| caller.may_use(name))
}

/// The names of a vendor's conversation models, as far as the catalog, or the demo, knows them.
pub(crate) fn upstream_models(preset: &'static Preset) -> Vec<&'static str> {
    if preset.is_demo() {
        return demo_models().collect();
    }
    catalog::of_kind(preset.kind).filter(Entry::is_chat).map(|entry| entry.name).collect()
}

/// Every model that the key may use, with who has it.
pub(super) fn names<'a>(
    snapshot: &'a Snapshot,
    caller: &'a Caller,
) -> impl Iterator<Item = (String, String)> + 'a {
    let config = &snapshot.config;
    let logical = config.models.keys().map(|name| (name.to_owned(), "postern".to_owned()));
    let upstream = config.providers.iter().flat_map(|(provider, settings)| {
        let models = upstream_models(settings.kind).into_iter();
        models.map(move |model| (format!("{provider}/{model}"), provider.clone()))
    });
    logical.chain(upstream).filter(|(id, _)| caller.may_use(id))
}

fn describe(snapshot: &Snapshot, id: &str, owner: &str) -> Value {
    let mut model = json!({ "id": id, "object": "model", "created": 0, "owned_by": owner });
    // A logical model shows the figures of its first target.
    let target = match snapshot.config.models.get(id).and_then(|m| m.targets.first()) {
        Some(target) => Some((target.provider.as_str(), target.model.as_str())),
        None => id.split_once('/'),
    };
    let limits = target.map(|(provider, model)| snapshot.limits(provider, model));
    if let (Some(limits), Some(model)) = (limits, model.as_object_mut()) {
        if let Some(tokens) = limits.context_window {
            model.insert("context_window".to_owned(), tokens.into());
        }
        if let Some(tokens) = limits.max_output {
            model.insert("max_output_tokens".to_owned(), tokens.into());
        }
    }
    model
}
