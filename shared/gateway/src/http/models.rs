//! The model list, in the shape that the caller's SDK expects.

use http::StatusCode;
use http::request::Parts;
use postern_wire::catalog::{self, Entry, Task};
use postern_wire::provider::Preset;

use super::error::{json_response, response_in};
use super::model_shapes::{Described, Shape};
use super::{Surface, surface_of};
use crate::error::{ErrorKind, GatewayError};
use crate::host::Host;
use crate::identity::{self, Caller};
use crate::pipeline::{Gateway, Reply, Snapshot, demo_models};
use crate::time::Timestamp;

/// Every model that the key may use: the configured ones first, then what the catalog knows of each provider.
pub(crate) async fn list<H: Host>(gateway: &Gateway, host: &H, parts: &Parts, now: Timestamp) -> Reply<H> {
    let shape = Shape::of(parts);
    let surface = errors_of(parts, shape);
    let caller = match identity::authenticate(&gateway.keys, host, parts, now).await {
        Ok(caller) => caller,
        Err(refused) => return Reply::plain(response_in(surface, None, &refused.error)),
    };
    let snapshot = gateway.snapshot();
    let models: Vec<Described> =
        names(&snapshot, &caller).map(|(id, owner)| describe(&snapshot, &id, &owner)).collect();
    Reply::plain(match shape.page(&models, parts.uri.query().unwrap_or_default()) {
        Ok(page) => json_response(StatusCode::OK, &page),
        Err(error) => response_in(surface, None, &error),
    })
}

/// One model.
pub(crate) async fn retrieve<H: Host>(
    gateway: &Gateway,
    host: &H,
    parts: &Parts,
    now: Timestamp,
    name: &str,
) -> Reply<H> {
    let shape = Shape::of(parts);
    let surface = errors_of(parts, shape);
    let caller = match identity::authenticate(&gateway.keys, host, parts, now).await {
        Ok(caller) => caller,
        Err(refused) => return Reply::plain(response_in(surface, None, &refused.error)),
    };
    let snapshot = gateway.snapshot();
    match owner(&snapshot, &caller, name) {
        Some(owner) => {
            Reply::plain(json_response(StatusCode::OK, &shape.one(&describe(&snapshot, name, owner))))
        }
        None => {
            let text = format!("this key has no model `{name}`: GET /v1/models lists what it has");
            let error = GatewayError::new(ErrorKind::UnknownModel, text).at("model");
            Reply::plain(response_in(surface, None, &error))
        }
    }
}

/// How errors are told to whoever asks in this shape.
fn errors_of(parts: &Parts, shape: Shape) -> Surface {
    surface_of(parts.uri.path()).of_call(shape.errors())
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

/// The names of a vendor's models that can be asked here, as far as the catalog, or the demo, knows them.
pub(crate) fn upstream_models(preset: &'static Preset) -> Vec<&'static str> {
    if preset.is_demo() {
        return demo_models().collect();
    }
    let asked = |entry: &Entry| match entry.task {
        Task::Chat => !preset.ways.is_empty(),
        Task::Embedding => preset.embeddings(entry.name).next().is_some(),
        Task::Rerank => preset.reranking(entry.name).next().is_some(),
        Task::Moderation => preset.moderations().is_some(),
        _ => false,
    };
    catalog::of_kind(preset.kind).filter(asked).map(|entry| entry.name).collect()
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

fn describe(snapshot: &Snapshot, id: &str, owner: &str) -> Described {
    let mut model = Described { id: id.to_owned(), owner: owner.to_owned(), ..Described::default() };
    // A logical model shows the figures of its first target.
    let target = match snapshot.config.models.get(id).and_then(|m| m.targets.first()) {
        Some(target) => Some((target.provider.as_str(), target.model.as_str())),
        None => id.split_once('/'),
    };
    if let Some((provider, name)) = target {
        let limits = snapshot.limits(provider, name);
        model.context_window = limits.context_window;
        model.max_output = limits.max_output;
        model.embeds = snapshot.embeds(provider, name);
    }
    model
}
