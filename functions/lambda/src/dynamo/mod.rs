//! One DynamoDB table that holds everything: values, call records, their sums. `docs/deploying/aws.md` explains its
//! keys; [`layout`] makes them.

mod cache;
mod complete;
mod connector;
mod fold;
mod journal;
mod layout;
mod pages;
mod retry;
mod segment;
mod store;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{
    BehaviorVersion, Credentials, Region, SharedCredentialsProvider, StalledStreamProtectionConfig,
};
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use postern_common::Aws;
use postern_gateway::StoreError;

pub use journal::DynamoJournal;
pub use store::DynamoStore;

use connector::Connector;

/// How long one try may take; DynamoDB answers within some milliseconds or not at all.
const TRY: Duration = Duration::from_millis(1500);
/// How long an operation may take, its tries together.
const OPERATION: Duration = Duration::from_secs(6);
/// Tries of one operation.
const TRIES: u32 = 4;
/// The pause before the second try, before jitter; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(40);

/// What became of a request whose outcome is unknown.
const NO_ANSWER: &str = "no answer in time";
const NO_CONNECTION_IN_TIME: &str = "no connection in time";
const NO_CONNECTION: &str = "no connection";
const UNREADABLE: &str = "an answer that cannot be read";

/// The table.
#[derive(Clone)]
pub struct Table {
    client: aws_sdk_dynamodb::Client,
    name: Arc<str>,
    region: Arc<str>,
    calls: Arc<AtomicU64>,
}

/// Why the table did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TableError {
    /// DynamoDB's code, or what happened to the request.
    pub(crate) code: String,
}

impl TableError {
    /// Whether there is no such table.
    pub(crate) fn is_missing_table(&self) -> bool {
        self.code == "ResourceNotFoundException"
    }

    /// Whether the function may not use the table.
    pub(crate) fn is_refused(&self) -> bool {
        matches!(
            self.code.as_str(),
            "AccessDeniedException" | "UnrecognizedClientException" | "InvalidSignatureException"
        )
    }
}

impl Table {
    /// The table of this name. Nothing is asked of it yet.
    #[must_use]
    pub fn new(aws: &Aws, name: &str) -> Self {
        let mut config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new(aws.region().to_owned()))
            .http_client(Connector(aws.client().clone()))
            .retry_config(RetryConfig::standard().with_max_attempts(TRIES).with_initial_backoff(FIRST_PAUSE))
            .timeout_config(
                TimeoutConfig::builder().operation_attempt_timeout(TRY).operation_timeout(OPERATION).build(),
            )
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        config.set_credentials_provider(aws.credentials().map(|credentials| {
            let session_token = credentials.session_token.as_ref().map(|token| token.reveal().to_owned());
            SharedCredentialsProvider::new(Credentials::new(
                credentials.key_id.clone(),
                credentials.secret_key.reveal(),
                session_token,
                None,
                "environment",
            ))
        }));
        config.set_endpoint_url(aws.endpoint("DYNAMODB").map(str::to_owned));
        Self {
            client: aws_sdk_dynamodb::Client::from_conf(config.build()),
            name: name.into(),
            region: aws.region().into(),
            calls: Arc::default(),
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it is.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Operations asked of it so far, without the SDK's own repetitions.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// The client, for one operation.
    fn operation(&self) -> &aws_sdk_dynamodb::Client {
        self.calls.fetch_add(1, Ordering::Relaxed);
        &self.client
    }
}

/// The SDK's error as ours: its code only. Texts of the service may quote keys.
fn failed<E, R>(error: &SdkError<E, R>) -> TableError
where
    E: ProvideErrorMetadata,
{
    let code = match error {
        SdkError::ServiceError(service) => service.err().code().unwrap_or("an unknown error").to_owned(),
        SdkError::TimeoutError(_) => NO_ANSWER.to_owned(),
        SdkError::DispatchFailure(failure) if failure.is_timeout() => NO_CONNECTION_IN_TIME.to_owned(),
        SdkError::DispatchFailure(failure) if failure.is_io() => NO_CONNECTION.to_owned(),
        SdkError::ResponseError(_) => UNREADABLE.to_owned(),
        _ => "a request that could not be made".to_owned(),
    };
    TableError { code }
}

impl Table {
    /// An error for the core, which logs it.
    fn store_error(&self, doing: &str, error: &TableError) -> StoreError {
        StoreError(format!("{doing} in the DynamoDB table {}: {}", self.name, error.code))
    }
}
