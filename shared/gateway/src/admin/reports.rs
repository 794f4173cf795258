//! Usage and records for administrators.

use serde::Serialize;

use super::query::{Query, bad};
use crate::error::GatewayError;
use crate::host::{Host, Journal};
use crate::record::{RecordPage, RecordQuery, UsageGroup, UsageQuery, UsageRow};

#[derive(Serialize)]
pub(super) struct UsageReport {
    data: Vec<UsageRow>,
}

pub(super) async fn usage<H: Host>(host: &H, query: &Query) -> Result<UsageReport, GatewayError> {
    query.only(&["by", "tenant", "since", "until"])?;
    let mut by = Vec::new();
    for name in query.text("by").unwrap_or_default().split(',').map(str::trim).filter(|n| !n.is_empty()) {
        by.push(match name {
            "tenant" => UsageGroup::Tenant,
            "key" => UsageGroup::Key,
            "model" => UsageGroup::Model,
            "provider" => UsageGroup::Provider,
            "day" => UsageGroup::Day,
            _ => return Err(bad("by", "takes tenant, key, model, provider and day, divided by commas")),
        });
    }
    let now = host.now();
    let question = UsageQuery {
        by,
        tenant: query.text("tenant"),
        since: query.time("since", now)?,
        until: query.time("until", now)?,
    };
    Ok(UsageReport { data: host.journal().usage(&question).await? })
}

pub(super) async fn logs<H: Host>(host: &H, query: &Query) -> Result<RecordPage, GatewayError> {
    query.only(&["tenant", "key", "model", "after", "limit", "order"])?;
    let ascending = match query.text("order").as_deref() {
        None | Some("desc") => false,
        Some("asc") => true,
        Some(_) => return Err(bad("order", "must be asc or desc")),
    };
    let question = RecordQuery {
        tenant: query.text("tenant"),
        key: query.text("key"),
        model: query.text("model"),
        after: query.text("after"),
        limit: query.limit()?,
        ascending,
    };
    Ok(host.journal().records(&question).await?)
}
