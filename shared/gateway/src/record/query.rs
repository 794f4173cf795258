//! Questions about records, and their answers.

use postern_wire::MicroUsd;
use serde::{Deserialize, Serialize};

use super::{Record, RollupKey, RollupValue};
use crate::time::Timestamp;

/// Which records, and in which order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordQuery {
    /// Only this tenant's.
    pub tenant: Option<String>,
    /// Only this key's, by id.
    pub key: Option<String>,
    /// Only calls that named this model.
    pub model: Option<String>,
    /// Only records after the one with this id, in the order asked for.
    pub after: Option<String>,
    /// At most this many.
    pub limit: usize,
    /// Oldest first instead of newest first.
    pub ascending: bool,
}

impl RecordQuery {
    /// Whether the record is one of those asked for; position and number aside.
    #[must_use]
    pub fn matches(&self, record: &Record) -> bool {
        let is = |wanted: &Option<String>, value: &str| wanted.as_deref().is_none_or(|w| w == value);
        is(&self.tenant, &record.tenant) && is(&self.key, &record.key) && is(&self.model, &record.model)
    }
}

/// Some of the records.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RecordPage {
    /// The records, in the order asked for.
    pub data: Vec<Record>,
    /// Give this as `after` to get the next ones; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A column that usage is summed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UsageGroup {
    /// The tenant.
    Tenant,
    /// The key's id.
    Key,
    /// The model as the caller named it.
    Model,
    /// The provider that answered.
    Provider,
    /// The day, UTC.
    Day,
}

/// Which sums.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UsageQuery {
    /// The columns to keep; everything else is summed over. None: one row with everything.
    pub by: Vec<UsageGroup>,
    /// Only this tenant's.
    pub tenant: Option<String>,
    /// Only days from this one on (UTC).
    pub since: Option<Timestamp>,
    /// Only days before this time's day (UTC).
    pub until: Option<Timestamp>,
}

/// One row of sums. Columns that were summed over are absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct UsageRow {
    /// The day, `YYYY-MM-DD` in UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub day: Option<String>,
    /// The tenant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The key's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The model as callers named it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The provider that answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The sums.
    #[serde(flatten)]
    pub sums: RollupValue,
}

impl UsageQuery {
    /// Whether a rolled-up row is one of those asked for.
    #[must_use]
    pub fn matches(&self, key: &RollupKey) -> bool {
        self.tenant.as_deref().is_none_or(|t| t == key.tenant)
            && self.since.is_none_or(|t| key.day >= t.day())
            && self.until.is_none_or(|t| key.day < t.day())
    }

    /// Sums the rows that match by the columns asked for, sorted by those columns.
    pub fn sum(&self, rows: impl IntoIterator<Item = (RollupKey, RollupValue)>) -> Vec<UsageRow> {
        let mut sums = std::collections::BTreeMap::<RollupKey, RollupValue>::new();
        for (key, value) in rows {
            if !self.matches(&key) {
                continue;
            }
            let has = |group| self.by.contains(&group);
            let kept = RollupKey {
                day: if has(UsageGroup::Day) { key.day } else { 0 },
                tenant: if has(UsageGroup::Tenant) { key.tenant } else { String::new() },
                key: if has(UsageGroup::Key) { key.key } else { String::new() },
                model: if has(UsageGroup::Model) { key.model } else { String::new() },
                provider: if has(UsageGroup::Provider) { key.provider } else { String::new() },
            };
            sums.entry(kept).or_default().add(&value);
        }
        let column = |group, value: String| self.by.contains(&group).then_some(value);
        sums.into_iter()
            .map(|(key, sums)| UsageRow {
                day: column(UsageGroup::Day, key.day_text()),
                tenant: column(UsageGroup::Tenant, key.tenant),
                key: column(UsageGroup::Key, key.key),
                model: column(UsageGroup::Model, key.model),
                provider: column(UsageGroup::Provider, key.provider),
                sums,
            })
            .collect()
    }
}

impl UsageRow {
    /// The cost.
    #[must_use]
    pub const fn cost(&self) -> MicroUsd {
        self.sums.cost
    }
}
