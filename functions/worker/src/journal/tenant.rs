//! The Durable Object of one tenant: its records, and sums over them that are added up as they come.

use std::cell::Cell;

use js_sys::Date;
use postern_gateway::record::RollupValue;
use postern_wire::MicroUsd;
use serde_json::value::RawValue;
use worker::{
    DurableObject, Env, Request, Response, Result, SqlStorage, SqlStorageValue, State, durable_object,
};

use super::message::{Append, AskedRecords, AskedUsage, Sums, TenantPage};
use super::{ask, directory};
use crate::edge;

pub(super) const APPEND: &str = "/append";
pub(super) const RECORDS: &str = "/records";
pub(super) const USAGE: &str = "/usage";
#[cfg(feature = "doors")]
pub(super) const BREAK: &str = "/break";

/// Records that one page may look at.
const LOOKED_AT: i64 = 20_000;
/// Bytes of records that one page may have: with payloads a few of them are many.
const LARGEST_PAGE: usize = 8 << 20;
/// Records removed at once.
const REMOVED_AT_ONCE: i64 = 500;
/// How long records are kept unless `POSTERN_KEEP_DAYS` says otherwise, days. Sums stay.
const KEEP_DAYS: f64 = 30.0;
const DAY: f64 = 86_400_000.0;

/// A record is inserted by one statement; the trigger makes its sums part of that, so that a record counts once, however
/// often it is offered, and never without its sums.
const LAYOUT: [&str; 4] = [
    "CREATE TABLE IF NOT EXISTS record (id TEXT PRIMARY KEY, day INTEGER NOT NULL, key TEXT NOT NULL, \
     model TEXT NOT NULL, provider TEXT NOT NULL, errors INTEGER NOT NULL, input INTEGER NOT NULL, \
     cached INTEGER NOT NULL, output INTEGER NOT NULL, cost INTEGER NOT NULL, named TEXT NOT NULL, \
     body TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS sums (day INTEGER, key TEXT, model TEXT, provider TEXT, calls INTEGER NOT NULL, \
     errors INTEGER NOT NULL, input INTEGER NOT NULL, cached INTEGER NOT NULL, output INTEGER NOT NULL, \
     cost INTEGER NOT NULL, PRIMARY KEY (day, key, model, provider)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TRIGGER IF NOT EXISTS add_up AFTER INSERT ON record BEGIN \
     INSERT INTO sums VALUES (new.day, new.key, new.model, new.provider, 1, new.errors, new.input, new.cached, \
     new.output, new.cost) ON CONFLICT (day, key, model, provider) DO UPDATE SET calls = calls + 1, \
     errors = errors + new.errors, input = input + new.input, cached = cached + new.cached, \
     output = output + new.output, cost = cost + new.cost; END",
];

/// The records of a tenant.
#[durable_object(fetch)]
pub struct Tenant {
    state: State,
    env: Env,
    is_ready: Cell<bool>,
    /// Whether the directory knows this tenant.
    is_known: Cell<bool>,
    /// The day on which everything too old was removed, days since 1970.
    tidied: Cell<f64>,
    #[cfg(feature = "doors")]
    is_broken: Cell<bool>,
}

impl DurableObject for Tenant {
    fn new(state: State, env: Env) -> Self {
        Self {
            state,
            env,
            is_ready: Cell::default(),
            is_known: Cell::default(),
            tidied: Cell::default(),
            #[cfg(feature = "doors")]
            is_broken: Cell::default(),
        }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let body = request.bytes().await?;
        let sql = self.state.storage().sql();
        self.prepare(&sql)?;
        match request.path().as_str() {
            APPEND => {
                self.append(&sql, serde_json::from_slice(&body)?).await?;
                #[cfg(feature = "doors")]
                if self.is_broken.take() {
                    return Err("broken for a test".into());
                }
                Response::from_json(&())
            }
            RECORDS => Response::from_json(&records(&sql, serde_json::from_slice(&body)?)?),
            USAGE => Response::from_json(&usage(&sql, &serde_json::from_slice(&body)?)?),
            #[cfg(feature = "doors")]
            BREAK => {
                self.is_broken.set(true);
                Response::from_json(&())
            }
            _ => Response::error("no such question", 404),
        }
    }
}

impl Tenant {
    fn prepare(&self, sql: &SqlStorage) -> Result<()> {
        if self.is_ready.get() {
            return Ok(());
        }
        for statement in LAYOUT {
            sql.exec(statement, None)?;
        }
        self.is_known.set(!rows(sql, "SELECT value FROM fact WHERE name = 'known'", vec![])?.is_empty());
        self.is_ready.set(true);
        Ok(())
    }

    async fn append(&self, sql: &SqlStorage, append: Append) -> Result<()> {
        // First, so that there is no record that a question about all tenants would not find.
        if !self.is_known.get() {
            let directory = edge::binding(self.env.as_ref(), "DIRECTORY");
            let added: std::result::Result<(), _> =
                ask(&directory, directory::NAME, directory::ADD, &append.row.tenant).await;
            added.map_err(|error| error.0)?;
            sql.exec("INSERT OR IGNORE INTO fact VALUES ('known', 'yes')", None)?;
            self.is_known.set(true);
        }
        let Append { id, named, row, sums, record } = append;
        let values = vec![
            id.into(),
            f64::from(row.day).into(),
            row.key.into(),
            row.model.into(),
            row.provider.into(),
            count(sums.errors),
            count(sums.input_tokens),
            count(sums.cached_tokens),
            count(sums.output_tokens),
            count(sums.cost.0),
            named.into(),
            record.get().into(),
        ];
        sql.exec("INSERT OR IGNORE INTO record VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values)?;
        self.tidy(sql)
    }

    /// Removes what is too old, a bounded part of it at a time.
    fn tidy(&self, sql: &SqlStorage) -> Result<()> {
        let now = Date::now();
        let today = (now / DAY).floor();
        if self.tidied.get() >= today {
            return Ok(());
        }
        let days = edge::variable(self.env.as_ref(), "POSTERN_KEEP_DAYS").and_then(|text| text.parse().ok());
        let oldest = (now - days.unwrap_or(KEEP_DAYS) * DAY).max(0.0) as u64;
        // Ids are UUIDs of version 7: they begin with their time.
        let first = format!("{:08x}-{:04x}", oldest >> 16, oldest & 0xffff);
        let removed = sql.exec(
            "DELETE FROM record WHERE id IN (SELECT id FROM record WHERE id < ? ORDER BY id LIMIT ?) RETURNING 1",
            vec![first.into(), REMOVED_AT_ONCE.into()],
        )?;
        if (removed.raw().count() as i64) < REMOVED_AT_ONCE {
            self.tidied.set(today);
        }
        Ok(())
    }
}

fn records(sql: &SqlStorage, asked: AskedRecords) -> Result<TenantPage> {
    let (than, order) = if asked.ascending { (">", "ASC") } else { ("<", "DESC") };
    let place = if asked.after.is_some() { format!("WHERE id {than} ?") } else { String::new() };
    let looked_at =
        format!("SELECT id, key, named, body FROM record {place} ORDER BY id {order} LIMIT {LOOKED_AT}");
    let after: Vec<SqlStorageValue> = asked.after.map(Into::into).into_iter().collect();
    let mut bindings = after.clone();
    let mut conditions = Vec::new();
    for (column, wanted) in [("key", asked.key), ("named", asked.model)] {
        if let Some(wanted) = wanted {
            conditions.push(format!("{column} = ?"));
            bindings.push(wanted.into());
        }
    }
    let narrow =
        if conditions.is_empty() { String::new() } else { format!("WHERE {}", conditions.join(" AND ")) };
    let query = format!("SELECT id, body FROM ({looked_at}) {narrow} ORDER BY id {order} LIMIT ?");
    bindings.push((asked.limit as i64 + 1).into());
    let mut page = TenantPage { data: Vec::new(), next: None };
    let mut size = 0;
    for row in sql.exec(&query, bindings)?.raw() {
        let mut row = row?.into_iter();
        let (Some(SqlStorageValue::String(id)), Some(SqlStorageValue::String(body))) =
            (row.next(), row.next())
        else {
            return Err("a row of records is damaged".into());
        };
        size += body.len();
        if page.data.len() >= asked.limit || (size > LARGEST_PAGE && !page.data.is_empty()) {
            page.next = page.data.last().map(|(id, _): &(String, _)| id.clone());
            return Ok(page);
        }
        page.data.push((id, RawValue::from_string(body)?));
    }
    // All that was looked at is told. There may be more behind it.
    let edge = format!("SELECT id FROM record {place} ORDER BY id {order} LIMIT 1 OFFSET {}", LOOKED_AT - 1);
    if let Some(SqlStorageValue::String(id)) = rows(sql, &edge, after)?.into_iter().flatten().next() {
        page.next = Some(id);
    }
    Ok(page)
}

fn usage(sql: &SqlStorage, asked: &AskedUsage) -> Result<Vec<Sums>> {
    let kept = |keep: bool, column: &'static str, or: &'static str| if keep { column } else { or };
    let query = format!(
        "SELECT {}, {}, {}, {}, SUM(calls), SUM(errors), SUM(input), SUM(cached), SUM(output), SUM(cost) FROM sums \
         WHERE day >= ? AND day < ? GROUP BY 1, 2, 3, 4",
        kept(asked.day, "day", "0"),
        kept(asked.key, "key", "''"),
        kept(asked.model, "model", "''"),
        kept(asked.provider, "provider", "''"),
    );
    let mut sums = Vec::new();
    for row in rows(sql, &query, vec![f64::from(asked.from).into(), f64::from(asked.to).into()])? {
        let mut row = row.into_iter();
        let day = number(row.next().as_ref()) as u32;
        let (key, model, provider) = (text(row.next()), text(row.next()), text(row.next()));
        sums.push(Sums {
            day,
            key,
            model,
            provider,
            sums: RollupValue {
                calls: number(row.next().as_ref()),
                errors: number(row.next().as_ref()),
                input_tokens: number(row.next().as_ref()),
                cached_tokens: number(row.next().as_ref()),
                output_tokens: number(row.next().as_ref()),
                cost: MicroUsd(number(row.next().as_ref())),
            },
        });
    }
    Ok(sums)
}

fn rows(sql: &SqlStorage, query: &str, bindings: Vec<SqlStorageValue>) -> Result<Vec<Vec<SqlStorageValue>>> {
    sql.exec(query, bindings)?.raw().collect()
}

/// A count as JavaScript has it: exact up to 2^53, which no sum of a tenant reaches.
fn count(value: u64) -> SqlStorageValue {
    SqlStorageValue::Float(value as f64)
}

fn number(value: Option<&SqlStorageValue>) -> u64 {
    match value {
        Some(SqlStorageValue::Integer(value)) => u64::try_from(*value).unwrap_or_default(),
        Some(SqlStorageValue::Float(value)) => *value as u64,
        _ => 0,
    }
}

fn text(value: Option<SqlStorageValue>) -> String {
    match value {
        Some(SqlStorageValue::String(value)) => value,
        _ => String::new(),
    }
}
