//! Which targets may answer a model's name, in which order.

use std::sync::Arc;

use crate::config::{Config, Model, Provider, Retry, Strategy, Timeouts, Unsupported};
use crate::error::{ErrorKind, GatewayError};
use crate::host::Host;
use crate::identity::Caller;
use crate::policy::route::weighted_order;

use super::gateway::Snapshot;

/// How like a name must be to be suggested, from 0 to 1.
const NEAR: f64 = 0.8;

/// Everything that may be tried for one call, in order.
pub(super) struct Plan {
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) legs: Vec<Leg>,
}

/// One target, with the rules for trying it.
#[derive(Clone, Debug)]
pub(super) struct Leg {
    /// The logical model this target belongs to; a fallback's own name.
    pub(super) logical: String,
    pub(super) provider: String,
    pub(super) model: String,
    /// Tries on this target, the first included.
    pub(super) attempts: u32,
    pub(super) timeouts: Timeouts,
    /// What the model says of fields that a target cannot take; the provider's word if nothing.
    pub(super) on_unsupported: Option<Unsupported>,
}

impl Leg {
    /// What callers are told of it: the provider, and its name of the model if there is one.
    pub(super) fn target(&self) -> String {
        if self.model.is_empty() {
            return self.provider.clone();
        }
        format!("{}/{}", self.provider, self.model)
    }
}

impl Plan {
    pub(super) fn provider(&self, leg: &Leg) -> Option<&Provider> {
        self.snapshot.config.providers.get(&leg.provider)
    }
}

/// Finds the targets of `name` for this caller.
pub(super) fn resolve<H: Host>(
    host: &H,
    snapshot: Arc<Snapshot>,
    caller: &Caller,
    name: &str,
) -> Result<Plan, GatewayError> {
    let config = &snapshot.config;
    let direct = || {
        name.split_once('/')
            .is_some_and(|(provider, model)| !model.is_empty() && config.providers.contains_key(provider))
    };
    if !config.models.contains_key(name) && !direct() {
        return Err(unknown(&snapshot, caller, name));
    }
    if !caller.may_use(name) {
        let text = format!("this API key may not use the model `{name}`: ask your administrator to allow it");
        return Err(GatewayError::new(ErrorKind::ModelNotAllowed, text).at("model"));
    }
    let mut legs = Vec::new();
    let mut visited = Vec::new();
    add_model(host, config, name, &mut visited, &mut legs);
    Ok(Plan { snapshot, legs })
}

/// The targets of a model, then those of its fallbacks, each model once.
fn add_model<'c, H: Host>(
    host: &H,
    config: &'c Config,
    name: &'c str,
    visited: &mut Vec<&'c str>,
    legs: &mut Vec<Leg>,
) {
    if visited.contains(&name) {
        return;
    }
    visited.push(name);
    if let Some(model) = config.models.get(name) {
        add_legs(host, name, model, legs);
        for fallback in &model.fallback {
            add_model(host, config, fallback, visited, legs);
        }
    } else if let Some((provider, model)) = name.split_once('/') {
        legs.push(Leg {
            logical: name.to_owned(),
            provider: provider.to_owned(),
            model: model.to_owned(),
            attempts: Retry::default().attempts,
            timeouts: Timeouts::default(),
            on_unsupported: None,
        });
    }
}

fn add_legs<H: Host>(host: &H, name: &str, model: &Model, legs: &mut Vec<Leg>) {
    let order: Vec<usize> = match model.strategy {
        Strategy::First => (0..model.targets.len()).collect(),
        Strategy::Weighted => {
            let weights: Vec<u32> = model.targets.iter().map(|t| t.weight).collect();
            weighted_order(&weights, || {
                let mut bytes = [0; 8];
                host.random(&mut bytes);
                u64::from_le_bytes(bytes)
            })
        }
    };
    legs.extend(order.into_iter().filter_map(|i| model.targets.get(i)).map(|target| Leg {
        logical: name.to_owned(),
        provider: target.provider.clone(),
        model: target.model.clone(),
        attempts: model.retry.attempts,
        timeouts: model.timeout.clone(),
        on_unsupported: model.on_unsupported,
    }));
}

/// Says which names are near, of those that this key may use: others are none of its business.
fn unknown(snapshot: &Snapshot, caller: &Caller, name: &str) -> GatewayError {
    let config = &snapshot.config;
    let likeness = |candidate: &str| strsim::jaro_winkler(&candidate.to_lowercase(), &name.to_lowercase());
    let mut near: Vec<(f64, String)> = Vec::new();
    near.extend(config.models.keys().map(|model| (likeness(model), model.to_owned())));
    let bare = name.split_once('/').map_or(name, |(_, model)| model);
    for (provider, settings) in &config.providers {
        for known in crate::http::models::upstream_models(settings.kind) {
            let full = format!("{provider}/{known}");
            // A name without its provider, or under the wrong one, is the commonest slip.
            near.push((if known == bare { 1.0 } else { likeness(&full) }, full));
        }
    }
    near.retain(|(likeness, candidate)| *likeness > NEAR && caller.may_use(candidate));
    // Equally near ones stay in the order of the document.
    near.sort_by(|a, b| b.0.total_cmp(&a.0));
    let names: Vec<String> = near.into_iter().take(3).map(|(_, name)| format!("`{name}`")).collect();
    let hint = if names.is_empty() {
        "GET /v1/models lists what this key may use".to_owned()
    } else {
        format!("did you mean {}?", names.join(" or "))
    };
    GatewayError::new(ErrorKind::UnknownModel, format!("there is no model `{name}` here: {hint}")).at("model")
}
