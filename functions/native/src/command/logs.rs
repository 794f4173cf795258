//! `postern logs`: the records of calls, once or as they come.
//!
//! Records are in the order in which calls arrived, but each appears when its call ends. So who follows looks at
//! the latest ones every second, and now and then again at all that may have been under way.

use std::collections::HashMap;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use postern_gateway::record::{Outcome, Record, RecordPage};
use time::OffsetDateTime;

use super::block_on;
use super::remote::Remote;
use crate::cli::LogsArgs;
use crate::failure::Failure;
use crate::output;

/// How often the latest records are looked at.
const EVERY: Duration = Duration::from_secs(1);
/// How often all records that are not too old are looked at.
const SWEEP: Duration = Duration::from_secs(15);
/// Calls do not take longer; one that does is missed when it ends.
const LONGEST_CALL: Duration = Duration::from_secs(15 * 60);
/// Records asked for at a time.
const PAGE: usize = 200;

/// Asks the gateway and prints the answer.
///
/// # Errors
/// When the gateway refuses.
pub(crate) fn run(args: &LogsArgs) -> Result<(), Failure> {
    let remote = Remote::new(&args.remote, None)?;
    let logs = Logs { args, remote: &remote };
    block_on(async {
        // Asked for first: what ends between the two questions is then new to one of them, and not lost.
        let before = if args.follow { logs.since(oldest(), None).await? } else { Vec::new() };
        let mut latest = logs.latest(args.last).await?;
        latest.reverse();
        if io::stdout().is_terminal() && !args.json {
            output::print(|out| writeln!(out, "{HEADING}"))?;
        }
        logs.print(&latest)?;
        if args.follow { logs.follow(before, &latest).await } else { Ok(()) }
    })
}

struct Logs<'a> {
    args: &'a LogsArgs,
    remote: &'a Remote,
}

impl Logs<'_> {
    async fn page(&self, after: &str, limit: usize) -> Result<RecordPage, Failure> {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let (tenant, key, model) = (text(&self.args.tenant), text(&self.args.key), text(&self.args.model));
        let limit = limit.to_string();
        let parameters = [
            ("tenant", tenant.as_str()),
            ("key", &key),
            ("model", &model),
            ("after", after),
            ("limit", &limit),
        ];
        self.remote.read("logs", &parameters).await
    }

    /// The latest records, newest first.
    async fn latest(&self, count: usize) -> Result<Vec<Record>, Failure> {
        let mut records = Vec::new();
        let mut after = String::new();
        while records.len() < count {
            let page = self.page(&after, (count - records.len()).min(PAGE)).await?;
            records.extend(page.data);
            match page.next {
                Some(next) => after = next,
                None => break,
            }
        }
        Ok(records)
    }

    /// Prints records that come from now on, until the process is ended. `before` was there already and is not
    /// shown, other than what was asked for and is `shown`.
    async fn follow(&self, before: Vec<Record>, shown: &[Record]) -> Result<(), Failure> {
        // Ids that are not to be shown again, with the time of the call.
        let mut seen: HashMap<String, u64> = shown.iter().map(|r| (r.id.clone(), r.at.millis())).collect();
        seen.extend(before.into_iter().map(|record| (record.id, record.at.millis())));
        let mut swept = Instant::now();
        loop {
            tokio::time::sleep(EVERY).await;
            let oldest = oldest();
            let sweep = swept.elapsed() >= SWEEP;
            if sweep {
                swept = Instant::now();
            }
            let mut new = self.since(oldest, (!sweep).then_some(&seen)).await?;
            new.retain(|record| !seen.contains_key(&record.id));
            new.reverse();
            self.print(&new)?;
            seen.extend(new.into_iter().map(|record| (record.id, record.at.millis())));
            seen.retain(|_, at| *at >= oldest);
        }
    }

    /// Records of calls that arrived since then, newest first; no further than a page on which all are `known`.
    async fn since(&self, oldest: u64, known: Option<&HashMap<String, u64>>) -> Result<Vec<Record>, Failure> {
        let mut records = Vec::new();
        let mut after = String::new();
        loop {
            let page = self.page(&after, PAGE).await?;
            let is_old = page.data.last().is_some_and(|record| record.at.millis() < oldest);
            let is_known =
                known.is_some_and(|known| page.data.iter().all(|record| known.contains_key(&record.id)));
            records.extend(page.data.into_iter().filter(|record| record.at.millis() >= oldest));
            match page.next {
                Some(next) if !is_old && !is_known => after = next,
                _ => return Ok(records),
            }
        }
    }

    fn print(&self, records: &[Record]) -> Result<(), Failure> {
        output::print(|out| {
            for record in records {
                if self.args.json {
                    serde_json::to_writer(&mut *out, record)?;
                    writeln!(out)?;
                } else {
                    write_line(record, out)?;
                }
            }
            Ok(())
        })
    }
}

const HEADING: &str =
    "TIME                 STATUS OUTCOME          TENANT       MODEL -> TARGET, TOKENS, COST, TIME";

/// A record in one line.
fn write_line(record: &Record, out: &mut dyn Write) -> io::Result<()> {
    let text = line(record);
    // What callers named must not move the cursor of who looks at it.
    let text: String = text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    writeln!(out, "{text}")
}

fn line(record: &Record) -> String {
    let mut line = format!(
        "{:20} {:6} {:16} {:12} {}",
        time_text(record.at.seconds()),
        record.status,
        outcome_text(record.outcome),
        record.tenant,
        record.model
    );
    if !record.provider.is_empty() {
        line.push_str(&format!(" -> {}/{}", record.provider, record.upstream_model));
    }
    if record.attempts.len() > 1 {
        line.push_str(&format!(" ({} attempts)", record.attempts.len()));
    }
    line.push_str(&format!(
        ", {} in {} out, {} USD, {}",
        record.usage.total_input(),
        record.usage.total_output(),
        record.cost,
        duration_text(record.total_us)
    ));
    if let Some(first) = record.first_token_us {
        line.push_str(&format!(" (first token {})", duration_text(first)));
    }
    if let Some(error) = &record.error {
        line.push_str(&format!(", {error}"));
    }
    line
}

/// The outcome's name in the record.
const fn outcome_text(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Ok => "ok",
        Outcome::Refused => "refused",
        Outcome::UpstreamFailed => "upstream_failed",
        Outcome::StreamFailed => "stream_failed",
        Outcome::ClientClosed => "client_closed",
        Outcome::Internal => "internal",
    }
}

fn time_text(seconds: u64) -> String {
    let time = i64::try_from(seconds).ok().and_then(|s| OffsetDateTime::from_unix_timestamp(s).ok());
    let time = time.unwrap_or(OffsetDateTime::UNIX_EPOCH);
    time.format(&time::format_description::well_known::Rfc3339).unwrap_or_default()
}

fn duration_text(micros: u64) -> String {
    match micros {
        0..1000 => format!("{micros} us"),
        1000..1_000_000 => format!("{}.{} ms", micros / 1000, micros % 1000 / 100),
        _ => format!("{}.{:02} s", micros / 1_000_000, micros % 1_000_000 / 10_000),
    }
}

/// The earliest arrival, in milliseconds since 1970, of a call that may still be under way.
fn oldest() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.unwrap_or_default().saturating_sub(LONGEST_CALL).as_millis() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use postern_gateway::Timestamp;

    #[test]
    fn a_record_is_one_line() {
        let record = Record {
            at: Timestamp(1_767_225_600_000_000),
            tenant: "acme".into(),
            model: "assistant\n".into(),
            provider: "demo".into(),
            upstream_model: "echo".into(),
            status: 200,
            total_us: 1_234_567,
            first_token_us: Some(12_345),
            ..Record::default()
        };
        let mut out = Vec::new();
        write_line(&record, &mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "2026-01-01T00:00:00Z    200 ok               acme         assistant\u{fffd} -> demo/echo, 0 in 0 out, \
             0.000000 USD, 1.23 s (first token 12.3 ms)\n"
        );
    }
}
