//! The journal of call records.

use std::ops::Bound;
use std::sync::Arc;

use postern_gateway::record::{Record, RecordPage, RecordQuery, UsageQuery, UsageRow};
use postern_gateway::{Journal, StoreError, Timestamp};

use super::failure;
use super::file::DatabaseFile;
use super::tables::{self, RECORDS, SUMS};
use super::writer::Writer;

/// Records that one page may look at. A narrow question over many records is answered in several pages instead of
/// keeping a thread busy for as long as it takes.
const LOOKED_AT: usize = 100_000;
/// Bytes of encoded records in one page, about: records with payloads are large, and all of a page is in memory.
const PAGE_BYTES: usize = 8 << 20;
/// After every day that a time can have.
const LAST_DAY: u32 = u32::MAX;

/// Records in the embedded file, by way of a bounded buffer.
pub(crate) struct RedbJournal {
    pub(super) file: Arc<DatabaseFile>,
    writer: Arc<Writer>,
}

impl RedbJournal {
    pub(super) const fn new(file: Arc<DatabaseFile>, writer: Arc<Writer>) -> Self {
        Self { file, writer }
    }

    /// Runs a question off the threads that serve calls, once everything that was appended can be seen.
    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&DatabaseFile) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.writer.flush().await?;
        let file = Arc::clone(&self.file);
        match tokio::task::spawn_blocking(move || question(&file)).await {
            Ok(answer) => answer,
            Err(error) => Err(failure(&error)),
        }
    }
}

impl Journal for RedbJournal {
    async fn append(&self, record: Record) -> Result<(), StoreError> {
        self.writer.append(record)
    }

    async fn records(&self, query: &RecordQuery) -> Result<RecordPage, StoreError> {
        let query = query.clone();
        self.ask(move |file| find(file, &query, LOOKED_AT)).await
    }

    async fn usage(&self, query: &UsageQuery) -> Result<Vec<UsageRow>, StoreError> {
        let query = query.clone();
        self.ask(move |file| sum(file, &query)).await
    }
}

/// The records that match; looks at no more than `most` of them.
pub(super) fn find(file: &DatabaseFile, query: &RecordQuery, most: usize) -> Result<RecordPage, StoreError> {
    let table = file.begin_read()?.open_table(RECORDS).map_err(|error| file.failed(error))?;
    let after = query.after.as_deref();
    let (from, to) = match after {
        Some(after) if query.ascending => (Bound::Excluded(after), Bound::Unbounded),
        Some(after) => (Bound::Unbounded, Bound::Excluded(after)),
        None => (Bound::Unbounded, Bound::Unbounded),
    };
    let mut rows = table.range::<&str>((from, to)).map_err(|error| file.failed(error))?;
    let mut page = RecordPage::default();
    let (mut looked_at, mut size) = (0, 0);
    let mut last = None;
    loop {
        let row = if query.ascending { rows.next() } else { rows.next_back() };
        let Some(row) = row else { return Ok(page) };
        // There is at least one more: the next page begins after the last one of this.
        if page.data.len() >= query.limit || looked_at >= most || size >= PAGE_BYTES {
            page.next = last;
            return Ok(page);
        }
        let (id, bytes) = row.map_err(|error| file.failed(error))?;
        looked_at += 1;
        last = Some(id.value().to_owned());
        let record = tables::decode_record(bytes.value())
            .map_err(|reason| StoreError(format!("the record {} cannot be read: {reason}", id.value())))?;
        if query.matches(&record) {
            page.data.push(record);
            size += bytes.value().len();
        }
    }
}

/// The sums asked for.
fn sum(file: &DatabaseFile, query: &UsageQuery) -> Result<Vec<UsageRow>, StoreError> {
    let table = file.begin_read()?.open_table(SUMS).map_err(|error| file.failed(error))?;
    let first = query.since.map_or(0, Timestamp::day);
    let last = query.until.map_or(LAST_DAY, Timestamp::day);
    let range = (first, "", "", "", "")..(last, "", "", "", "");
    if first >= last {
        return Ok(query.sum([]));
    }
    let rows = table.range::<tables::SumKey<'_>>(range).map_err(|error| file.failed(error))?;
    let mut failed = None;
    let rows = rows.map_while(|row| {
        let read = row.map_err(|error| file.failed(error)).and_then(|(key, value)| {
            let sums = tables::decode_sums(value.value());
            let sums =
                sums.map_err(|reason| StoreError(format!("a row of sums cannot be read: {reason}")))?;
            Ok((tables::rollup_key(key.value()), sums))
        });
        read.map_err(|error| failed = Some(error)).ok()
    });
    let sums = query.sum(rows);
    failed.map_or(Ok(sums), Err)
}
