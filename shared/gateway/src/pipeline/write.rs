//! The request for one target goes out with address, credentials and headers around its body.

use bytes::Bytes;
use http::HeaderValue;
use postern_wire::provider::Endpoint;
use postern_wire::sigv4::Signer;

use super::accept::Call;
use super::exchange::Sending;
use super::resolve::Leg;
use crate::Secret;
use crate::config::{MissingSecret, Provider, SecretText};
use crate::error::{ErrorKind, GatewayError};
use crate::host::{Host, MayFlow};

/// Puts address, credentials and headers around a body.
pub(super) fn send<H: Host>(
    host: &H,
    call: &Call,
    leg: &Leg,
    provider: &Provider,
    sending: Sending<'_>,
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
    let unusable = |reason: String| {
        let text = format!("the provider `{}` is not configured well: {reason}", leg.provider);
        GatewayError::new(ErrorKind::NotConfigured, text)
    };
    let key = key.as_ref().map(Secret::reveal);
    let mut request = endpoint
        .request(sending.to, key, body, sending.stream)
        .map_err(|error| unusable(error.to_string()))?;
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
    if let Some(aws) = &provider.aws {
        let access_key_id = aws.access_key_id.resolve(&secret).map_err(missing)?;
        let secret_access_key = aws.secret_access_key.resolve(&secret).map_err(missing)?;
        let session_token = resolve(&aws.session_token)?;
        let signer = Signer {
            access_key_id: access_key_id.reveal(),
            secret_access_key: secret_access_key.reveal(),
            session_token: session_token.as_ref().map(Secret::reveal),
            region: &aws.region,
            service: "bedrock",
            now_unix: host.now().seconds(),
        };
        signer.sign(&mut request).map_err(|error| unusable(error.to_string()))?;
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
