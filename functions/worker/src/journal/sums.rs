//! Sums over a tenant's records. Each batch carries its own, and only now and then many of them are folded into rows of
//! sums: a row written costs as much as all the rest of a call.

use std::collections::HashMap;

use js_sys::Array;
use postern_gateway::record::{RollupKey, RollupValue};
use postern_wire::MicroUsd;
use wasm_bindgen::JsValue;
use worker::{Result, SqlStorage};

use super::message::{AskedUsage, Sums};
use super::tenant::{number, rows, text};

pub(super) const LAYOUT: &str = "CREATE TABLE IF NOT EXISTS sums (day INTEGER, key TEXT, model TEXT, provider TEXT, \
     calls INTEGER NOT NULL, errors INTEGER NOT NULL, input INTEGER NOT NULL, cached INTEGER NOT NULL, \
     output INTEGER NOT NULL, cost INTEGER NOT NULL, PRIMARY KEY (day, key, model, provider)) WITHOUT ROWID";

const FOLD: &str = "INSERT INTO sums VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (day, key, model, provider) \
     DO UPDATE SET calls = calls + excluded.calls, errors = errors + excluded.errors, \
     input = input + excluded.input, cached = cached + excluded.cached, output = output + excluded.output, \
     cost = cost + excluded.cost";

/// Batches whose sums wait at least, and at most. What waits is read again when the object starts.
const FEWEST: usize = 64;
const MOST: usize = 2000;
/// Batches that wait for each row that they will write.
const A_ROW: usize = 32;

/// Sums of batches that are in no row of sums yet.
#[derive(Default)]
pub(super) struct Unfolded {
    rows: HashMap<RollupKey, RollupValue>,
    batches: usize,
}

impl Unfolded {
    /// Adds a batch's sums.
    pub(super) fn add(&mut self, batch: Vec<(RollupKey, RollupValue)>) {
        self.batches += 1;
        for (key, value) in batch {
            self.rows.entry(key).or_default().add(&value);
        }
    }

    /// Whether it is time to fold.
    pub(super) fn are_many(&self) -> bool {
        self.batches >= (A_ROW * self.rows.len()).clamp(FEWEST, MOST)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.batches == 0
    }

    /// The statements that fold them.
    pub(super) fn fold(&self, statements: &Array) {
        for (key, value) in &self.rows {
            let RollupValue { calls, errors, input_tokens, cached_tokens, output_tokens, cost } = *value;
            let statement: Array = [JsValue::from(FOLD), key.day.into()].into_iter().collect();
            for column in [&key.key, &key.model, &key.provider] {
                statement.push(&JsValue::from_str(column));
            }
            for figure in [calls, errors, input_tokens, cached_tokens, output_tokens, cost.0] {
                // Exact up to 2^53, which no sum of a tenant reaches.
                statement.push(&JsValue::from(figure as f64));
            }
            statements.push(&statement);
        }
    }

    /// Answers a question from rows of sums and from what waits. Rows that are about the same are not added up.
    pub(super) fn usage(&self, sql: &SqlStorage, asked: &AskedUsage) -> Result<Vec<Sums>> {
        let mut sums = folded(sql, asked)?;
        let kept = |keep: bool, column: &String| if keep { column.clone() } else { String::new() };
        let waiting = self.rows.iter().filter(|(key, _)| (asked.from..asked.to).contains(&key.day));
        sums.extend(waiting.map(|(key, value)| Sums {
            day: if asked.day { key.day } else { 0 },
            key: kept(asked.key, &key.key),
            model: kept(asked.model, &key.model),
            provider: kept(asked.provider, &key.provider),
            sums: *value,
        }));
        Ok(sums)
    }
}

fn folded(sql: &SqlStorage, asked: &AskedUsage) -> Result<Vec<Sums>> {
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
