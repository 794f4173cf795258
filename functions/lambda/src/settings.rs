//! What the function is told by its environment. Read once; what is wrong is said at the first call, all at once.

use std::time::Duration;

use postern_common::Environment;

use crate::secrets::Source;

/// How long records of calls are kept unless told otherwise.
const KEEP: Duration = Duration::from_secs(30 * DAY);
const DAY: u64 = 24 * 60 * 60;
/// How long a configuration is used without a look whether there is another, unless told otherwise and at most: with
/// twice this a change is in force everywhere within a minute.
const REFRESH: Duration = Duration::from_secs(30);

/// How answers go back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Answers {
    /// As a stream to Function URLs, whole to API Gateway.
    #[default]
    Auto,
    /// Always as a stream: for an API Gateway whose integration streams.
    Stream,
    /// Always whole: for a Function URL that buffers.
    Whole,
}

/// The function's settings.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The DynamoDB table; `None` when it is not named.
    pub table: Option<String>,
    /// The region of the table and of secrets.
    pub region: String,
    /// How long records of calls are kept.
    pub keep_records: Duration,
    /// How long a configuration is used before this process looks whether there is another.
    pub refresh: Duration,
    /// Where secrets are that are not in the environment.
    pub secrets: Vec<Source>,
    /// Whether a line of metrics is printed for each call.
    pub metrics: bool,
    /// How answers go back.
    pub answers: Answers,
    /// From which level on things are logged.
    pub log: tracing::Level,
    /// What is wrong with the settings, for the operator.
    pub problems: Vec<String>,
}

impl Settings {
    /// Reads the settings.
    #[must_use]
    pub fn read(environment: &Environment) -> Self {
        let mut problems = Vec::new();
        let table = environment.text("POSTERN_TABLE").map(str::to_owned);
        if table.is_none() {
            problems.push(
                "the variable POSTERN_TABLE is not set: it names the DynamoDB table (`cargo xtask deploy aws` \
                 makes the table and sets it)"
                    .to_owned(),
            );
        }
        let region = environment.text("AWS_REGION").or_else(|| environment.text("AWS_DEFAULT_REGION"));
        let mut choice = |name: &str, known: &[&str]| {
            let value = environment.text(name)?.to_ascii_lowercase();
            let found = known.iter().position(|word| *word == value);
            if found.is_none() {
                problems.push(format!("the variable {name} must be one of {}", known.join(", ")));
            }
            found
        };
        let metrics = choice("POSTERN_METRICS", &["emf", "off"]) != Some(1);
        let answers = match choice("POSTERN_ANSWERS", &["auto", "stream", "whole"]) {
            Some(1) => Answers::Stream,
            Some(2) => Answers::Whole,
            _ => Answers::Auto,
        };
        let level = ["POSTERN_LOG", "AWS_LAMBDA_LOG_LEVEL"].iter().find_map(|name| environment.text(name));
        let log = level.map_or(tracing::Level::INFO, |level| match level.to_ascii_lowercase().as_str() {
            "trace" => tracing::Level::TRACE,
            "debug" => tracing::Level::DEBUG,
            "warn" => tracing::Level::WARN,
            "error" | "fatal" => tracing::Level::ERROR,
            _ => tracing::Level::INFO,
        });
        let keep_records = match environment.text("POSTERN_KEEP_RECORDS").map(days) {
            None => KEEP,
            Some(Some(time)) => time,
            Some(None) => {
                problems
                    .push("the variable POSTERN_KEEP_RECORDS must be a number of days like 30d".to_owned());
                KEEP
            }
        };
        let refresh = match environment.text("POSTERN_REFRESH").map(seconds) {
            None => REFRESH,
            Some(Some(time)) => time,
            Some(None) => {
                problems.push(format!(
                    "the variable POSTERN_REFRESH must be a number of seconds from 1s to {}s",
                    REFRESH.as_secs()
                ));
                REFRESH
            }
        };
        let mut secrets = Vec::new();
        for text in environment.text("POSTERN_SECRETS").unwrap_or_default().split(',').map(str::trim) {
            match Source::parse(text) {
                _ if text.is_empty() => {}
                Some(source) => secrets.push(source),
                None => problems.push(
                    "the variable POSTERN_SECRETS must list secretsmanager:NAME or ssm:/PATH, divided by commas"
                        .to_owned(),
                ),
            }
        }
        let region = region.unwrap_or("us-east-1").to_owned();
        Self { table, region, keep_records, refresh, secrets, metrics, answers, log, problems }
    }
}

/// `30s`, at least one and at most as many as unless told otherwise.
fn seconds(text: &str) -> Option<Duration> {
    let time = Duration::from_secs(text.strip_suffix('s')?.parse().ok()?);
    (!time.is_zero() && time <= REFRESH).then_some(time)
}

/// `30d`, at least one.
fn days(text: &str) -> Option<Duration> {
    let days = text.strip_suffix('d')?.parse::<u32>().ok().filter(|days| *days > 0)?;
    Some(Duration::from_secs(u64::from(days) * DAY))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Settings {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Settings::read(&Environment::new(variables))
    }

    #[test]
    fn a_table_is_all_it_needs() {
        let settings = read(&[("POSTERN_TABLE", "postern"), ("AWS_REGION", "eu-west-1")]);
        assert_eq!(settings.problems, [""; 0]);
        assert_eq!((settings.table.as_deref(), settings.region.as_str()), (Some("postern"), "eu-west-1"));
        assert_eq!(settings.keep_records, Duration::from_secs(30 * DAY));
        assert_eq!(settings.refresh, REFRESH);
        assert!(settings.metrics && settings.answers == Answers::Auto);
    }

    #[test]
    fn every_problem_is_said_at_once() {
        let settings = read(&[
            ("POSTERN_METRICS", "on"),
            ("POSTERN_ANSWERS", "fast"),
            ("POSTERN_KEEP_RECORDS", "0d"),
            ("POSTERN_SECRETS", "vault:x"),
            ("POSTERN_REFRESH", "31s"),
        ]);
        let said = settings.problems.join("\n");
        for name in [
            "POSTERN_TABLE",
            "POSTERN_METRICS",
            "POSTERN_ANSWERS",
            "POSTERN_KEEP_RECORDS",
            "POSTERN_SECRETS",
            "POSTERN_REFRESH",
        ] {
            assert!(said.contains(name), "{name}: {said}");
        }
    }

    #[test]
    fn sources_of_secrets_are_listed() {
        let settings =
            read(&[("POSTERN_TABLE", "t"), ("POSTERN_SECRETS", "secretsmanager:postern, ssm:/postern/")]);
        assert_eq!(settings.problems, [""; 0]);
        assert_eq!(
            settings.secrets,
            [Source::SecretsManager("postern".into()), Source::Parameters("/postern/".into())]
        );
    }
}
