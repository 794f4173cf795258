//! Query parameters of the administration API, each checked, none ignored.

use std::collections::BTreeMap;

use http::request::Parts;
use percent_encoding::percent_decode_str;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::error::{ErrorKind, GatewayError};
use crate::time::Timestamp;

/// Rows a page has unless asked otherwise, and at most.
const PAGE: usize = 100;
const LONGEST_PAGE: usize = 1000;

/// The parameters of a request.
pub(crate) struct Query(BTreeMap<String, String>);

impl Query {
    pub(crate) fn of(parts: &Parts) -> Result<Self, GatewayError> {
        let mut pairs = BTreeMap::new();
        for pair in parts.uri.query().unwrap_or_default().split('&').filter(|p| !p.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let read =
                |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
            if pairs.insert(read(name), read(value)).is_some() {
                return Err(bad(&read(name), "is given twice"));
            }
        }
        Ok(Self(pairs))
    }

    /// Refuses parameters that the operation does not have.
    pub(crate) fn only(&self, names: &[&str]) -> Result<(), GatewayError> {
        match self.0.keys().find(|name| !names.contains(&name.as_str())) {
            Some(name) => Err(bad(name, &format!("is not a parameter here: there are {}", names.join(", ")))),
            None => Ok(()),
        }
    }

    /// A parameter that is there and not empty.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.0.get(name).filter(|value| !value.is_empty()).cloned()
    }

    /// How many rows are asked for.
    pub(super) fn limit(&self) -> Result<usize, GatewayError> {
        let Some(text) = self.text("limit") else { return Ok(PAGE) };
        let number = text.parse().ok().filter(|n| (1..=LONGEST_PAGE).contains(n));
        number.ok_or_else(|| bad("limit", &format!("must be a number from 1 to {LONGEST_PAGE}")))
    }

    /// A time: `30d` ago, a day, or a time by RFC 3339.
    pub(super) fn time(&self, name: &str, now: Timestamp) -> Result<Option<Timestamp>, GatewayError> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let ago = || {
            let (count, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
            let seconds = match unit {
                "h" => 3600_u64,
                "d" => 86_400,
                "w" => 604_800,
                _ => return None,
            };
            let micros = count.parse::<u64>().ok()?.checked_mul(seconds)?.checked_mul(1_000_000)?;
            Some(Timestamp(now.0.saturating_sub(micros)))
        };
        let day = || parse_time(&format!("{text}T00:00:00Z"));
        match ago().or_else(day).or_else(|| parse_time(&text)) {
            Some(time) => Ok(Some(time)),
            None => Err(bad(name, "must be like 30d or 12h, 2026-01-31, or 2026-01-31T12:00:00Z")),
        }
    }
}

pub(super) fn bad(name: &str, reason: &str) -> GatewayError {
    GatewayError::new(ErrorKind::InvalidRequest, format!("`{name}` {reason}")).at(name)
}

/// A time by RFC 3339; none before 1970.
pub(super) fn parse_time(text: &str) -> Option<Timestamp> {
    let nanos = OffsetDateTime::parse(text, &Rfc3339).ok()?.unix_timestamp_nanos();
    u64::try_from(nanos / 1000).ok().map(Timestamp)
}

/// A time by RFC 3339, whole seconds.
pub(super) fn format_time(time: Timestamp) -> String {
    let seconds = i64::try_from(time.seconds()).unwrap_or_default();
    let time = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    time.format(&Rfc3339).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str) -> Result<Query, GatewayError> {
        let request = http::Request::builder().uri(format!("/x?{text}")).body(()).unwrap();
        Query::of(&request.into_parts().0)
    }

    #[test]
    fn times_in_every_form() {
        let now = Timestamp(40 * 86_400_000_000);
        let time = |text: &str| query(&format!("since={text}")).unwrap().time("since", now);
        assert_eq!(time("30d").unwrap(), Some(Timestamp(10 * 86_400_000_000)));
        assert_eq!(time("1970-01-03").unwrap(), Some(Timestamp(2 * 86_400_000_000)));
        assert_eq!(time("1970-01-01T00%3A00%3A01Z").unwrap(), Some(Timestamp(1_000_000)));
        assert_eq!(time("").unwrap(), None);
        for bad in ["d", "30y", "yesterday", "99999999999999999999d", "é"] {
            assert!(time(bad).is_err(), "{bad}");
        }
        assert_eq!(format_time(Timestamp(1_000_000)), "1970-01-01T00:00:01Z");
    }

    #[test]
    fn nothing_is_ignored() {
        assert!(query("a=1&a=2").is_err());
        assert!(query("tenant=x&typo=1").unwrap().only(&["tenant"]).unwrap_err().message.contains("typo"));
        assert!(query("limit=0").unwrap().limit().is_err());
        assert_eq!(query("limit=7").unwrap().limit().unwrap(), 7);
    }
}
