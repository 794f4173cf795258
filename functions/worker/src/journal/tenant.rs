//! The Durable Object of one tenant: its records, and sums over them.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use js_sys::{Array, Date};
use wasm_bindgen::JsValue;
use worker::{
    DurableObject, Env, Request, Response, Result, SqlStorage, SqlStorageValue, State, durable_object,
};

use super::batches::{Batches, table};
use super::message::Append;
use super::{ask, directory, page, sums};
use crate::edge;

pub(super) const APPEND: &str = "/append";
pub(super) const RECORDS: &str = "/records";
pub(super) const USAGE: &str = "/usage";
#[cfg(feature = "doors")]
pub(super) const BREAK: &str = "/break";
#[cfg(feature = "doors")]
pub(super) const WRITTEN: &str = "/written";

/// What the storage looks like; another layout gets another number.
const LAYOUT: &str = "1";
/// How long records are kept unless `POSTERN_KEEP_DAYS` says otherwise, days. Sums stay.
const KEEP_DAYS: f64 = 30.0;
const DAY: f64 = 86_400_000.0;

/// The records of a tenant.
#[durable_object(fetch)]
pub struct Tenant {
    state: State,
    env: Env,
    /// What the storage has, once it was looked at.
    batches: RefCell<Option<Batches>>,
    /// Whether the directory knows this tenant.
    is_known: Cell<bool>,
    /// The day on which everything too old was removed, days since 1970.
    tidied: Cell<f64>,
    #[cfg(feature = "doors")]
    breaks: Cell<Option<bool>>,
    /// Commits, records in them, rows written for them.
    #[cfg(feature = "doors")]
    written: Cell<[u64; 3]>,
}

impl DurableObject for Tenant {
    fn new(state: State, env: Env) -> Self {
        Self {
            state,
            env,
            batches: RefCell::default(),
            is_known: Cell::default(),
            tidied: Cell::default(),
            #[cfg(feature = "doors")]
            breaks: Cell::default(),
            #[cfg(feature = "doors")]
            written: Cell::default(),
        }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let body = request.bytes().await?;
        let sql = self.state.storage().sql();
        self.prepare(&sql)?;
        match request.path().as_str() {
            APPEND => {
                self.append(&sql, &body).await?;
                #[cfg(feature = "doors")]
                self.break_if_asked().await?;
                Response::from_json(&())
            }
            RECORDS => {
                let asked = serde_json::from_slice(&body)?;
                Response::from_json(&self.with(|batches| page::records(&sql, batches, &asked))?)
            }
            USAGE => {
                let asked = serde_json::from_slice(&body)?;
                Response::from_json(&self.with(|batches| batches.unfolded.usage(&sql, &asked))?)
            }
            #[cfg(feature = "doors")]
            BREAK => {
                self.breaks.set(Some(serde_json::from_slice(&body)?));
                Response::from_json(&())
            }
            #[cfg(feature = "doors")]
            WRITTEN => Response::from_json(&self.written.get()),
            _ => Response::error("no such question", 404),
        }
    }
}

impl Tenant {
    fn prepare(&self, sql: &SqlStorage) -> Result<()> {
        if self.batches.borrow().is_some() {
            return Ok(());
        }
        let fact =
            "CREATE TABLE IF NOT EXISTS fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID";
        for statement in [fact, sums::LAYOUT] {
            sql.exec(statement, None)?;
        }
        let mut facts = BTreeMap::new();
        for row in rows(sql, "SELECT name, value FROM fact", vec![])? {
            let mut row = row.into_iter();
            facts.insert(text(row.next()), text(row.next()));
        }
        match facts.get("layout").map(String::as_str) {
            Some(LAYOUT) => {}
            None => drop(sql.exec("INSERT INTO fact VALUES ('layout', ?)", vec![LAYOUT.into()])?),
            Some(other) => {
                let reason =
                    format!("the records are stored in layout {other}, which this version cannot read");
                return Err(reason.into());
            }
        }
        self.is_known.set(facts.contains_key("known"));
        self.batches.replace(Some(Batches::load(sql, &facts, now())?));
        Ok(())
    }

    /// Does something with what is there. Nothing is awaited meanwhile.
    fn with<T>(&self, action: impl FnOnce(&mut Batches) -> Result<T>) -> Result<T> {
        match self.batches.borrow_mut().as_mut() {
            Some(batches) => action(batches),
            None => Err("the storage was not looked at".into()),
        }
    }

    /// Runs statements, all or none of them. Gives the number of rows written.
    fn transact(&self, statements: &Array) -> Result<u64> {
        let storage: JsValue = self.state.as_raw().storage()?.into();
        Ok(edge::transact(&storage, statements)? as u64)
    }

    async fn append(&self, sql: &SqlStorage, body: &[u8]) -> Result<()> {
        let appends: Vec<Append<'_>> = serde_json::from_slice(body)?;
        // First, so that there is no record that a question about all tenants would not find.
        if !self.is_known.get() {
            let Some(first) = appends.first() else { return Ok(()) };
            let directory = edge::binding(self.env.as_ref(), "DIRECTORY");
            let added: std::result::Result<(), _> =
                ask(&directory, directory::NAME, directory::ADD, &first.row.tenant).await;
            added.map_err(|error| error.0)?;
            sql.exec("INSERT OR IGNORE INTO fact VALUES ('known', 'yes')", None)?;
            self.is_known.set(true);
        }
        self.with(|batches| {
            let now = now();
            let commit = batches.prepare(appends, now)?;
            if commit.records > 0 {
                let rows = self.transact(&commit.statements)?;
                self.count(1, commit.records, rows);
                batches.done(commit, now);
            }
            if batches.unfolded.are_many() {
                self.fold(batches)?;
            }
            self.tidy(sql, batches)
        })
    }

    /// Folds the sums that wait into rows of sums.
    fn fold(&self, batches: &mut Batches) -> Result<()> {
        let rows = self.transact(&batches.fold())?;
        self.count(0, 0, rows);
        batches.unfolded = <_>::default();
        Ok(())
    }

    /// Removes the days that are too old.
    fn tidy(&self, sql: &SqlStorage, batches: &mut Batches) -> Result<()> {
        let today = (Date::now() / DAY).floor();
        if self.tidied.get() >= today {
            return Ok(());
        }
        let days = edge::variable(self.env.as_ref(), "POSTERN_KEEP_DAYS").and_then(|text| text.parse().ok());
        let oldest = (today - days.unwrap_or(KEEP_DAYS)).max(0.0) as u32;
        let old: Vec<u32> = batches.days.range(..oldest).copied().collect();
        if !old.is_empty() && !batches.unfolded.is_empty() {
            self.fold(batches)?;
        }
        for day in old {
            sql.exec(&format!("DROP TABLE {}", table(day)), None)?;
            batches.days.remove(&day);
        }
        self.tidied.set(today);
        Ok(())
    }

    #[cfg(feature = "doors")]
    fn count(&self, commits: u64, records: usize, rows: u64) {
        let [all_commits, all_records, all_rows] = self.written.get();
        self.written.set([all_commits + commits, all_records + records as u64, all_rows + rows]);
    }

    #[cfg(not(feature = "doors"))]
    const fn count(&self, _: u64, _: usize, _: u64) {}

    /// Fails, or ends this object, if a test has asked for it.
    #[cfg(feature = "doors")]
    async fn break_if_asked(&self) -> Result<()> {
        let Some(restart) = self.breaks.take() else { return Ok(()) };
        if restart {
            edge::restart(self.state.as_raw()).await?;
        }
        Err("broken for a test".into())
    }
}

fn now() -> u64 {
    Date::now() as u64
}

pub(super) fn rows(
    sql: &SqlStorage,
    query: &str,
    bindings: Vec<SqlStorageValue>,
) -> Result<Vec<Vec<SqlStorageValue>>> {
    sql.exec(query, bindings)?.raw().collect()
}

pub(super) fn number(value: Option<&SqlStorageValue>) -> u64 {
    match value {
        Some(SqlStorageValue::Integer(value)) => u64::try_from(*value).unwrap_or_default(),
        Some(SqlStorageValue::Float(value)) => *value as u64,
        _ => 0,
    }
}

pub(super) fn text(value: Option<SqlStorageValue>) -> String {
    match value {
        Some(SqlStorageValue::String(value)) => value,
        _ => String::new(),
    }
}
