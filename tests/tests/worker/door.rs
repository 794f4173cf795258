//! The ways in that a test build of the Worker has, and plain requests.

use bytes::Bytes;
use postern_gateway::record::{Record, RecordPage, RecordQuery, UsageQuery, UsageRow};
use postern_gateway::{Journal, Store, StoreError};
use postern_tests::site::WorkerSite;
pub(crate) use postern_tests::talk::{
    administrate, calls_in_the_sums, echo, headers, make_key, missing, read, records, refused, send,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Asks at a way in.
pub(crate) async fn ask<T: DeserializeOwned>(site: &WorkerSite, asked: &Value) -> Result<T, StoreError> {
    let answer = read(&send(site, "POST", "/test", &[], Some(asked)).await);
    match answer.get("error").and_then(Value::as_str) {
        Some(error) => Err(StoreError(error.to_owned())),
        None => Ok(serde_json::from_value(answer["ok"].clone()).expect("the answer that was asked for")),
    }
}

/// The Worker's own store and journal.
pub(crate) struct Door<'a>(pub(crate) &'a WorkerSite);

impl Store for Door<'_> {
    async fn read(&self, name: &str) -> Result<Option<Bytes>, StoreError> {
        let value: Option<Vec<u8>> = ask(self.0, &json!({ "ask": "read", "name": name })).await?;
        Ok(value.map(Bytes::from))
    }

    async fn write(&self, name: &str, value: Bytes) -> Result<(), StoreError> {
        ask(self.0, &json!({ "ask": "write", "name": name, "value": value.to_vec() })).await
    }

    async fn remove(&self, name: &str) -> Result<(), StoreError> {
        ask(self.0, &json!({ "ask": "remove", "name": name })).await
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Bytes)>, StoreError> {
        let asked = json!({ "ask": "list", "prefix": prefix, "after": after, "limit": limit });
        let listed: Vec<(String, Vec<u8>)> = ask(self.0, &asked).await?;
        Ok(listed.into_iter().map(|(name, value)| (name, value.into())).collect())
    }
}

impl Journal for Door<'_> {
    async fn append(&self, record: Record) -> Result<(), StoreError> {
        ask(self.0, &json!({ "ask": "append", "record": record })).await
    }

    async fn records(&self, query: &RecordQuery) -> Result<RecordPage, StoreError> {
        let RecordQuery { tenant, key, model, after, limit, ascending } = query;
        let asked = json!({
            "ask": "records", "tenant": tenant, "key": key, "model": model,
            "after": after, "limit": limit, "ascending": ascending,
        });
        ask(self.0, &asked).await
    }

    async fn usage(&self, query: &UsageQuery) -> Result<Vec<UsageRow>, StoreError> {
        let UsageQuery { by, tenant, since, until } = query;
        let asked = json!({ "ask": "usage", "by": by, "tenant": tenant, "since": since, "until": until });
        ask(self.0, &asked).await
    }
}
