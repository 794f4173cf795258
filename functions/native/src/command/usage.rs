//! `postern usage`: calls, tokens and cost.

use std::io::{self, Write};

use postern_gateway::record::{RollupValue, UsageRow};
use serde::{Deserialize, Serialize};

use super::block_on;
use super::remote::Remote;
use crate::cli::{UsageArgs, UsageColumn};
use crate::failure::Failure;
use crate::output::{self, Align, Table, csv_row};

#[derive(Deserialize, Serialize)]
struct Report {
    data: Vec<UsageRow>,
}

/// Asks the gateway and prints the answer.
///
/// # Errors
/// When the gateway refuses.
pub(crate) fn run(args: &UsageArgs) -> Result<(), Failure> {
    let remote = Remote::new(&args.remote, None)?;
    let by: Vec<&str> = args.by.iter().map(|column| column.name()).collect();
    let by = by.join(",");
    let parameters = [
        ("by", by.as_str()),
        ("since", &args.since),
        ("until", args.until.as_deref().unwrap_or_default()),
        ("tenant", args.tenant.as_deref().unwrap_or_default()),
    ];
    let report: Report = block_on(remote.read("usage", &parameters))?;
    output::print(|out| {
        if args.json {
            serde_json::to_writer_pretty(&mut *out, &report)?;
            writeln!(out)
        } else if args.csv {
            write_csv(&args.by, &report.data, out)
        } else {
            table(&args.by, &report.data).write(out)
        }
    })
}

/// A row's value in one of the columns it is summed by.
fn value(row: &UsageRow, column: UsageColumn) -> String {
    let value = match column {
        UsageColumn::Tenant => &row.tenant,
        UsageColumn::Key => &row.key,
        UsageColumn::Model => &row.model,
        UsageColumn::Provider => &row.provider,
        UsageColumn::Day => &row.day,
    };
    value.clone().unwrap_or_default()
}

const FIGURES: [&str; 6] = ["calls", "errors", "input_tokens", "cached_tokens", "output_tokens", "cost_usd"];

fn figures(sums: &RollupValue) -> [String; 6] {
    [
        sums.calls.to_string(),
        sums.errors.to_string(),
        sums.input_tokens.to_string(),
        sums.cached_tokens.to_string(),
        sums.output_tokens.to_string(),
        sums.cost.to_string(),
    ]
}

fn write_csv(by: &[UsageColumn], rows: &[UsageRow], out: &mut dyn Write) -> io::Result<()> {
    let names = by.iter().map(|column| column.name().to_owned());
    csv_row(out, names.chain(FIGURES.map(str::to_owned)))?;
    for row in rows {
        csv_row(out, by.iter().map(|column| value(row, *column)).chain(figures(&row.sums)))?;
    }
    Ok(())
}

fn table(by: &[UsageColumn], rows: &[UsageRow]) -> Table {
    let names = ["CALLS", "ERRORS", "INPUT", "CACHED", "OUTPUT", "COST USD"].map(|name| (name, Align::Right));
    let columns = by.iter().map(|column| match column {
        UsageColumn::Tenant => ("TENANT", Align::Left),
        UsageColumn::Key => ("KEY", Align::Left),
        UsageColumn::Model => ("MODEL", Align::Left),
        UsageColumn::Provider => ("PROVIDER", Align::Left),
        UsageColumn::Day => ("DAY", Align::Left),
    });
    let mut table = Table::new(columns.chain(names).collect());
    let mut total = RollupValue::default();
    for row in rows {
        total.add(&row.sums);
        table.row(by.iter().map(|column| value(row, *column)).chain(figures(&row.sums)).collect());
    }
    if rows.len() > 1 && !by.is_empty() {
        let title =
            std::iter::once("total".to_owned()).chain(std::iter::repeat_n(String::new(), by.len() - 1));
        table.row(title.chain(figures(&total)).collect());
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use postern_wire::MicroUsd;

    fn row(tenant: &str, cost: u64) -> UsageRow {
        UsageRow {
            tenant: Some(tenant.to_owned()),
            sums: RollupValue { calls: 2, input_tokens: 10, cost: MicroUsd(cost), ..RollupValue::default() },
            ..UsageRow::default()
        }
    }

    #[test]
    fn reports_as_csv_and_as_a_table() {
        let (by, rows) = ([UsageColumn::Tenant], [row("a,b", 1_500_000), row("c", 7)]);
        let mut csv = Vec::new();
        write_csv(&by, &rows, &mut csv).unwrap();
        let csv = String::from_utf8(csv).unwrap();
        assert_eq!(
            csv,
            "tenant,calls,errors,input_tokens,cached_tokens,output_tokens,cost_usd\r\n\
             \"a,b\",2,0,10,0,0,1.500000\r\nc,2,0,10,0,0,0.000007\r\n"
        );
        let mut text = Vec::new();
        table(&by, &rows).write(&mut text).unwrap();
        let text = String::from_utf8(text).unwrap();
        let last = text.lines().last().unwrap();
        assert!(last.starts_with("total") && last.ends_with("1.500007"), "{text}");
    }
}
