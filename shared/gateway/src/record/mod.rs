//! The one structured record of a call, and questions about many of them.
//!
//! A record never holds prompt or answer text unless the configuration asks for payloads, and never a credential.

mod query;
mod rollup;

pub use query::{RecordPage, RecordQuery, UsageGroup, UsageQuery, UsageRow};
pub use rollup::{RollupKey, RollupValue};

use postern_wire::{FaultKind, MicroUsd, Usage};
use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// How a call ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Answered in full.
    #[default]
    Ok,
    /// Refused by the gateway before any upstream was asked.
    Refused,
    /// No target could answer.
    UpstreamFailed,
    /// The stream had begun and then failed; the caller was told by an error event.
    StreamFailed,
    /// The caller left before the answer was complete; the upstream was cancelled.
    ClientClosed,
    /// The gateway itself failed.
    Internal,
}

/// Where the token counts come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UsageSource {
    /// Nothing was consumed, or nothing is known.
    #[default]
    None,
    /// The provider said so.
    Provider,
    /// Counted by the gateway with the model's own tokenizer, because the provider gave no figures.
    Counted,
    /// Estimated by the gateway, because the provider gave no figures and there is no exact way to count.
    Estimated,
}

/// Where a call comes from, as far as the platform tells. An entry point puts it into the request's extensions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The caller's country, two letters.
    pub country: String,
    /// The platform's place that took the call.
    pub colo: String,
    /// The caller's region within the country.
    pub region: String,
}

/// One try on one target.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Attempt {
    /// The provider's name in the configuration.
    pub provider: String,
    /// The model's name at the provider.
    pub model: String,
    /// The upstream's HTTP status, when it answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// What went wrong; absent on success.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<FaultKind>,
    /// From sending the request to the end of the attempt, or to the start of the answer of a streamed success;
    /// microseconds.
    pub duration_us: u64,
}

/// How the requests of a batch ended, as the provider counts them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BatchCounts {
    /// All of them.
    pub total: u64,
    /// Those that were answered.
    pub completed: u64,
    /// Those that were not.
    pub failed: u64,
}

/// The record of one call. One is written for every authenticated call, and for every refused one whose key is known.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Record {
    /// The request id, which the caller saw as `x-request-id`: a UUID version 7, so ids sort by time.
    pub id: String,
    /// When the call arrived, microseconds since 1970.
    pub at: Timestamp,
    /// The caller's tenant.
    pub tenant: String,
    /// The caller's key, by its id.
    pub key: String,
    /// The path's dialect, e.g. `openai_chat`.
    pub dialect: String,
    /// What was asked for, by OpenTelemetry's GenAI names: `chat`, ...
    pub operation: String,
    /// The model as the caller named it.
    pub model: String,
    /// The provider that answered, by its name in the configuration.
    pub provider: String,
    /// The upstream model that was asked.
    pub upstream_model: String,
    /// The model that the upstream says answered.
    pub response_model: String,
    /// Whether a stream was asked for.
    pub stream: bool,
    /// Every try, in order.
    pub attempts: Vec<Attempt>,
    /// Token counts.
    pub usage: Usage,
    /// Where the counts come from.
    pub usage_source: UsageSource,
    /// What the call cost in micro-USD, by the catalog's prices of that day.
    #[serde(rename = "cost_micro_usd")]
    pub cost: MicroUsd,
    /// Whether a price was known for every count; if not, `cost` is a lower bound.
    pub priced: bool,
    /// The HTTP status the caller got. 499 when the caller left before there was one.
    pub status: u16,
    /// How the call ended.
    pub outcome: Outcome,
    /// The machine-readable error code, when it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Why each choice of the answer ended, in the provider's words.
    pub finish_reasons: Vec<String>,
    /// The requests of a batch that is over, in the record of the first call that was told so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<BatchCounts>,
    /// From arrival to the first token sent to the caller, microseconds; streams only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_token_us: Option<u64>,
    /// From arrival to the end of the answer, microseconds.
    pub total_us: u64,
    /// The part of it spent waiting for upstreams, microseconds.
    pub upstream_us: u64,
    /// The part of it spent in the gateway, microseconds.
    pub gateway_us: u64,
    /// The W3C trace id, 32 hex digits.
    pub trace_id: String,
    /// The caller's country, two letters, where the platform tells.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub country: String,
    /// The platform's place that took the call, e.g. an airport's code.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub colo: String,
    /// The caller's region within the country, where the platform tells.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub region: String,
    /// The request body, only if the configuration asks for payloads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_body: Option<String>,
    /// The answer's body, only if the configuration asks for payloads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_body: Option<String>,
}
