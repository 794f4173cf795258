//! Signed requests to AWS services that speak JSON over POST, for the few operations that need no SDK.

use std::fmt;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use bytes::Bytes;
use futures_util::StreamExt as _;
use postern_common::Client;
use serde_json::Value;

use crate::settings::Environment;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(2);
/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(5);
/// The largest answer, bytes. A secret has at most 64 KiB.
const LARGEST: usize = 1 << 20;

/// Who calls, from where.
#[derive(Clone)]
pub struct Aws {
    client: Client,
    credentials: Option<Credentials>,
    region: String,
    environment: Environment,
}

/// An operation that failed. Shows the service's code, never its text: it may name what nobody should read.
#[derive(Debug)]
pub(crate) struct Failure {
    code: String,
}

impl Failure {
    fn new(code: impl Into<String>) -> Self {
        Self { code: code.into() }
    }

    pub(crate) fn code(&self) -> &str {
        &self.code
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.code)
    }
}

impl Aws {
    /// With the credentials of the environment, where Lambda puts those of the function's role. They last for as
    /// long as the process.
    #[must_use]
    pub fn new(client: Client, region: &str, environment: Environment) -> Self {
        let text = |name: &str| environment.text(name).map(str::to_owned);
        let credentials = text("AWS_ACCESS_KEY_ID").zip(text("AWS_SECRET_ACCESS_KEY"));
        let credentials =
            credentials.map(|(id, key)| Credentials::new(id, key, text("AWS_SESSION_TOKEN"), None, "environment"));
        Self { client, credentials, region: region.to_owned(), environment }
    }

    pub(crate) const fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) const fn credentials(&self) -> Option<&Credentials> {
        self.credentials.as_ref()
    }

    pub(crate) fn region(&self) -> &str {
        &self.region
    }

    /// Where a service is, if the environment says that it is not where it usually is. The variables are those of
    /// AWS's own SDKs.
    pub(crate) fn endpoint(&self, variable: &str) -> Option<&str> {
        let own = format!("AWS_ENDPOINT_URL_{variable}");
        self.environment.text(&own).or_else(|| self.environment.text("AWS_ENDPOINT_URL"))
    }

    /// Calls an operation. `service` is the name that requests are signed for.
    pub(crate) async fn call(&self, service: &str, target: &str, input: &Value) -> Result<Value, Failure> {
        match tokio::time::timeout(ANSWER, self.send(service, target, input)).await {
            Ok(answer) => answer,
            Err(_elapsed) => Err(Failure::new("no answer in time")),
        }
    }

    async fn send(&self, service: &str, target: &str, input: &Value) -> Result<Value, Failure> {
        let usual = || format!("https://{service}.{}.amazonaws.com", self.region);
        let variable = if service == "secretsmanager" { "SECRETS_MANAGER" } else { "SSM" };
        let url = self.endpoint(variable).map_or_else(usual, |url| url.trim_end_matches('/').to_owned());
        let body = Bytes::from(input.to_string());
        let mut request = http::Request::post(format!("{url}/"))
            .header(http::header::CONTENT_TYPE, "application/x-amz-json-1.1")
            .header("x-amz-target", target)
            .body(body)
            .map_err(|_| Failure::new("the endpoint is not a URL"))?;
        self.sign(&mut request, service)?;
        let failed = |error: postern_gateway::FetchError| Failure::new(error.to_string());
        let response = self.client.fetch(request, CONNECT).await.map_err(failed)?;
        let status = response.status();
        let mut stream = response.into_body();
        let mut answer = Vec::new();
        while let Some(piece) = stream.next().await {
            answer.extend_from_slice(&piece.map_err(failed)?);
            if answer.len() > LARGEST {
                return Err(Failure::new("the answer is too large"));
            }
        }
        let answer: Value = serde_json::from_slice(&answer).unwrap_or_default();
        if status.is_success() {
            return Ok(answer);
        }
        // `__type` is `Name` or `namespace#Name`.
        let kind = answer.get("__type").and_then(Value::as_str).unwrap_or_default();
        let kind = kind.rsplit('#').next().filter(|kind| kind.bytes().all(|b| b.is_ascii_alphanumeric()));
        Err(Failure::new(kind.filter(|k| !k.is_empty()).map_or_else(|| status.to_string(), str::to_owned)))
    }

    fn sign(&self, request: &mut http::Request<Bytes>, service: &str) -> Result<(), Failure> {
        let credentials = self.credentials.clone().ok_or(Failure::new("there are no AWS credentials"))?;
        let identity = credentials.into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(service)
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .map_err(|_| Failure::new("the request cannot be signed"))?
            .into();
        let cannot = |_| Failure::new("the request cannot be signed");
        let headers = request.headers().iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        let signable = SignableRequest::new(
            "POST",
            request.uri().to_string(),
            headers,
            SignableBody::Bytes(request.body()),
        )
        .map_err(cannot)?;
        let (instructions, _signature) = sign(signable, &params).map_err(cannot)?.into_parts();
        instructions.apply_to_request_http1x(request);
        Ok(())
    }
}
