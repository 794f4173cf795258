//! Figures rolled up as records arrive, so that a report never scans records.

use postern_wire::MicroUsd;
use serde::{Deserialize, Serialize};

use super::{Outcome, Record};

/// What a rolled-up row is about. The order of the fields is the order rows are kept in.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RollupKey {
    /// Days since 1970, UTC.
    pub day: u32,
    /// The tenant.
    pub tenant: String,
    /// The key's id.
    pub key: String,
    /// The model as the caller named it; empty if there is none of that name.
    pub model: String,
    /// The provider that answered; empty if none did.
    pub provider: String,
}

impl RollupKey {
    /// The row a record belongs to. Rows are kept for ever, so a name that a caller made up must not get one: where
    /// nobody was asked, or nobody knew the model, the model is left out.
    #[must_use]
    pub fn of(record: &Record) -> Self {
        let known = !record.attempts.is_empty() && record.status != 404;
        Self {
            day: record.at.day(),
            tenant: record.tenant.clone(),
            key: record.key.clone(),
            model: if known { record.model.clone() } else { String::new() },
            provider: record.provider.clone(),
        }
    }

    /// The day as `YYYY-MM-DD`.
    #[must_use]
    pub fn day_text(&self) -> String {
        let epoch = time::OffsetDateTime::UNIX_EPOCH;
        let date = epoch.checked_add(time::Duration::days(i64::from(self.day))).unwrap_or(epoch).date();
        format!("{:04}-{:02}-{:02}", date.year(), u8::from(date.month()), date.day())
    }
}

/// Sums of many calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RollupValue {
    /// Calls, failed ones included.
    pub calls: u64,
    /// Calls that did not end well, callers that left not included.
    pub errors: u64,
    /// Tokens read, cached ones included.
    pub input_tokens: u64,
    /// The part of them that was read from a provider's cache.
    pub cached_tokens: u64,
    /// Tokens written.
    pub output_tokens: u64,
    /// What it cost, micro-USD.
    #[serde(rename = "cost_micro_usd")]
    pub cost: MicroUsd,
}

impl RollupValue {
    /// One record's figures.
    #[must_use]
    pub const fn of(record: &Record) -> Self {
        Self {
            calls: 1,
            errors: !matches!(record.outcome, Outcome::Ok | Outcome::ClientClosed) as u64,
            input_tokens: record.usage.total_input(),
            cached_tokens: record.usage.cache_read,
            output_tokens: record.usage.total_output(),
            cost: record.cost,
        }
    }

    /// Adds another sum to this one.
    pub const fn add(&mut self, other: &Self) {
        self.calls += other.calls;
        self.errors += other.errors;
        self.input_tokens = self.input_tokens.saturating_add(other.input_tokens);
        self.cached_tokens = self.cached_tokens.saturating_add(other.cached_tokens);
        self.output_tokens = self.output_tokens.saturating_add(other.output_tokens);
        self.cost = self.cost.saturating_add(other.cost);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{UsageGroup, UsageQuery};

    #[test]
    fn a_report_equals_the_sum_of_its_records() {
        let records: Vec<Record> = (0..50)
            .map(|i| Record {
                tenant: format!("t{}", i % 3),
                model: format!("m{}", i % 2),
                cost: MicroUsd(i),
                attempts: vec![crate::record::Attempt::default()],
                ..Record::default()
            })
            .collect();
        let rows = || records.iter().map(|r| (RollupKey::of(r), RollupValue::of(r)));
        let query = UsageQuery { by: vec![UsageGroup::Tenant], ..UsageQuery::default() };
        let report = query.sum(rows());
        assert_eq!(report.len(), 3);
        assert_eq!(report.iter().map(|r| r.cost().0).sum::<u64>(), (0..50).sum::<u64>());
        assert_eq!(UsageQuery::default().sum(rows())[0].sums.calls, 50);
    }

    #[test]
    fn days_are_written_as_dates() {
        assert_eq!(RollupKey { day: 19_782, ..RollupKey::default() }.day_text(), "2024-02-29");
    }
}
