//! Batches of records in the storage of a tenant's object: one row each, in one table a day, which goes as a whole when it
//! is too old. A row written costs as much as six requests, and a row removed is one written.
//!
//! A row's key is the time of its commit, which grows: `at`, in microseconds. No record in it, or in any row before it,
//! arrived later.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use js_sys::{Array, Uint8Array};
use postern_gateway::record::{RollupKey, RollupValue};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use wasm_bindgen::JsValue;
use worker::{Result, SqlStorage, SqlStorageValue};

use super::message::Append;
use super::seen::{self, Seen};
use super::sums::Unfolded;
use super::tenant::{number, rows, text};

/// The largest body of a row, bytes. The platform takes 2 MB.
const LARGEST_ROW: usize = 1 << 20;
const DAY: u64 = 86_400_000_000;

/// A record in the body of a row.
#[derive(Serialize, Deserialize)]
pub(super) struct Packed<'a>(
    #[serde(borrow)] pub(super) Cow<'a, str>,
    /// The caller's key.
    #[serde(borrow)]
    pub(super) Cow<'a, str>,
    /// The model as the caller named it.
    #[serde(borrow)]
    pub(super) Cow<'a, str>,
    pub(super) Cow<'a, RawValue>,
);

/// What an object keeps in memory of its batches. All of it can be read from the storage again.
#[derive(Default)]
pub(super) struct Batches {
    /// The days that have a table, since 1970.
    pub(super) days: BTreeSet<u32>,
    /// The longest time from a record's arrival to its commit, milliseconds, rounded up.
    pub(super) age: u64,
    pub(super) unfolded: Unfolded,
    seen: Seen,
    /// The last commit.
    at: u64,
}

/// The table of a day.
pub(super) fn table(day: u32) -> String {
    format!("batch_{day}")
}

/// The day of a commit.
pub(super) const fn day_of(at: u64) -> u32 {
    (at / DAY) as u32
}

/// What one commit writes.
pub(super) struct Commit {
    /// Statements for `edge::transact`.
    pub(super) statements: Array,
    /// Records in it.
    pub(super) records: usize,
    rows: Vec<Row>,
    age: u64,
}

struct Row {
    at: u64,
    ids: Vec<u128>,
    sums: Vec<(RollupKey, RollupValue)>,
}

impl Batches {
    /// Reads what is stored. `facts` are the rows of the table of that name, `now` is in milliseconds.
    pub(super) fn load(sql: &SqlStorage, facts: &BTreeMap<String, String>, now: u64) -> Result<Self> {
        let fact = |name: &str| facts.get(name).and_then(|text| text.parse::<u64>().ok()).unwrap_or_default();
        let mut batches = Self { age: fact("age"), ..Self::default() };
        let tables = "SELECT substr(name, 7) FROM sqlite_master WHERE type = 'table' AND name GLOB 'batch_*'";
        for row in rows(sql, tables, vec![])? {
            batches.days.extend(text(row.into_iter().next()).parse::<u32>().ok());
        }
        let folded = fact("folded");
        let remembered = now.saturating_sub(seen::REMEMBERED) * 1000;
        let waiting: Vec<u32> = batches.days.range(day_of(folded.min(remembered))..).copied().collect();
        for day in waiting {
            let query = format!("SELECT at, sums FROM {} WHERE at > ?", table(day));
            for row in rows(sql, &query, vec![float(folded)])? {
                let mut row = row.into_iter();
                batches.at = batches.at.max(number(row.next().as_ref()));
                batches.unfolded.add(serde_json::from_str(&text(row.next()))?);
            }
            let query = format!("SELECT ids FROM {} WHERE at > ?", table(day));
            for row in rows(sql, &query, vec![float(remembered)])? {
                if let Some(SqlStorageValue::Blob(ids)) = row.first() {
                    let ids = ids.chunks_exact(16).filter_map(|id| id.try_into().ok());
                    batches.seen.add(ids.map(u128::from_be_bytes), now);
                }
            }
        }
        batches.at = batches.at.max(folded);
        Ok(batches)
    }

    /// What must be written for these records: those that are there already are left out, and so is one without an id.
    pub(super) fn prepare(&self, appends: Vec<Append<'_>>, now: u64) -> Result<Commit> {
        let mut new = BTreeMap::new();
        for append in appends {
            match seen::number(&append.id) {
                Some(id) if !self.seen.contains(id) => {
                    new.entry(id).or_insert(append);
                }
                Some(_) => {}
                None => tracing::error!(id = &*append.id, "a record has no proper id and is left out"),
            }
        }
        let mut commit =
            Commit { statements: Array::new(), records: new.len(), rows: Vec::new(), age: self.age };
        let latest = new.keys().next_back().map_or(0, |id| seen::arrival(*id));
        let mut at = (self.at + 1).max(now.max(latest) * 1000);
        let mut new = new.into_iter().peekable();
        while new.peek().is_some() {
            let mut size = 0;
            let mut piece = Vec::new();
            while let Some((id, append)) = new.next_if(|(_, next)| {
                size += next.record.get().len();
                size <= LARGEST_ROW || piece.is_empty()
            }) {
                piece.push((id, append));
            }
            commit.add(at, piece)?;
            at += 1;
        }
        if commit.age > self.age {
            // Rarely written: it is rounded up, and soon large enough.
            commit.age = commit.age.next_power_of_two();
            commit.fact("age", commit.age);
        }
        for day in commit.rows.iter().map(|row| day_of(row.at)).collect::<BTreeSet<_>>() {
            if !self.days.contains(&day) {
                let create = format!(
                    "CREATE TABLE {} (at INTEGER PRIMARY KEY, first TEXT NOT NULL, last TEXT NOT NULL, \
                     ids BLOB NOT NULL, sums TEXT NOT NULL, body TEXT NOT NULL)",
                    table(day)
                );
                commit.statements.unshift(&Array::of1(&JsValue::from_str(&create)));
            }
        }
        Ok(commit)
    }

    /// A commit is written.
    pub(super) fn done(&mut self, commit: Commit, now: u64) {
        self.age = commit.age;
        for row in commit.rows {
            self.at = row.at;
            self.days.insert(day_of(row.at));
            self.seen.add(row.ids, now);
            self.unfolded.add(row.sums);
        }
    }

    /// The statements that fold all sums that wait.
    pub(super) fn fold(&self) -> Array {
        let statements = Array::new();
        self.unfolded.fold(&statements);
        statements.push(&set("folded", self.at));
        statements
    }
}

impl Commit {
    fn add(&mut self, at: u64, piece: Vec<(u128, Append<'_>)>) -> Result<()> {
        let (Some((first, _)), Some((last, _))) = (piece.first(), piece.last()) else { return Ok(()) };
        self.age = self.age.max((at / 1000).saturating_sub(seen::arrival(*first)));
        let (first, last) = (hyphenated(*first), hyphenated(*last));
        let ids: Vec<u128> = piece.iter().map(|(id, _)| *id).collect();
        let mut sums = BTreeMap::<RollupKey, RollupValue>::new();
        let mut body = Vec::with_capacity(piece.len());
        for (_, Append { id, named, row, sums: figures, record }) in piece {
            body.push(Packed(id, row.key.clone().into(), named, record));
            sums.entry(row).or_default().add(&figures);
        }
        let sums: Vec<_> = sums.into_iter().collect();
        let blob: Vec<u8> = ids.iter().flat_map(|id| id.to_be_bytes()).collect();
        let insert = format!("INSERT INTO {} VALUES (?, ?, ?, ?, ?, ?)", table(day_of(at)));
        let statement: Array = [
            JsValue::from(insert),
            JsValue::from(at as f64),
            first.into(),
            last.into(),
            Uint8Array::from(blob.as_slice()).buffer().into(),
            serde_json::to_string(&sums)?.into(),
            serde_json::to_string(&body)?.into(),
        ]
        .into_iter()
        .collect();
        self.statements.push(&statement);
        self.rows.push(Row { at, ids, sums });
        Ok(())
    }

    fn fact(&self, name: &str, value: u64) {
        self.statements.push(&set(name, value));
    }
}

/// The statement that sets a fact.
fn set(name: &str, value: u64) -> Array {
    const SET: &str =
        "INSERT INTO fact VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    [JsValue::from(SET), name.into(), value.to_string().into()].into_iter().collect()
}

/// A number as JavaScript has it: times and counts are exact.
pub(super) fn float(value: u64) -> SqlStorageValue {
    SqlStorageValue::Float(value as f64)
}

/// An id as callers see it.
fn hyphenated(id: u128) -> String {
    let (a, b, c, d, e) =
        (id >> 96, id >> 80 & 0xffff, id >> 64 & 0xffff, id >> 48 & 0xffff, id & 0xffff_ffff_ffff);
    format!("{a:08x}-{b:04x}-{c:04x}-{d:04x}-{e:012x}")
}

/// The first place of a time, milliseconds: no id of that time is before it.
pub(super) fn first_at(time: u64) -> String {
    hyphenated(u128::from(time) << 80)
}

/// The last place of a time, milliseconds: no id of that time is after it.
pub(super) fn last_at(time: u64) -> String {
    hyphenated(u128::from(time) << 80 | ((1 << 80) - 1))
}
