//! Shapes of names: what may be called how, and uses of a name that must exist elsewhere in the document.

use http::header;
use postern_wire::provider::{self, Preset};
use serde_json::{Value, json};

use super::collection::Name;
use super::problem::nearest;
use super::reader::{Reader, Referent, found_kind, quoted};
use super::scalar::Text;
use super::secret::SecretText;
use super::shape::{Description, Shape};

/// The name of a provider. It is the first part of `PROVIDER/UPSTREAM-MODEL`, so it holds no `/`.
#[derive(Debug)]
pub(super) struct ProviderName;

impl Name for ProviderName {
    const LABEL: &'static str = "provider name";
    const PATTERN: &'static str = "^[a-z0-9][a-z0-9_-]{0,63}$";

    fn check(name: &str, reader: &mut Reader) {
        let good = |name: &str| {
            is_name(name, 64, |byte| {
                byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte)
            })
        };
        if !good(name) {
            let lower = name.to_ascii_lowercase().replace([' ', '.'], "-");
            reader.problem_or(
                "a provider name has only a-z, 0-9, `_` and `-`, starts with a letter or a digit and is at most 64 long",
                good(&lower).then_some(lower),
            );
        }
    }
}

/// The name of a model that callers use.
#[derive(Debug)]
pub(super) struct ModelName;

impl Name for ModelName {
    const LABEL: &'static str = "model name";
    const PATTERN: &'static str = "^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$";

    fn check(name: &str, reader: &mut Reader) {
        let good =
            |name: &str| is_name(name, 128, |byte| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte));
        if good(name) {
            return;
        }
        let plain = name.replace(['/', ' '], "-");
        let suggestion = good(&plain).then_some(plain);
        let message = if name.contains('/') {
            "a model name has no `/`: PROVIDER/UPSTREAM-MODEL names a provider's own model"
        } else {
            "a model name has only letters, digits, `.`, `_`, `:` and `-`, starts with a letter or a digit and is at \
             most 128 long"
        };
        reader.problem_or(message, suggestion);
    }
}

fn is_name(name: &str, longest: usize, allowed: impl Fn(u8) -> bool) -> bool {
    name.len() <= longest
        && name.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric() && allowed(first))
        && name.bytes().all(allowed)
}

/// The name of an HTTP header that is sent to a provider.
#[derive(Debug)]
pub(super) struct HeaderName;

impl Name for HeaderName {
    const LABEL: &'static str = "header name";
    const PATTERN: &'static str = "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$";

    fn check(name: &str, reader: &mut Reader) {
        // They frame the message or belong to one connection (RFC 9110 section 7.6.1), so only the HTTP client knows.
        const OURS: [header::HeaderName; 8] = [
            header::CONNECTION,
            header::CONTENT_LENGTH,
            header::CONTENT_TYPE,
            header::HOST,
            header::TE,
            header::TRAILER,
            header::TRANSFER_ENCODING,
            header::UPGRADE,
        ];
        match header::HeaderName::from_bytes(name.as_bytes()) {
            Err(_) => reader.problem("not a name that an HTTP header can have"),
            Ok(name) if OURS.contains(&name) || name.as_str() == "keep-alive" => {
                reader.problem("Postern sets this header itself: leave it out");
            }
            Ok(_) => {}
        }
    }
}

/// A model of a provider, as `PROVIDER/UPSTREAM-MODEL`.
#[derive(Debug)]
pub(super) struct UpstreamName;

impl Name for UpstreamName {
    const LABEL: &'static str = "PROVIDER/UPSTREAM-MODEL";
    const PATTERN: &'static str = "^[a-z0-9][a-z0-9_-]{0,63}/.+$";

    fn check(name: &str, reader: &mut Reader) {
        match name.split_once('/') {
            Some((provider, upstream)) if !provider.is_empty() && !upstream.is_empty() => {
                reader.refer(Referent::Provider, provider);
            }
            _ => reader.problem("expected a provider and its model, as in openai/gpt-4o-mini"),
        }
    }
}

/// A use of a provider's name.
#[derive(Debug)]
pub(super) struct ProviderReference;

impl Shape for ProviderReference {
    type Value = String;

    fn read(value: &Value, reader: &mut Reader) -> Option<String> {
        let name = Text::read(value, reader)?;
        reader.refer(Referent::Provider, &name);
        Some(name)
    }

    fn write(value: &String) -> Value {
        Text::write(value)
    }

    fn describe() -> Description {
        Description::scalar("provider name", json!({"type": "string", "pattern": ProviderName::PATTERN}))
    }
}

/// A use of a model's name: an entry of `models`, or `PROVIDER/UPSTREAM-MODEL`.
#[derive(Debug)]
pub(super) struct ModelReference;

impl Shape for ModelReference {
    type Value = String;

    fn read(value: &Value, reader: &mut Reader) -> Option<String> {
        let name = Text::read(value, reader)?;
        if name.contains('/') {
            UpstreamName::check(&name, reader);
        } else {
            reader.refer(Referent::Model, &name);
        }
        Some(name)
    }

    fn write(value: &String) -> Value {
        Text::write(value)
    }

    fn describe() -> Description {
        Description::scalar(
            "model name, or PROVIDER/UPSTREAM-MODEL",
            json!({"type": "string", "minLength": 1}),
        )
    }
}

/// What vendor a provider is: a `kind` of [`postern_wire::provider`]'s table.
#[derive(Debug)]
pub(super) struct Kind;

impl Shape for Kind {
    type Value = &'static Preset;

    fn read(value: &Value, reader: &mut Reader) -> Option<&'static Preset> {
        let Some(kind) = value.as_str() else {
            reader.unexpected("a kind of provider such as openai", value);
            return None;
        };
        let preset = provider::preset(kind);
        if preset.is_none() {
            let suggestion = nearest(kind, provider::kinds()).map(str::to_owned);
            let advice = match suggestion {
                Some(_) => "",
                None => "; for a service that is not in the list write openai_compatible with its base_url",
            };
            reader.problem_or(format!("unknown kind {}{advice}", quoted(kind)), suggestion);
        }
        preset
    }

    fn write(value: &&'static Preset) -> Value {
        Value::from(value.kind)
    }

    fn describe() -> Description {
        let kinds: Vec<&str> = provider::kinds().collect();
        Description::scalar("kind of provider", json!({"type": "string", "enum": kinds}))
    }
}

/// The address of a provider. It may have `${NAME}` references; what it is then can only be checked at a call. What the
/// vendor's own rules for it are is checked with the provider, where the kind is known.
#[derive(Debug)]
pub(super) struct Address;

impl Shape for Address {
    type Value = SecretText;

    fn read(value: &Value, reader: &mut Reader) -> Option<SecretText> {
        let Some(text) = value.as_str() else {
            reader.problem(format!(
                "expected a URL such as https://api.example.com/v1, found {}",
                found_kind(value)
            ));
            return None;
        };
        let read = SecretText::parse(text).map_err(|error| reader.problem(error.to_string())).ok()?;
        let prefix = read.prefix();
        let known = !prefix.is_empty() || read.is_literal();
        let scheme = ["http://", "https://"]
            .iter()
            .any(|scheme| prefix.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)));
        if known && !scheme {
            // Not shown whole: it may be a key on the wrong line. A host without a scheme is the usual slip.
            let host = prefix.split(['/', ':']).next().unwrap_or_default();
            let looks_like_host = host == "localhost" || host.contains('.');
            let local = host == "localhost" || host.starts_with("127.") || host.starts_with("192.168.");
            let scheme = if local { "http" } else { "https" };
            let suggestion = (looks_like_host && !prefix.contains(['@', ' ']) && !text.contains("://"))
                .then(|| format!("{scheme}://{text}"));
            reader.problem_or("the URL must begin with https:// or http://", suggestion);
            return None;
        }
        Some(read)
    }

    fn write(value: &SecretText) -> Value {
        Value::from(value.source())
    }

    fn describe() -> Description {
        let schema = json!({"type": "string", "pattern": "^([hH][tT][tT][pP][sS]?://|\\$\\{)"});
        Description::scalar("URL", schema)
    }
}
