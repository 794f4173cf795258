//! One exchange with a token service.
//!
//! What goes wrong is told without a word of the answer but the code of its error: an answer may repeat what was sent.

use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use http::{Request, StatusCode};
use postern_wire::grant::google::ServiceAccount;
use postern_wire::grant::{self as wire, GrantError, Refusal, oauth, sts};
use postern_wire::{Fault, FaultKind};

use super::grant::{Grant, Lent};
use super::sign;
use super::tokens::Given;
use crate::host::{FetchError, Host};
use crate::pipeline::attempt::within;
use crate::upload::Outgoing;

/// How long a connection to a token service may take.
const CONNECT: Duration = Duration::from_secs(5);
/// The largest answer of a token service, bytes. Tokens with many groups in them have some kilobytes.
const LARGEST: usize = 256 * 1024;

/// Gets a token for a grant within `time`.
pub(super) async fn exchange<H: Host>(
    host: &H,
    provider: &str,
    grant: &Grant,
    time: Duration,
) -> Result<Given, Fault> {
    let result = within(host, time, ask(host, grant)).await;
    let result = result.unwrap_or_else(|| {
        Err(Fault::new(FaultKind::Timeout, "the token service of this provider did not answer in time"))
    });
    if let Err(fault) = &result {
        tracing::warn!(provider, fault = ?fault.kind, "no token could be had: {}", fault.message);
    }
    result
}

async fn ask<H: Host>(host: &H, grant: &Grant) -> Result<Given, Fault> {
    match grant {
        Grant::Client { url, id, secret, scope, method, check: _ } => {
            let client = oauth::Client { id: id.reveal(), secret: secret.reveal(), method: *method };
            let request = oauth::client_credentials(url, client, scope.as_deref());
            token(host, grant, request.map_err(|error| unusable(grant, &error))?).await
        }
        Grant::ServiceAccount(file) => {
            let account = ServiceAccount::read(file.reveal()).map_err(|error| unusable(grant, &error))?;
            let claim = account.claim(host.now().seconds());
            let signature = host.sign_rs256(account.key(), claim.as_bytes()).await.ok_or_else(|| {
                let text =
                    format!("the private key cannot sign: it must be an RSA key; check {}", grant.check());
                Fault::new(FaultKind::Authentication, text)
            })?;
            let request = account.request(&claim, &signature);
            token(host, grant, request.map_err(|error| unusable(grant, &error))?).await
        }
        Grant::Ibm { url, key } => {
            let request = oauth::ibm_api_key(url, key.reveal());
            token(host, grant, request.map_err(|error| unusable(grant, &error))?).await
        }
        Grant::Role { keys, region, url, arn, external_id, session_name } => {
            let role = sts::Role {
                arn: arn.reveal(),
                external_id: external_id.as_ref().map(crate::Secret::reveal),
                session_name,
            };
            let mut request = sts::request(url, role).map_err(|error| unusable(grant, &error))?;
            sign(host, &mut request, keys, region, sts::SERVICE)?;
            let (status, body) = post(host, request).await?;
            let keys = sts::read(status.is_success(), &body).map_err(|why| refused(grant, status, &why))?;
            Ok(Given { lent: Lent::Keys(keys.into()), lasts: Duration::from_secs(sts::LASTS) })
        }
    }
}

/// A token as OAuth 2.0 services give it.
async fn token<H: Host>(host: &H, grant: &Grant, request: Request<Bytes>) -> Result<Given, Fault> {
    let (status, body) = post(host, request).await?;
    let token = oauth::read(status.is_success(), &body).map_err(|why| refused(grant, status, &why))?;
    let value = wire::bearer(&token.text).map_err(|_| refused(grant, status, &Refusal::NoToken))?;
    Ok(Given { lent: Lent::Bearer(value), lasts: Duration::from_secs(token.lasts) })
}

async fn post<H: Host>(host: &H, request: Request<Bytes>) -> Result<(StatusCode, Vec<u8>), Fault> {
    let unreachable = |error: &FetchError| {
        tracing::warn!(%error, "a token service cannot be reached");
        match error {
            FetchError::ConnectTimeout => FaultKind::Timeout,
            FetchError::Connect(_) | FetchError::Broken(_) => FaultKind::Unreachable,
        }
    };
    let failed = |error: FetchError| {
        Fault::new(unreachable(&error), "the token service of this provider cannot be reached")
    };
    let response = host.fetch(request.map(Outgoing::Whole), CONNECT).await.map_err(failed)?;
    let status = response.status();
    let mut stream = response.into_body();
    let mut body = Vec::new();
    while let Some(piece) = stream.next().await {
        body.extend_from_slice(&piece.map_err(failed)?);
        if body.len() > LARGEST {
            let text = "the token service of this provider gave far more than a token";
            return Err(Fault::new(FaultKind::BadAnswer, text));
        }
    }
    Ok((status, body))
}

fn unusable(grant: &Grant, error: &GrantError) -> Fault {
    let text = format!("no token can be asked for ({error}); check {}", grant.check());
    Fault::new(FaultKind::Authentication, text)
}

/// What an answer without a token means. A status of 4xx is about our credentials, all else about the service.
fn refused(grant: &Grant, status: StatusCode, why: &Refusal) -> Fault {
    let code = match why {
        Refusal::Error(Some(code)) => format!("{}, {code}", status.as_u16()),
        Refusal::Error(None) => status.as_u16().to_string(),
        Refusal::NoToken => {
            let text = "the token service of this provider answered with something that is no token; check its address";
            return Fault::new(FaultKind::BadAnswer, text);
        }
    };
    let (kind, text) = match status.as_u16() {
        429 | 503 => {
            (FaultKind::Overloaded, format!("the token service of this provider is overloaded ({code})"))
        }
        500.. => (FaultKind::ServerError, format!("the token service of this provider failed ({code})")),
        _ => {
            let check = grant.check();
            let text =
                format!("the token service of this provider refused its credentials ({code}); check {check}");
            (FaultKind::Authentication, text)
        }
    };
    Fault::new(kind, text)
}
