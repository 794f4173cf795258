//! Reading partitions page by page: whole ones, and the records of a day over all of its shards in the order of their
//! ids.

use std::collections::VecDeque;

use aws_sdk_dynamodb::operation::query::QueryOutput;
use futures_util::future::try_join_all;
use postern_gateway::StoreError;
use postern_gateway::record::{Record, RecordQuery};

use super::layout::{self, Item, SHARDS, number_of, text_of};
use super::{Table, TableError, failed};

/// Records that one page of a shard has at most: a page of a thousand rows comes from a few of these.
const LARGEST_PAGE: usize = 250;
/// And at least: a narrow question looks at many records.
const SMALLEST_PAGE: usize = 25;

/// The whole of a partition, or the rows whose sort keys start with `prefix`.
pub(super) async fn day_rows(
    table: &Table,
    partition: &str,
    prefix: Option<&str>,
) -> Result<Vec<Item>, TableError> {
    let mut rows = Vec::new();
    let mut start = None;
    loop {
        let query = table.operation().query().table_name(table.name());
        let query = query.expression_attribute_values(":pk", layout::text(partition));
        let query = match prefix {
            None => query.key_condition_expression("pk = :pk"),
            Some(prefix) => query
                .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
                .expression_attribute_values(":prefix", layout::text(prefix)),
        };
        let query = query.consistent_read(true).set_exclusive_start_key(start);
        let page = query.send().await.map_err(|error| failed(&error))?;
        rows.extend(page.items.unwrap_or_default());
        start = page.last_evaluated_key;
        if start.is_none() {
            return Ok(rows);
        }
    }
}

/// A page of a partition's rows from one sort key to another.
pub(super) async fn range(
    table: &Table,
    partition: &str,
    from: &str,
    to: &str,
    start: Option<Item>,
) -> Result<QueryOutput, TableError> {
    let query = table.operation().query().table_name(table.name()).consistent_read(true);
    let query = query
        .key_condition_expression("pk = :pk AND sk BETWEEN :from AND :to")
        .expression_attribute_values(":pk", layout::text(partition))
        .expression_attribute_values(":from", layout::text(from))
        .expression_attribute_values(":to", layout::text(to));
    query.set_exclusive_start_key(start).send().await.map_err(|error| failed(&error))
}

/// The records of one day.
pub(super) struct Cursor<'a> {
    table: &'a Table,
    ascending: bool,
    page: usize,
    /// Records that have outlived this, seconds since 1970, are there only because nobody has removed them yet.
    now: u64,
    shards: Vec<Shard>,
}

struct Shard {
    partition: String,
    after: Option<String>,
    read: VecDeque<Item>,
    ended: bool,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(table: &'a Table, day: &str, query: &RecordQuery, now: u64) -> Self {
        let shards = (0..SHARDS).map(|shard| Shard {
            partition: layout::record_partition(day, shard),
            after: query.after.clone(),
            read: VecDeque::new(),
            ended: false,
        });
        let page = (query.limit / usize::from(SHARDS) + 1).clamp(SMALLEST_PAGE, LARGEST_PAGE);
        Self { table, ascending: query.ascending, page, now, shards: shards.collect() }
    }

    /// Whether anything may be left.
    pub(super) fn has_more(&self) -> bool {
        self.shards.iter().any(|shard| !shard.ended || !shard.read.is_empty())
    }

    /// The next record with its id. `None` at the end of the day, and when `pages` are used up.
    pub(super) async fn next(&mut self, pages: &mut usize) -> Result<Option<(String, Record)>, StoreError> {
        loop {
            let empty = self.shards.iter().filter(|shard| shard.read.is_empty() && !shard.ended).count();
            if empty > 0 {
                if *pages < empty {
                    *pages = 0;
                    return Ok(None);
                }
                *pages -= empty;
                let (table, ascending, page) = (self.table, self.ascending, self.page);
                let filling = self
                    .shards
                    .iter_mut()
                    .filter(|shard| shard.read.is_empty() && !shard.ended)
                    .map(|shard| shard.fill(table, ascending, page));
                let filled = try_join_all(filling).await;
                filled.map_err(|error| self.table.store_error("reading records", &error))?;
                continue;
            }
            let heads = self.shards.iter_mut().filter_map(|shard| {
                let id = shard.read.front().and_then(|item| text_of(item, "sk"))?.to_owned();
                Some((id, shard))
            });
            let next = if self.ascending {
                heads.min_by(|a, b| a.0.cmp(&b.0))
            } else {
                heads.max_by(|a, b| a.0.cmp(&b.0))
            };
            let Some((id, shard)) = next else { return Ok(None) };
            let Some(item) = shard.read.pop_front() else { return Ok(None) };
            if number_of(&item, "ttl").is_some_and(|ttl| ttl <= self.now) {
                continue;
            }
            let record = layout::decode_record(&item)?;
            return Ok(Some((id, record)));
        }
    }
}

impl Shard {
    async fn fill(&mut self, table: &Table, ascending: bool, page: usize) -> Result<(), TableError> {
        let query = table.operation().query().table_name(table.name()).scan_index_forward(ascending);
        let query = query.expression_attribute_values(":pk", layout::text(&self.partition));
        let query = match &self.after {
            None => query.key_condition_expression("pk = :pk"),
            Some(after) => query
                .key_condition_expression(format!(
                    "pk = :pk AND sk {} :after",
                    if ascending { ">" } else { "<" }
                ))
                .expression_attribute_values(":after", layout::text(after)),
        };
        let query = query.consistent_read(true).limit(i32::try_from(page).unwrap_or(i32::MAX)).send();
        let answer = query.await.map_err(|error| failed(&error))?;
        self.ended = answer.last_evaluated_key.is_none();
        self.read = answer.items.unwrap_or_default().into();
        if let Some(last) = self.read.back().and_then(|item| text_of(item, "sk")) {
            self.after = Some(last.to_owned());
        }
        Ok(())
    }
}
