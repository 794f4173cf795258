//! Records for tests, and what a journal says of them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use postern_gateway::record::{Attempt, Outcome, Record, RecordQuery, UsageQuery, UsageSource};
use postern_gateway::{Journal as _, Timestamp};
use postern_lambda::dynamo::DynamoJournal;
use postern_wire::{MicroUsd, Usage};

/// The contract's records are of 2024.
pub(crate) const LONG: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// A record of now that costs `number`.
pub(crate) fn record(number: u64) -> Record {
    record_at(SystemTime::now(), number)
}

/// A record of a usual call that came at this time and costs `number`.
pub(crate) fn record_at(time: SystemTime, number: u64) -> Record {
    let since = time.duration_since(UNIX_EPOCH).unwrap();
    let millis = since.as_millis() as u64;
    let attempt = Attempt {
        provider: "anthropic".to_owned(),
        model: "claude-sonnet-4-5-20250929".to_owned(),
        status: Some(200),
        duration_us: 1_234_567,
        ..Attempt::default()
    };
    Record {
        id: format!("{:08x}-{:04x}-7000-8000-{number:012x}", millis >> 16, millis & 0xffff),
        at: Timestamp(since.as_micros() as u64),
        tenant: "acme".to_owned(),
        key: "key0000001".to_owned(),
        dialect: "openai_chat".to_owned(),
        operation: "chat".to_owned(),
        model: "assistant".to_owned(),
        provider: "anthropic".to_owned(),
        upstream_model: attempt.model.clone(),
        response_model: attempt.model.clone(),
        stream: true,
        attempts: vec![attempt],
        usage: Usage { input: 1234, cache_read: 5678, output: 456, ..Usage::default() },
        usage_source: UsageSource::Provider,
        cost: MicroUsd(number),
        priced: true,
        status: 200,
        outcome: Outcome::Ok,
        finish_reasons: vec!["end_turn".to_owned()],
        first_token_us: Some(345_678),
        total_us: 1_240_000,
        upstream_us: 1_234_567,
        gateway_us: 5_433,
        trace_id: "0af7651916cd43dd8448eb211c80319c".to_owned(),
        ..Record::default()
    }
}

/// How many records there are, how many calls the sums have, and what they cost.
pub(crate) async fn counts(journal: &DynamoJournal) -> (usize, u64, u64) {
    let page = journal.records(&RecordQuery { limit: 1000, ..RecordQuery::default() }).await.unwrap();
    let (calls, cost) = sums(journal).await;
    (page.data.len(), calls, cost)
}

/// How many calls the sums have, and what they cost.
pub(crate) async fn sums(journal: &DynamoJournal) -> (u64, u64) {
    let sums = journal.usage(&UsageQuery::default()).await.unwrap();
    let sums = sums.first().map(|row| row.sums).unwrap_or_default();
    (sums.calls, sums.cost.0)
}
