//! The request for one target: address, credentials and headers around a body.

use bytes::Bytes;
use http::HeaderValue;
use postern_wire::provider::{Account, Endpoint};

use super::accept::Call;
use super::account::{self, Unfit};
use super::authorize::Authorization;
use super::exchange::Sending;
use super::resolve::{Leg, Plan};
use crate::Secret;
use crate::config::{MissingSecret, Provider};
use crate::error::{ErrorKind, GatewayError};
use crate::host::{Host, MayFlow};

/// Puts address, credentials and headers around a body.
pub(super) fn enclose<H: Host>(
    host: &H,
    call: &Call,
    plan: &Plan,
    leg: &Leg,
    provider: &Provider,
    sending: Sending<'_>,
    body: Bytes,
) -> Result<http::Request<Bytes>, GatewayError> {
    let secret = |name: &str| host.secret(name);
    let missing = |missing: MissingSecret| missing_secret(host, leg, &missing);
    let unusable = |reason: String| {
        let text = format!("the provider `{}` is not configured well: {reason}", leg.provider);
        GatewayError::new(ErrorKind::NotConfigured, text)
    };
    let unfit = |unfit: Unfit| match unfit {
        Unfit::Missing(name) => missing(name),
        Unfit::Wrong(reason) => unusable(reason),
    };
    // A key that is exchanged for a token is not sent itself.
    let sent = provider.api_key.as_ref().filter(|_| provider.kind.account != Account::Ibm);
    let key = sent.map(|key| key.resolve(&secret)).transpose().map_err(missing)?;
    let mut headers = Vec::with_capacity(provider.headers.len());
    for (name, value) in &provider.headers {
        let value = value.resolve(&secret).map_err(missing)?;
        headers.push((name.clone(), value.reveal().to_owned()));
    }
    let base_url = account::base_url(provider, &leg.model, &secret).map_err(unfit)?;
    let body = account::dress(provider, sending.to, body, &secret).map_err(unfit)?;
    let endpoint = Endpoint {
        preset: provider.kind,
        base_url: base_url.as_ref().map(Secret::reveal),
        headers: &headers,
    };
    let key = key.as_ref().map(Secret::reveal);
    let mut request = endpoint
        .request(sending.to, key, body, sending.stream)
        .map_err(|error| unusable(error.to_string()))?;
    account::date(provider, &mut request).map_err(unfit)?;
    for name in sending.passed {
        if let Some(value) = call.parts.headers.get(*name) {
            request.headers_mut().insert(*name, value.clone());
        }
    }
    if let Ok(value) = HeaderValue::try_from(call.trace.header()) {
        request.headers_mut().insert(&crate::http::TRACEPARENT, value);
    }
    if sending.may_flow {
        request.extensions_mut().insert(MayFlow);
    }
    let address = base_url.as_ref().map_or(provider.kind.base_url, Secret::reveal);
    let tokens = &plan.snapshot.tokens;
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
