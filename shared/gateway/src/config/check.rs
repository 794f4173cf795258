//! Checks that need more than one field: what fits together and what does not.

use std::time::Duration;

use serde_json::{Map as Object, Value};

use super::credential;
use super::document::{CatalogEntry, Config, Model, Provider, Strategy, Timeouts};
use super::reader::{Reader, Referent};
use super::scalar::format_time;

/// The names that the document defines, whether their entries are sound or not: an entry with a mistake in it should
/// not make each use of its name look like another mistake.
pub(super) fn defined(document: &Value, what: Referent) -> Vec<String> {
    let section = match what {
        Referent::Provider => "providers",
        Referent::Model => "models",
    };
    let entries = document.get(section).and_then(Value::as_object);
    entries.map(|entries| entries.keys().cloned().collect()).unwrap_or_default()
}

/// Refuses chains of fallbacks that come back to where they were, each once.
pub(super) fn fallback_loops(config: &Config, reader: &mut Reader) {
    // Positions in the path being followed, and models from which no loop is left to find.
    let mut done: Vec<&str> = Vec::new();
    for start in config.models.keys() {
        let mut path: Vec<(&str, usize)> = vec![(start, 0)];
        while let Some((name, next)) = path.last_mut().map(|(name, next)| {
            let now = (*name, *next);
            *next += 1;
            now
        }) {
            let fallback = config.models.get(name).and_then(|model| model.fallback.get(next));
            let Some(fallback) = fallback else {
                path.pop();
                done.push(name);
                continue;
            };
            if done.contains(&fallback.as_str()) {
                continue;
            }
            let Some((fallback, _)) = config.models.iter().find(|(name, _)| name == fallback) else {
                continue;
            };
            let Some(from) = path.iter().position(|(name, _)| name == fallback) else {
                path.push((fallback, 0));
                continue;
            };
            let chain: Vec<&str> =
                path.iter().skip(from).map(|(name, _)| *name).chain([fallback.as_str()]).collect();
            let message = match chain.as_slice() {
                [_, _] => "a model cannot fall back to itself".to_owned(),
                _ => format!("the fallbacks go round in a loop: {}", chain.join(" -> ")),
            };
            reader.at_key("models", |reader| {
                reader.at_key(name, |reader| {
                    reader.at_key("fallback", |reader| {
                        reader.at_index(next, |reader| reader.problem(message));
                    });
                });
            });
        }
    }
}

/// One provider: its address by its vendor's rules, and whether its credential is there and not in the open.
pub(super) fn provider(provider: &mut Provider, _given: &Object<String, Value>, reader: &mut Reader) {
    let preset = provider.kind;
    match &provider.base_url {
        // With references in it, the address is only known when a call is made.
        Some(address) => {
            if let Some(Err(error)) = address.literal().map(|address| preset.check_base_url(address)) {
                let suggestion = match &error {
                    postern_wire::provider::BaseUrlError::Version { version, .. } => address
                        .literal()
                        .and_then(|text| text.trim_end_matches('/').strip_suffix(version.as_str()))
                        .map(|text| text.trim_end_matches('/').to_owned()),
                    postern_wire::provider::BaseUrlError::Path { path } => address
                        .literal()
                        .and_then(|text| text.trim_end_matches('/').strip_suffix(path))
                        .map(str::to_owned),
                    _ => None,
                };
                reader.at_key("base_url", |reader| reader.problem_or(error.to_string(), suggestion));
            }
        }
        // Told by the region or the location.
        None if provider.aws.is_some() || provider.google.is_some() => {}
        None if preset.needs_base_url() => reader.at_key("base_url", |reader| {
            reader.problem(format!(
                "is required: {} has no common address; it looks like {}",
                preset.kind, preset.base_url_form
            ));
        }),
        None => {}
    }
    for (at, format) in provider.formats.iter().enumerate() {
        if preset.way_in(format.dialect()).is_none() {
            reader.at_key("formats", |reader| {
                reader.at_index(at, |reader| {
                    let known: Vec<&str> = preset.every_way().map(|way| way.dialect.name()).collect();
                    let known = known.join(", ");
                    reader.problem(match known.as_str() {
                        "" => format!("{} has no conversations: leave formats out", preset.title),
                        known => format!("{} is not known to speak this: it speaks {known}", preset.title),
                    });
                });
            });
        }
    }
    credential::check(provider, reader);
    match (&provider.rest, preset.is_declared()) {
        (None, true) => reader.at_key("rest", |reader| {
            reader.problem("is required: it declares what the service takes and gives");
        }),
        (Some(_), false) => reader.at_key("rest", |reader| {
            reader.problem(format!("belongs to `kind: rest`; what {} takes is known", preset.title));
        }),
        _ => {}
    }
    let variable = match preset.key_variable {
        "" => "API_KEY",
        variable => variable,
    };
    let advice = |what: &str| {
        format!(
            "{what} stands in the document itself, where everybody who can read the document sees it; keep it as a secret of the platform and write its name"
        )
    };
    match &provider.api_key {
        Some(_) if preset.is_demo() => reader.at_key("api_key", |reader| {
            reader.warning("the built-in demo provider needs no key: leave it out", None);
        }),
        Some(key) if key.is_literal() => reader.at_key("api_key", |reader| {
            reader.warning(advice("the key"), Some(format!("${{{variable}}}")));
        }),
        Some(_) => {}
        // Behind another address may be a server that asks for no key.
        None if preset.needs_key()
            && provider.base_url.is_none()
            && !credential::has_account(provider)
            && !sends_credential(provider) =>
        {
            reader.at_key("api_key", |reader| {
                let message = format!("is not set, and {} refuses calls without a key", preset.title);
                reader.warning(message, Some(format!("${{{variable}}}")));
            });
        }
        None => {}
    }
    for (section, key, _) in credential::secrets(provider).iter().filter(|(_, _, text)| text.is_literal()) {
        reader.at_key(section, |reader| {
            reader.at_key(key, |reader| reader.warning(advice("the credential"), None));
        });
    }
    for (name, value) in &provider.headers {
        if is_credential(name) && value.is_literal() {
            reader.at_key("headers", |reader| {
                reader.at_key(name, |reader| {
                    reader.warning(advice("the credential"), None);
                });
            });
        }
    }
}

fn sends_credential(provider: &Provider) -> bool {
    provider.headers.keys().any(is_credential)
}

/// Headers that carry credentials, at the vendors of the table.
fn is_credential(name: &str) -> bool {
    let names = ["authorization", "proxy-authorization", "api-key", "x-api-key", "x-goog-api-key", "cookie"];
    names.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// One model: whether its targets can be told apart and drawn from.
pub(super) fn model(model: &mut Model, given: &Object<String, Value>, reader: &mut Reader) {
    for (at, target) in model.targets.iter().enumerate() {
        let same = |other: &&super::document::Target| {
            other.provider == target.provider && other.model == target.model
        };
        if let Some(first) = model.targets.iter().take(at).position(|other| same(&other)) {
            reader.at_key("targets", |reader| {
                reader.at_index(at, |reader| {
                    reader.problem(format!(
                        "{}/{} is already targets[{first}]; use weight to send it more calls",
                        target.provider, target.model
                    ));
                });
            });
        }
    }
    for (at, name) in model.fallback.iter().enumerate() {
        if let Some(first) = model.fallback.iter().take(at).position(|other| other == name) {
            reader.at_key("fallback", |reader| {
                reader.at_index(at, |reader| reader.problem(format!("{name} is already fallback[{first}]")));
            });
        }
    }
    match model.strategy {
        Strategy::Weighted if model.targets.iter().all(|target| target.weight == 0) => {
            reader.at_key("targets", |reader| {
                reader.problem("all weights are 0: at least one target must have a weight above 0");
            });
        }
        Strategy::Weighted => {}
        Strategy::First => {
            let targets = given.get("targets").and_then(Value::as_array);
            if targets.is_some_and(|targets| targets.iter().any(|target| target.get("weight").is_some())) {
                reader.at_key("targets", |reader| {
                    reader.warning(
                        "weights count only with `strategy: weighted`; this model uses `first`",
                        None,
                    );
                });
            }
        }
    }
    if model.cache.is_some() {
        reader.at_key("cache", |reader| {
            reader.warning(
                "this version of Postern does not cache answers yet: the setting has no effect",
                None,
            );
        });
    }
}

/// The limits of a call: those left out give way, those written must fit into each other.
pub(super) fn timeouts(limits: &mut Timeouts, given: &Object<String, Value>, reader: &mut Reader) {
    if !given.contains_key("total") {
        let longest = limits.first_token.max(limits.idle).max(limits.connect);
        limits.total = limits.total.max(longest);
    }
    if !given.contains_key("first_token") {
        // A long `connect` makes room for itself.
        limits.first_token = limits.first_token.max(limits.connect).min(limits.total);
    }
    if !given.contains_key("idle") {
        limits.idle = limits.idle.min(limits.total);
    }
    if !given.contains_key("connect") {
        limits.connect = limits.connect.min(limits.first_token);
    }
    let show = |time: Duration| format_time(u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
    let pairs = [
        ("connect", limits.connect, "first_token", limits.first_token),
        ("first_token", limits.first_token, "total", limits.total),
        ("idle", limits.idle, "total", limits.total),
    ];
    for (inner, shorter, outer, longer) in pairs {
        if shorter > longer {
            reader.at_key(inner, |reader| {
                reader.problem(format!("{} is longer than {outer} ({})", show(shorter), show(longer)));
            });
        }
    }
}

/// Figures of one upstream model.
pub(super) fn catalog_entry(entry: &mut CatalogEntry, given: &Object<String, Value>, reader: &mut Reader) {
    if let (Some(window), Some(output)) = (entry.context_window, entry.max_output_tokens)
        && output > window
    {
        reader.at_key("max_output_tokens", |reader| {
            reader.problem(format!("{output} is more than context_window ({window})"));
        });
    }
    if given.is_empty() {
        reader.warning("has no figures, so it changes nothing", None);
    }
}
