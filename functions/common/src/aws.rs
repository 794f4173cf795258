//! Signed requests to AWS services that speak JSON over POST, for the few operations that need no SDK.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use postern_gateway::Secret;
use postern_wire::sigv4::Signer;
use serde_json::Value;
use time::OffsetDateTime;

use crate::client::Client;
use crate::environment::Environment;

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

/// What a request is signed with.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The public part.
    pub key_id: String,
    /// The secret part.
    pub secret_key: Secret,
    /// Of credentials that end some time.
    pub session_token: Option<Secret>,
}

/// An operation that failed. Shows the service's code, never its text: it may name what nobody should read.
#[derive(Debug)]
pub struct Failure {
    code: String,
}

impl Failure {
    fn new(code: impl Into<String>) -> Self {
        Self { code: code.into() }
    }

    /// The service's code, or what happened to the request.
    #[must_use]
    pub fn code(&self) -> &str {
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
        let credentials =
            environment.text("AWS_ACCESS_KEY_ID").zip(environment.secret("AWS_SECRET_ACCESS_KEY"));
        let credentials = credentials.map(|(key_id, secret_key)| Credentials {
            key_id: key_id.to_owned(),
            secret_key,
            session_token: environment.secret("AWS_SESSION_TOKEN"),
        });
        Self { client, credentials, region: region.to_owned(), environment }
    }

    /// The client that requests go through.
    #[must_use]
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// What requests are signed with, if there is anything.
    #[must_use]
    pub const fn credentials(&self) -> Option<&Credentials> {
        self.credentials.as_ref()
    }

    /// Where the services are.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Where a service is, if the environment says that it is not where it usually is. The variables are those of
    /// AWS's own SDKs.
    #[must_use]
    pub fn endpoint(&self, variable: &str) -> Option<&str> {
        let own = format!("AWS_ENDPOINT_URL_{variable}");
        self.environment.text(&own).or_else(|| self.environment.text("AWS_ENDPOINT_URL"))
    }

    /// Calls an operation. `service` is the name that requests are signed for.
    ///
    /// # Errors
    /// With the service's code, or what happened to the request.
    pub async fn call(&self, service: &str, target: &str, input: &Value) -> Result<Value, Failure> {
        match tokio::time::timeout(ANSWER, self.send(service, target, input)).await {
            Ok(answer) => answer,
            Err(_elapsed) => Err(Failure::new("no answer in time")),
        }
    }

    async fn send(&self, service: &str, target: &str, input: &Value) -> Result<Value, Failure> {
        let usual = || format!("https://{service}.{}.amazonaws.com", self.region);
        let (variable, version) = match service {
            "secretsmanager" => ("SECRETS_MANAGER", "1.1"),
            "dynamodb" => ("DYNAMODB", "1.0"),
            _ => ("SSM", "1.1"),
        };
        let url = self.endpoint(variable).map_or_else(usual, |url| url.trim_end_matches('/').to_owned());
        let body = Bytes::from(input.to_string());
        let mut request = http::Request::post(format!("{url}/"))
            .header(http::header::CONTENT_TYPE, format!("application/x-amz-json-{version}"))
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
        let credentials = self.credentials.as_ref().ok_or(Failure::new("there are no AWS credentials"))?;
        let now = OffsetDateTime::now_utc().unix_timestamp();
        let signer = Signer {
            access_key_id: &credentials.key_id,
            secret_access_key: credentials.secret_key.reveal(),
            session_token: credentials.session_token.as_ref().map(Secret::reveal),
            region: &self.region,
            service,
            now_unix: u64::try_from(now).unwrap_or_default(),
        };
        signer.sign(request).map_err(|error| Failure::new(error.to_string()))
    }
}
