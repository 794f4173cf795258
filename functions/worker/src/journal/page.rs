//! Pages of a tenant's records, in the order of their ids, from rows that are in the order of their commits.
//!
//! A row tells what cannot come any more: going back, every row that was not read was committed earlier, so its records
//! arrived earlier than that; going on, every row that was not read has records no older than the longest call.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use worker::{Result, SqlStorage, SqlStorageValue};

use super::batches::{Batches, Packed, first_at, float, last_at, table};
use super::message::{AskedRecords, TenantPage};
use super::seen;
use super::tenant::{number, rows, text};

/// Records that one page may look at.
const LOOKED_AT: usize = 20_000;
/// Bytes of records that one page may have: with payloads a few of them are many.
const LARGEST_PAGE: usize = 8 << 20;
/// Rows whose heads are read at once.
const HEADS: u32 = 200;

/// A page in the making: the nearest records that were met.
struct Page<'a> {
    asked: &'a AskedRecords,
    found: BTreeMap<String, Box<RawValue>>,
    size: usize,
    /// The nearest record that had no room.
    beyond: Option<String>,
}

/// The head of a row.
struct Head {
    at: u64,
    first: String,
    last: String,
}

/// Answers a question about records.
pub(super) fn records(sql: &SqlStorage, batches: &Batches, asked: &AskedRecords) -> Result<TenantPage> {
    let mut page = Page { asked, found: BTreeMap::new(), size: 0, beyond: None };
    let mut looked_at = 0;
    let days: Vec<u32> = if asked.ascending {
        batches.days.iter().copied().collect()
    } else {
        batches.days.iter().rev().copied().collect()
    };
    let mut place = Place::start(batches, asked);
    for day in days {
        while let Some(heads) = place.heads(sql, day)? {
            for head in heads {
                let known = place.known_at(&head);
                if page.is_settled(known) {
                    return Ok(page.finish(None));
                }
                if looked_at > LOOKED_AT
                    && let Some(edge) = place.edge(known)
                {
                    return Ok(page.finish(Some(edge)));
                }
                if page.may_take(&head) {
                    looked_at += page.read(sql, day, &head)?;
                }
                place.at = Some(head.at);
            }
        }
    }
    Ok(page.finish(None))
}

/// Where reading is.
struct Place<'a> {
    asked: &'a AskedRecords,
    /// The arrival of the record to begin after, milliseconds.
    begin: Option<u64>,
    /// The longest time from arrival to commit, milliseconds.
    age: u64,
    /// The last row read.
    at: Option<u64>,
}

impl<'a> Place<'a> {
    fn start(batches: &Batches, asked: &'a AskedRecords) -> Self {
        let begin = asked.after.as_deref().and_then(seen::number).map(seen::arrival);
        Self { asked, begin, age: batches.age, at: None }
    }

    /// The heads of the next rows of a day that may have something; `None` if there are none.
    fn heads(&self, sql: &SqlStorage, day: u32) -> Result<Option<Vec<Head>>> {
        let table = table(day);
        let after = self.asked.after.clone();
        let (query, from, after) = if self.asked.ascending {
            let from = self.at.map_or(self.begin.unwrap_or(0) * 1000, |at| at + 1);
            let query = format!(
                "SELECT at, first, last FROM {table} WHERE at >= ? AND last > ? ORDER BY at LIMIT {HEADS}"
            );
            (query, from, after.unwrap_or_default())
        } else {
            let from = self.at.or(self.begin.map(|time| (time + self.age + 1) * 1000)).unwrap_or(1 << 53);
            let query = format!(
                "SELECT at, first, last FROM {table} WHERE at < ? AND first < ? ORDER BY at DESC LIMIT {HEADS}"
            );
            (query, from, after.unwrap_or("~".into()))
        };
        let mut heads = Vec::new();
        for row in rows(sql, &query, vec![float(from), after.into()])? {
            let mut row = row.into_iter();
            let at = number(row.next().as_ref());
            heads.push(Head { at, first: text(row.next()), last: text(row.next()) });
        }
        Ok((!heads.is_empty()).then_some(heads))
    }

    /// Up to which time of arrival, milliseconds, everything is known before this row is read: rows from here on have
    /// nothing after (going back) or before (going on) it.
    const fn known_at(&self, head: &Head) -> u64 {
        let at = head.at / 1000;
        if self.asked.ascending { at.saturating_sub(self.age) } else { at }
    }

    /// The place up to which a page tells everything, if that is any progress.
    fn edge(&self, known: u64) -> Option<String> {
        if self.asked.ascending {
            let edge = last_at(known.checked_sub(1)?);
            self.asked.after.as_ref().is_none_or(|after| edge > *after).then_some(edge)
        } else {
            let edge = first_at(known + 1);
            self.asked.after.as_ref().is_none_or(|after| edge < *after).then_some(edge)
        }
    }
}

impl Page<'_> {
    fn is_before(&self, a: &str, b: &str) -> bool {
        if self.asked.ascending { a < b } else { a > b }
    }

    /// Whether the page is full and nothing that comes can be on it.
    fn is_settled(&self, known: u64) -> bool {
        let far =
            if self.asked.ascending { self.found.last_key_value() } else { self.found.first_key_value() };
        let Some((farthest, _)) = far.filter(|_| self.beyond.is_some()) else { return false };
        let time = seen::number(farthest).map_or(0, seen::arrival);
        if self.asked.ascending { time < known } else { time > known }
    }

    /// Whether a row may have something for the page.
    fn may_take(&self, head: &Head) -> bool {
        let nearest = if self.asked.ascending { &head.first } else { &head.last };
        self.beyond.as_deref().is_none_or(|beyond| self.is_before(nearest, beyond))
    }

    /// Takes what a row has for the page. Gives the number of its records.
    fn read(&mut self, sql: &SqlStorage, day: u32, head: &Head) -> Result<usize> {
        let query = format!("SELECT body FROM {} WHERE at = ?", table(day));
        let Some(SqlStorageValue::String(body)) =
            rows(sql, &query, vec![float(head.at)])?.into_iter().flatten().next()
        else {
            return Err("a row of records is damaged".into());
        };
        let packed: Vec<Packed<'_>> = serde_json::from_str(&body)?;
        let count = packed.len();
        let is =
            |wanted: &Option<String>, value: &str| wanted.as_deref().is_none_or(|wanted| wanted == value);
        for Packed(id, key, named, record) in packed {
            let follows = self.asked.after.as_deref().is_none_or(|after| self.is_before(after, &id));
            if follows && is(&self.asked.key, &key) && is(&self.asked.model, &named) {
                self.take(id.into_owned(), record.into_owned());
            }
        }
        Ok(count)
    }

    fn take(&mut self, id: String, record: Box<RawValue>) {
        if self.beyond.as_deref().is_some_and(|beyond| !self.is_before(&id, beyond)) {
            return;
        }
        self.size += record.get().len();
        self.found.insert(id, record);
        while self.found.len() > self.asked.limit || (self.size > LARGEST_PAGE && self.found.len() > 1) {
            let far = if self.asked.ascending { self.found.pop_last() } else { self.found.pop_first() };
            let Some((id, record)) = far else { return };
            self.size -= record.get().len();
            self.beyond = Some(id);
        }
    }

    /// The page. `edge` is the place up to which everything is known, if reading was given up there.
    fn finish(mut self, edge: Option<String>) -> TenantPage {
        let ascending = self.asked.ascending;
        if let Some(edge) = &edge {
            self.found.retain(|id, _| if ascending { id <= edge } else { id >= edge });
        }
        let is_full = self
            .beyond
            .as_deref()
            .is_some_and(|beyond| edge.as_deref().is_none_or(|edge| self.is_before(beyond, edge)));
        let mut data: Vec<_> = self.found.into_iter().collect();
        if !ascending {
            data.reverse();
        }
        let next = if is_full { data.last().map(|(id, _)| id.clone()) } else { edge };
        TenantPage { data, next }
    }
}
