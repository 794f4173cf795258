//! The last step before a request goes to its provider: a signature, or a token that was exchanged for a credential.
//!
//! What that takes is read from the configuration when the request is written ([`Authorization::of`]), rides in its
//! extensions, and is used when it is sent ([`send`]), which may wait for a token service. A key that is sent as it is needs
//! none of this: the request has it already.

mod exchange;
mod grant;
mod tokens;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, header};
use postern_wire::provider::Account;
use postern_wire::sigv4::Signer;
use postern_wire::{Fault, FaultKind, grant as wire};

use self::grant::{Grant, Keys, Lent};
use self::tokens::Proof;
pub(crate) use self::tokens::Tokens;
use crate::Secret;
use crate::config::{MissingSecret, Provider, SecretText};
use crate::host::{FetchError, Host};
use crate::upload::{Outgoing, Upload};

/// What a request needs beside what is written in it. Rides in its extensions.
#[derive(Clone)]
pub(super) struct Authorization(Arc<Inner>);

struct Inner {
    /// The provider, for the log.
    provider: String,
    tokens: Arc<Tokens>,
    means: Means,
}

/// How a request is proved.
enum Means {
    /// By a signature with keys that are there.
    Sign { keys: Keys, region: String, service: &'static str },
    /// By a signature with keys that are lent.
    SignAs { grant: Grant, region: String, service: &'static str },
    /// By a token that is lent.
    Bearer(Grant),
    /// By a token that something else keeps fresh.
    Given(Secret),
}

/// A request that got no answer.
#[derive(Debug)]
pub(super) enum Unsent {
    /// The provider could not be reached.
    Fetch(FetchError),
    /// Nothing could be had to prove it with, so it was not sent.
    Unproved(Fault),
}

impl Authorization {
    /// What requests to `provider` need, if more than a key. `base_url` is the address that they go to.
    ///
    /// # Errors
    /// When a secret is not set.
    pub(super) fn of<H: Host>(
        host: &H,
        tokens: &Arc<Tokens>,
        name: &str,
        provider: &Provider,
        base_url: &str,
    ) -> Result<Option<Self>, MissingSecret> {
        let secret = |name: &str| host.secret(name);
        let one = |text: &SecretText| text.resolve(&secret);
        let some = |text: &Option<SecretText>| text.as_ref().map(one).transpose();
        let means = match provider.kind.account {
            Account::Aws { service } => match &provider.aws {
                None => None,
                Some(aws) => {
                    let keys = Keys::of(aws, &secret)?;
                    let region = aws.region.clone();
                    Some(match Grant::role(aws, keys.clone(), &secret)? {
                        Some(grant) => Means::SignAs { grant, region, service },
                        None => Means::Sign { keys, region, service },
                    })
                }
            },
            Account::Entra => match &provider.entra {
                None => None,
                Some(entra) => Some(match some(&entra.token)? {
                    Some(token) => Means::Given(token),
                    None => Means::Bearer(Grant::entra(entra, &secret)?),
                }),
            },
            Account::Google => match &provider.google {
                None => None,
                Some(google) => match some(&google.token)? {
                    Some(token) => Some(Means::Given(token)),
                    None => {
                        some(&google.service_account)?.map(|file| Means::Bearer(Grant::ServiceAccount(file)))
                    }
                },
            },
            Account::Ibm => match (&provider.watsonx, some(&provider.api_key)?) {
                (Some(watsonx), Some(key)) => {
                    let url = one(&watsonx.iam_url)?.reveal().to_owned();
                    Some(Means::Bearer(Grant::Ibm { url, key }))
                }
                _ => None,
            },
            Account::OAuth { token_path } => match &provider.oauth {
                None => None,
                Some(oauth) => Some(Means::Bearer(Grant::oauth(oauth, token_path, base_url, &secret)?)),
            },
        };
        let Some(means) = means else { return Ok(None) };
        let inner = Inner { provider: name.to_owned(), tokens: Arc::clone(tokens), means };
        Ok(Some(Self(Arc::new(inner))))
    }

    /// Puts on `request` what proves it. What was lent for that is told, if it was.
    async fn authorize<H: Host>(
        &self,
        host: &H,
        request: &mut Request<Bytes>,
    ) -> Result<Option<Proof>, Fault> {
        let inner = &*self.0;
        match &inner.means {
            Means::Sign { keys, region, service } => {
                sign(host, request, keys, region, service)?;
                Ok(None)
            }
            Means::SignAs { grant, region, service } => {
                let proof = self.lend(host, grant).await?;
                if let Lent::Keys(keys) = &proof.lent {
                    sign(host, request, keys, region, service)?;
                }
                Ok(Some(proof))
            }
            Means::Bearer(grant) => {
                let proof = self.lend(host, grant).await?;
                if let Lent::Bearer(value) = &proof.lent {
                    request.headers_mut().insert(header::AUTHORIZATION, value.clone());
                }
                Ok(Some(proof))
            }
            Means::Given(token) => {
                let value = wire::bearer(token.reveal()).map_err(|error| {
                    Fault::new(
                        FaultKind::Authentication,
                        format!("{error}; check the token of this provider"),
                    )
                })?;
                request.headers_mut().insert(header::AUTHORIZATION, value);
                Ok(None)
            }
        }
    }

    async fn lend<H: Host>(&self, host: &H, grant: &Grant) -> Result<Proof, Fault> {
        self.0.tokens.lend(host, &self.0.provider, grant).await
    }
}

/// Sends a request, proved by what [`Authorization`] it carries. A refusal of a token that was kept from an earlier call is
/// answered by fetching another, once: tokens can be withdrawn before they end.
///
/// The time for a token is bounded here; the time for all of it is the caller's matter.
pub(super) async fn send<H: Host>(
    host: &H,
    mut request: Request<Bytes>,
    connect: Duration,
) -> Result<Response<H::Body>, Unsent> {
    match request.extensions_mut().remove::<Authorization>() {
        None => host.fetch(request.map(Outgoing::Whole), connect).await.map_err(Unsent::Fetch),
        // In a box, so that calls that need none of it do not carry its room about.
        Some(authorization) => Box::pin(send_proved(host, authorization, request, connect)).await,
    }
}

async fn send_proved<H: Host>(
    host: &H,
    authorization: Authorization,
    mut request: Request<Bytes>,
    connect: Duration,
) -> Result<Response<H::Body>, Unsent> {
    let unproved = request.clone();
    let proof = authorization.authorize(host, &mut request).await.map_err(Unsent::Unproved)?;
    let response = host.fetch(request.map(Outgoing::Whole), connect).await.map_err(Unsent::Fetch)?;
    let Some(proof) =
        proof.filter(|proof| proof.kept && refuses_token(response.status(), response.headers()))
    else {
        return Ok(response);
    };
    tracing::info!(
        provider = authorization.0.provider,
        "a token was refused before its end: another is fetched"
    );
    authorization.0.tokens.forget(&proof);
    drop(response);
    let mut request = unproved;
    authorization.authorize(host, &mut request).await.map_err(Unsent::Unproved)?;
    host.fetch(request.map(Outgoing::Whole), connect).await.map_err(Unsent::Fetch)
}

/// The same for a body that comes in while it is sent: it can be sent only once.
pub(super) async fn send_upload<H: Host>(
    host: &H,
    request: Request<Upload>,
    connect: Duration,
) -> Result<Response<H::Body>, Unsent> {
    let (parts, upload) = request.into_parts();
    // None of the vendors that take such a body asks for a signature over it.
    let mut head = Request::from_parts(parts, Bytes::new());
    if let Some(authorization) = head.extensions_mut().remove::<Authorization>() {
        authorization.authorize(host, &mut head).await.map_err(Unsent::Unproved)?;
    }
    host.fetch(head.map(|_| Outgoing::Stream(upload)), connect).await.map_err(Unsent::Fetch)
}

/// Whether an answer says that a token is not taken. AWS says it with 403, and the name of the error in a header.
fn refuses_token(status: StatusCode, headers: &HeaderMap) -> bool {
    const NAMES: [&str; 3] = ["ExpiredToken", "UnrecognizedClient", "InvalidClientTokenId"];
    let named = |name: &str| NAMES.iter().any(|known| name.starts_with(known));
    match status {
        StatusCode::UNAUTHORIZED => true,
        StatusCode::FORBIDDEN => {
            headers.get("x-amzn-errortype").and_then(|value| value.to_str().ok()).is_some_and(named)
        }
        _ => false,
    }
}

fn sign<H: Host>(
    host: &H,
    request: &mut Request<Bytes>,
    keys: &Keys,
    region: &str,
    service: &str,
) -> Result<(), Fault> {
    let signer = Signer {
        access_key_id: keys.access_key_id.reveal(),
        secret_access_key: keys.secret_access_key.reveal(),
        session_token: keys.session_token.as_ref().map(Secret::reveal),
        region,
        service,
        now_unix: host.now().seconds(),
    };
    signer.sign(request).map_err(|error| {
        let text = format!("the request cannot be signed: {error}; check the keys under aws");
        Fault::new(FaultKind::Authentication, text)
    })
}

impl From<wire::sts::Keys> for Keys {
    fn from(keys: wire::sts::Keys) -> Self {
        Self {
            access_key_id: Secret::new(keys.access_key_id),
            secret_access_key: Secret::new(keys.secret_access_key),
            session_token: Some(Secret::new(keys.session_token)),
        }
    }
}
