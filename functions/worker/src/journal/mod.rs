//! Records in Durable Objects: one for each tenant, and one that knows all tenants.
//!
//! Records of several calls go to an object in one request and become one row there: requests and rows are what costs.
//! `js/outbox.js` has those that are under way.
//!
//! A question about one tenant is asked of its object. A question about all goes to the directory and then to each of
//! them, a few at a time.

mod batches;
mod directory;
mod message;
mod metrics;
mod page;
mod pages;
mod seen;
mod sums;
mod tenant;

use futures_util::future::join_all;
use js_sys::Uint8Array;
use postern_gateway::record::{Record, RecordPage, RecordQuery, UsageQuery, UsageRow};
use postern_gateway::{Journal, StoreError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use crate::edge::{self, describe};
use message::{AskedRecords, AskedUsage, Known, Sums, append_text};
use pages::Merge;

/// The largest text of a record, bytes: a row of the object's storage holds 2 MB, and escaping can make payloads long.
const LARGEST_RECORD: usize = 1 << 20;
/// Tenants that are asked at the same time. The platform opens no more connections for a call.
const AT_ONCE: usize = 6;
/// Tenants whose names are fetched at once.
const NAMES: usize = 1000;

/// Records of all tenants.
pub(crate) struct TenantJournal {
    context: JsValue,
    tenants: JsValue,
    directory: JsValue,
    calls: Option<JsValue>,
}

impl TenantJournal {
    pub(crate) const fn new(
        context: JsValue,
        tenants: JsValue,
        directory: JsValue,
        calls: Option<JsValue>,
    ) -> Self {
        Self { context, tenants, directory, calls }
    }

    /// Sends what this isolate has not sent yet, so that a question finds it. What fails is offered again later.
    async fn flush(&self, tenant: Option<&str>) {
        if let Err(error) = JsFuture::from(edge::flush(&self.tenants, tenant)).await {
            tracing::warn!(reason = describe(&error), "records could not be sent before a question");
        }
    }

    async fn ask_tenant<T: DeserializeOwned>(
        &self,
        tenant: &str,
        path: &str,
        question: &impl Serialize,
    ) -> Result<T, StoreError> {
        ask(&self.tenants, tenant, path, question).await
    }

    /// Makes the tenant's object fail once, after it has written records: by an error, or by starting anew.
    #[cfg(feature = "doors")]
    pub(crate) async fn break_next(&self, tenant: &str, restart: bool) -> Result<(), StoreError> {
        self.ask_tenant(tenant, tenant::BREAK, &restart).await
    }

    /// What the tenant's object has done since it started: batches taken, records in them, rows written for them.
    #[cfg(feature = "doors")]
    pub(crate) async fn written(&self, tenant: &str) -> Result<[u64; 3], StoreError> {
        self.ask_tenant(tenant, tenant::WRITTEN, &()).await
    }

    /// The names of all tenants that have records after this one, in order, and whether there are more.
    async fn tenants_after(&self, after: Option<String>) -> Result<Vec<String>, StoreError> {
        ask(&self.directory, directory::NAME, directory::LIST, &Known { after, limit: NAMES }).await
    }

    /// Asks all tenants, or the one that is meant, the same. `take` gets the answers in the order of the names.
    async fn ask_all<T: DeserializeOwned>(
        &self,
        tenant: Option<&str>,
        path: &str,
        question: &impl Serialize,
        mut take: impl FnMut(&str, T),
    ) -> Result<(), StoreError> {
        if let Some(tenant) = tenant {
            take(tenant, self.ask_tenant(tenant, path, question).await?);
            return Ok(());
        }
        let mut after = None;
        loop {
            let names = self.tenants_after(after.take()).await?;
            for group in names.chunks(AT_ONCE) {
                let answers = join_all(group.iter().map(|name| self.ask_tenant(name, path, question))).await;
                for (name, answer) in group.iter().zip(answers) {
                    take(name, answer?);
                }
            }
            if names.len() < NAMES {
                return Ok(());
            }
            after = names.into_iter().next_back();
        }
    }
}

impl Journal for TenantJournal {
    async fn append(&self, record: Record) -> Result<(), StoreError> {
        if let Some(calls) = &self.calls {
            metrics::count(calls, &record);
        }
        let mut text = append_text(&record)?;
        if text.len() > LARGEST_RECORD {
            tracing::warn!(request_id = record.id, "the payloads of a call are too large and are left out");
            text = append_text(&Record { request_body: None, response_body: None, ..record.clone() })?;
        }
        if edge::enqueue(&self.context, &self.tenants, &record.tenant, &text) {
            Ok(())
        } else {
            Err(StoreError("too many records wait for their objects".to_owned()))
        }
    }

    async fn records(&self, query: &RecordQuery) -> Result<RecordPage, StoreError> {
        let mut merge = Merge::new(query.limit, query.ascending);
        let asked = AskedRecords::of(query);
        self.flush(query.tenant.as_deref()).await;
        self.ask_all(query.tenant.as_deref(), tenant::RECORDS, &asked, |_, page| merge.add(page)).await?;
        Ok(merge.finish())
    }

    async fn usage(&self, query: &UsageQuery) -> Result<Vec<UsageRow>, StoreError> {
        let mut rows = Vec::new();
        self.flush(query.tenant.as_deref()).await;
        self.ask_all(
            query.tenant.as_deref(),
            tenant::USAGE,
            &AskedUsage::of(query),
            |name, sums: Vec<Sums>| {
                rows.extend(sums.into_iter().map(|sums| sums.of_tenant(name)));
            },
        )
        .await?;
        Ok(query.sum(rows))
    }
}

/// Asks a Durable Object and reads its answer.
async fn ask<T: DeserializeOwned>(
    namespace: &JsValue,
    name: &str,
    path: &str,
    question: &impl Serialize,
) -> Result<T, StoreError> {
    let body = serde_json::to_vec(question).map_err(|error| StoreError(error.to_string()))?;
    let answer = JsFuture::from(edge::ask(namespace, name, path, &body)).await;
    let answer = answer.map_err(|error| StoreError(format!("a Durable Object: {}", describe(&error))))?;
    let bytes = answer.unchecked_into::<Uint8Array>().to_vec();
    serde_json::from_slice(&bytes)
        .map_err(|error| StoreError(format!("the answer of a Durable Object cannot be read: {error}")))
}
