//! What the Worker and the Durable Objects say to each other, as JSON.

use std::borrow::Cow;

use postern_gateway::record::{Record, RecordQuery, RollupKey, RollupValue, UsageGroup, UsageQuery};
use postern_gateway::{StoreError, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// A record, with what is found and summed by taken out of it, so that the object need not read it.
#[derive(Serialize, Deserialize)]
pub(super) struct Append<'a> {
    #[serde(borrow)]
    pub(super) id: Cow<'a, str>,
    /// The model as the caller named it; its row of sums may leave it out.
    #[serde(borrow)]
    pub(super) named: Cow<'a, str>,
    pub(super) row: RollupKey,
    pub(super) sums: RollupValue,
    #[serde(borrow)]
    pub(super) record: Cow<'a, RawValue>,
}

/// What a record is written as.
pub(super) fn append_text(record: &Record) -> Result<String, StoreError> {
    let failed = |error| StoreError(format!("a record cannot be written: {error}"));
    let text = serde_json::value::to_raw_value(record).map_err(failed)?;
    let append = Append {
        id: Cow::Borrowed(&record.id),
        named: Cow::Borrowed(&record.model),
        row: RollupKey::of(record),
        sums: RollupValue::of(record),
        record: Cow::Owned(text),
    };
    serde_json::to_string(&append).map_err(failed)
}

/// Which records of a tenant.
#[derive(Serialize, Deserialize)]
pub(super) struct AskedRecords {
    pub(super) key: Option<String>,
    pub(super) model: Option<String>,
    pub(super) after: Option<String>,
    pub(super) limit: usize,
    pub(super) ascending: bool,
}

impl AskedRecords {
    pub(super) fn of(query: &RecordQuery) -> Self {
        Self {
            key: query.key.clone(),
            model: query.model.clone(),
            after: query.after.clone(),
            limit: query.limit,
            ascending: query.ascending,
        }
    }
}

/// Some records of a tenant, unread.
#[derive(Serialize, Deserialize)]
pub(super) struct TenantPage {
    /// Each with its id, in the order asked for.
    pub(super) data: Vec<(String, Box<RawValue>)>,
    /// Up to which id the page tells everything, if there is more behind it.
    pub(super) next: Option<String>,
}

/// Which sums of a tenant: days `from` up to `to`, and the columns to keep.
#[derive(Serialize, Deserialize)]
pub(super) struct AskedUsage {
    pub(super) from: u32,
    pub(super) to: u32,
    pub(super) day: bool,
    pub(super) key: bool,
    pub(super) model: bool,
    pub(super) provider: bool,
}

impl AskedUsage {
    pub(super) fn of(query: &UsageQuery) -> Self {
        let has = |group| query.by.contains(&group);
        Self {
            from: query.since.map_or(0, Timestamp::day),
            to: query.until.map_or(u32::MAX, Timestamp::day),
            // The core looks at the days once more.
            day: has(UsageGroup::Day) || query.since.is_some() || query.until.is_some(),
            key: has(UsageGroup::Key),
            model: has(UsageGroup::Model),
            provider: has(UsageGroup::Provider),
        }
    }
}

/// A row of sums of a tenant. Columns that were not asked for are empty.
#[derive(Serialize, Deserialize)]
pub(super) struct Sums {
    pub(super) day: u32,
    pub(super) key: String,
    pub(super) model: String,
    pub(super) provider: String,
    pub(super) sums: RollupValue,
}

impl Sums {
    pub(super) fn of_tenant(self, tenant: &str) -> (RollupKey, RollupValue) {
        let Self { day, key, model, provider, sums } = self;
        (RollupKey { day, tenant: tenant.to_owned(), key, model, provider }, sums)
    }
}

/// Which tenants the directory shall name.
#[derive(Serialize, Deserialize)]
pub(super) struct Known {
    pub(super) after: Option<String>,
    pub(super) limit: usize,
}
