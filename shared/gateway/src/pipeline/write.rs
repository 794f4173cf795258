//! The request for one target: the caller's bytes, with only what must differ changed, where the provider speaks the
//! caller's format; otherwise what they mean, told in the provider's.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use postern_wire::Dialect;
use postern_wire::dialect::{AnswerContext, Encoded, Framing, Loss, StreamEncoder, Target, Weight};
use postern_wire::provider::{Endpoint, Operation, Way};

use super::accept::Kind;
use super::asked::Asked;
use super::authorize::Authorization;
use super::resolve::Leg;
use crate::Secret;
use crate::config::{MissingSecret, Provider, SecretText, Unsupported};
use crate::error::{ErrorKind, GatewayError};
use crate::host::{Host, MayFlow};

/// Why a field that only one format knows is not sent in another.
const UNKNOWN: &str = "the provider's format has no such field";

/// A request that can be sent, and how its answer is to be read.
pub(super) struct Written {
    pub(super) request: http::Request<Bytes>,
    /// The format in which the provider answers.
    pub(super) dialect: Dialect,
    /// Turns the answer into the caller's format; `None` where its bytes stay as they are.
    pub(super) translator: Option<Translator>,
    /// Whether the event with usage is asked for by us, not by the caller.
    pub(super) hide_usage: bool,
    pub(super) remarks: Remarks,
}

/// What the caller is told of the way its request went.
#[derive(Clone, Debug, Default)]
pub(super) struct Remarks {
    /// Whether the answer was told in another format.
    pub(super) translated: bool,
    /// Fields that the provider was not told.
    pub(super) dropped: Vec<String>,
    /// Fields that the provider was told in a weaker form.
    pub(super) lowered: Vec<String>,
}

/// What is needed to tell an answer in the caller's format.
pub(super) struct Translator {
    pub(super) to: Dialect,
    pub(super) context: AnswerContext,
    pub(super) framing: Framing,
    /// Whether the provider's format is another than the caller's, so that what only it knows must be left out.
    pub(super) foreign: bool,
}

impl Translator {
    /// Whether signatures of tool calls must be in the calls' ids: OpenAI's SDKs and what is built on them keep nothing
    /// else that has no field of its own.
    pub(super) fn seals(&self) -> bool {
        self.foreign && self.to == Dialect::OpenAiChat
    }

    pub(super) fn stream_encoder(self) -> Box<dyn StreamEncoder> {
        self.to.stream_encoder(self.context, self.framing)
    }
}

/// Writes the request for an answer.
pub(super) fn write_request<H: Host>(
    host: &H,
    asked: &Asked<'_>,
    leg: &Leg,
    provider: &Provider,
) -> Result<Written, GatewayError> {
    let caller = asked.call.dialect;
    let stream = asked.head.stream;
    let own = provider.way_in(caller).filter(|_| asked.framing() == Framing::Events || !stream);
    let written = match own {
        Some(way) => {
            let ask_usage = stream && provider.kind.stream_options && caller.asks_for_usage();
            let body = caller.rewrite(asked.head, asked.body, &leg.model, ask_usage);
            let hide_usage = caller.asks_for_usage() && !asked.head.include_usage;
            let mut request = send(host, asked, leg, provider, way, body)?;
            if stream && !hide_usage {
                request.extensions_mut().insert(MayFlow);
            }
            Written { request, dialect: caller, translator: None, hide_usage, remarks: Remarks::default() }
        }
        None => {
            let way = provider.way_in(caller).or_else(|| provider.first_way()).ok_or_else(|| {
                let text = format!("the provider `{}` speaks no format that is known here", leg.provider);
                GatewayError::new(ErrorKind::NotConfigured, text)
            })?;
            let (encoded, translator) = translate(asked, leg, provider, way)?;
            let remarks = Remarks {
                translated: true,
                dropped: encoded.lost.into_iter().map(|loss| loss.field).collect(),
                lowered: encoded.lowered,
            };
            let request = send(host, asked, leg, provider, way, encoded.body)?;
            Written {
                request,
                dialect: way.dialect,
                translator: Some(translator),
                hide_usage: false,
                remarks,
            }
        }
    };
    Ok(written)
}

/// Tells the request in the provider's format, or says which field it cannot take.
fn translate(
    asked: &Asked<'_>,
    leg: &Leg,
    provider: &Provider,
    way: &Way,
) -> Result<(Encoded, Translator), GatewayError> {
    let original = asked.request()?;
    let caller = asked.call.dialect;
    let foreign = way.dialect != caller;
    let mut request = postern_wire::chat::Request::clone(original);
    let mut lost = Vec::new();
    if foreign {
        lost = caller.weigh_extra(&request);
        for field in request.leave_extra() {
            if !lost.iter().any(|loss| loss.field == field) {
                lost.push(Loss { field, reason: UNKNOWN.into(), weight: Weight::Hint });
            }
        }
    }
    let stream = asked.head.stream;
    request.stream = stream.then_some(true);
    request.include_usage =
        (stream && provider.kind.stream_options && way.dialect.asks_for_usage()).then_some(true);
    let limits = asked.plan.snapshot.limits(&leg.provider, &leg.model);
    let target = Target { model: &leg.model, kind: provider.kind.kind, max_output: limits.max_output };
    let mut encoded = way.dialect.encode_request(&request, &target);
    encoded.lost.splice(0..0, lost);
    judge(&encoded.lost, leg, provider, way.dialect)?;
    let input_tokens = (stream && caller.begins_with_usage())
        .then(|| postern_tokens::count_request(&leg.model, original).tokens);
    let translator = Translator {
        to: caller,
        context: asked.context(original, input_tokens),
        framing: asked.framing(),
        foreign,
    };
    Ok((encoded, translator))
}

/// Refuses what must not be left out.
fn judge(lost: &[Loss], leg: &Leg, provider: &Provider, dialect: Dialect) -> Result<(), GatewayError> {
    let refused = lost.iter().find(|loss| match leg.on_unsupported.or(provider.on_unsupported) {
        Some(Unsupported::Error) => true,
        Some(Unsupported::Drop) => false,
        None => loss.weight == Weight::Meaning,
    });
    let Some(loss) = refused else { return Ok(()) };
    let text = format!(
        "{}: {} ({}/{} is asked in the format {}; leave the field out, or set on_unsupported: drop)",
        loss.field,
        loss.reason,
        leg.provider,
        leg.model,
        dialect.name()
    );
    Err(GatewayError::new(ErrorKind::InvalidRequest, text).at(loss.field.clone()))
}

/// Writes the question how many tokens the prompt has, to a provider of the caller's format.
pub(super) fn write_count<H: Host>(
    host: &H,
    asked: &Asked<'_>,
    leg: &Leg,
    provider: &Provider,
    way: &'static Way,
) -> Result<http::Request<Bytes>, GatewayError> {
    let caller = asked.call.dialect;
    let body = if caller.is_addressed() {
        // The body may name the model once more.
        let target = Target { model: &leg.model, kind: provider.kind.kind, max_output: None };
        caller.encode_count_request(asked.request()?, &target).body
    } else {
        caller.rewrite(asked.head, asked.body, &leg.model, false)
    };
    send(host, asked, leg, provider, way, body)
}

/// Puts address, credentials and headers around a body.
fn send<H: Host>(
    host: &H,
    asked: &Asked<'_>,
    leg: &Leg,
    provider: &Provider,
    way: &'static Way,
    body: Bytes,
) -> Result<http::Request<Bytes>, GatewayError> {
    let secret = |name: &str| host.secret(name);
    let missing = |missing: MissingSecret| missing_secret(host, leg, &missing);
    let resolve = |text: &Option<SecretText>| match text {
        Some(text) => text.resolve(&secret).map(Some).map_err(missing),
        None => Ok(None),
    };
    let key = resolve(&provider.api_key)?;
    let mut headers = Vec::with_capacity(provider.headers.len());
    for (name, value) in &provider.headers {
        let value = value.resolve(&secret).map_err(missing)?;
        headers.push((name.clone(), value.reveal().to_owned()));
    }
    let base_url = resolve(&provider.base_url)?;
    let endpoint = Endpoint {
        preset: provider.kind,
        base_url: base_url.as_ref().map(Secret::reveal),
        headers: &headers,
    };
    let operation = match asked.call.kind {
        Kind::Answer => Operation::Answer { way, model: &leg.model },
        Kind::Count => Operation::Count { way, model: &leg.model },
    };
    let unusable = |reason: String| {
        let text = format!("the provider `{}` is not configured well: {reason}", leg.provider);
        GatewayError::new(ErrorKind::NotConfigured, text)
    };
    let key = key.as_ref().map(Secret::reveal);
    let mut request = endpoint
        .request(operation, key, body, asked.head.stream)
        .map_err(|error| unusable(error.to_string()))?;
    pass_headers(asked, way.dialect, request.headers_mut());
    if let Ok(value) = HeaderValue::try_from(asked.call.trace.header()) {
        request.headers_mut().insert(&crate::http::TRACEPARENT, value);
    }
    let address = base_url.as_ref().map_or(provider.kind.base_url, Secret::reveal);
    let tokens = &asked.plan.snapshot.tokens;
    let authorization = Authorization::of(host, tokens, &leg.provider, provider, address).map_err(missing)?;
    if let Some(authorization) = authorization {
        request.extensions_mut().insert(authorization);
    }
    Ok(request)
}

fn missing_secret<H: Host>(host: &H, leg: &Leg, missing: &MissingSecret) -> GatewayError {
    let text = format!(
        "the provider `{}` needs the secret {}, which is not set in this deployment: {}",
        leg.provider,
        missing.0,
        host.secret_advice()
    );
    GatewayError::new(ErrorKind::NotConfigured, text)
}

/// Headers of the caller's that its dialect defines pass to a provider that speaks it.
///
/// Not `idempotency-key`: tenants share the provider's account, and one could be given another's answer by it.
fn pass_headers(asked: &Asked<'_>, dialect: Dialect, to: &mut HeaderMap) {
    if dialect != asked.call.dialect {
        return;
    }
    let passed: &[&'static str] = match dialect {
        Dialect::Anthropic => &["anthropic-version", "anthropic-beta"],
        Dialect::OpenAiChat | Dialect::OpenAiResponses | Dialect::OpenAiCompletions => &["openai-beta"],
        Dialect::Gemini | Dialect::Bedrock | Dialect::Cohere => &[],
    };
    for name in passed {
        if let Some(value) = asked.call.parts.headers.get(*name) {
            to.insert(*name, value.clone());
        }
    }
}
