//! Shapes of single values: text, switches, whole numbers, durations, sizes, prices, days.

use std::marker::PhantomData;
use std::time::Duration;

use serde_json::{Value, json};

use super::reader::{Reader, quoted};
use super::shape::{Description, Shape};

/// Text that is not empty and has no control characters and no space at its ends.
#[derive(Debug)]
pub(super) struct Text;

impl Shape for Text {
    type Value = String;

    fn read(value: &Value, reader: &mut Reader) -> Option<String> {
        let Some(text) = value.as_str() else {
            reader.unexpected("text", value);
            return None;
        };
        if text.is_empty() {
            reader.problem("must not be empty");
            return None;
        }
        if text.trim() != text || text.chars().any(char::is_control) {
            reader.problem(format!("{} has a space at an end or a control character in it", quoted(text)));
            return None;
        }
        Some(text.to_owned())
    }

    fn write(value: &String) -> Value {
        Value::from(value.as_str())
    }

    fn describe() -> Description {
        Description::scalar("text", json!({"type": "string", "minLength": 1}))
    }
}

/// A whole number from `LEAST` to `MOST`, both included.
#[derive(Debug)]
pub(super) struct Whole<T, const LEAST: u64, const MOST: u64>(PhantomData<T>);

impl<T: TryFrom<u64> + Copy + Into<u64>, const LEAST: u64, const MOST: u64> Shape for Whole<T, LEAST, MOST> {
    type Value = T;

    fn read(value: &Value, reader: &mut Reader) -> Option<T> {
        let number = value.as_u64().filter(|number| (LEAST..=MOST).contains(number));
        let number = number.and_then(|number| T::try_from(number).ok());
        if number.is_none() {
            reader.unexpected(&format!("a whole number from {LEAST} to {MOST}"), value);
        }
        number
    }

    fn write(value: &T) -> Value {
        Value::from((*value).into())
    }

    fn describe() -> Description {
        let schema = json!({"type": "integer", "minimum": LEAST, "maximum": MOST});
        Description::scalar(format!("whole number, {LEAST} to {MOST}"), schema)
    }
}

/// A duration of at least `LEAST` and at most `MOST` milliseconds: `250ms`, `5s`, `10m`, `1h`, `7d`.
#[derive(Debug)]
pub(super) struct Time<const LEAST: u64, const MOST: u64>;

/// Units of durations in milliseconds, largest first.
const TIMES: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

impl<const LEAST: u64, const MOST: u64> Shape for Time<LEAST, MOST> {
    type Value = Duration;

    fn read(value: &Value, reader: &mut Reader) -> Option<Duration> {
        const EXPECTED: &str = "a duration such as 250ms, 30s, 10m or 1h";
        let Some(text) = value.as_str() else {
            // A bare number most often means seconds.
            let suggestion = value.as_u64().map(|seconds| format!("{seconds}s"));
            reader.problem_or(
                format!("expected {EXPECTED}, found {}", super::reader::found(value)),
                suggestion,
            );
            return None;
        };
        let Some(millis) = measure(text, &TIMES) else {
            reader.unexpected(EXPECTED, value);
            return None;
        };
        if (LEAST..=MOST).contains(&millis) {
            return Some(Duration::from_millis(millis));
        }
        reader.problem(format!(
            "{text} is out of range: it must be from {} to {}",
            format_time(LEAST),
            format_time(MOST)
        ));
        None
    }

    fn write(value: &Duration) -> Value {
        Value::from(format_time(u64::try_from(value.as_millis()).unwrap_or(u64::MAX)))
    }

    fn describe() -> Description {
        let label = format!("duration, {} to {}", format_time(LEAST), format_time(MOST));
        Description::scalar(label, json!({"type": "string", "pattern": "^[0-9]+(ms|s|m|h|d)$"}))
    }
}

/// The duration in the largest unit that needs no fraction.
pub(super) fn format_time(millis: u64) -> String {
    let unit = TIMES.iter().find(|(_, size)| millis >= *size && millis.is_multiple_of(*size));
    match unit {
        Some((unit, size)) => format!("{}{unit}", millis / size),
        None => format!("{millis}ms"),
    }
}

/// A size in bytes of at least `LEAST` and at most `MOST`: `32MiB`, `1GB`, or a whole number of bytes.
#[derive(Debug)]
pub(super) struct Size<const LEAST: u64, const MOST: u64>;

/// Units of sizes in bytes. Binary ones come first, so that they are preferred in writing.
const SIZES: [(&str, u64); 7] = [
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("KB", 1000),
    ("B", 1),
];

impl<const LEAST: u64, const MOST: u64> Shape for Size<LEAST, MOST> {
    type Value = u64;

    fn read(value: &Value, reader: &mut Reader) -> Option<u64> {
        let bytes = match value {
            Value::Number(number) => number.as_u64(),
            Value::String(text) => measure(text, &SIZES),
            _ => None,
        };
        let Some(bytes) = bytes else {
            reader.unexpected("a size such as 512KiB, 32MiB or 1GB, or a whole number of bytes", value);
            return None;
        };
        if (LEAST..=MOST).contains(&bytes) {
            return Some(bytes);
        }
        reader.problem(format!(
            "{} is out of range: it must be from {} to {}",
            format_size(bytes),
            format_size(LEAST),
            format_size(MOST)
        ));
        None
    }

    fn write(value: &u64) -> Value {
        Value::from(format_size(*value))
    }

    fn describe() -> Description {
        let label = format!("size, {} to {}", format_size(LEAST), format_size(MOST));
        let text = json!({"type": "string", "pattern": "^[0-9]+(B|KB|MB|GB|KiB|MiB|GiB)$"});
        let number = json!({"type": "integer", "minimum": LEAST, "maximum": MOST});
        Description::scalar(label, json!({"anyOf": [text, number]}))
    }
}

/// The size in the largest unit that needs no fraction.
fn format_size(bytes: u64) -> String {
    let unit = SIZES.iter().find(|(_, size)| bytes >= *size && bytes.is_multiple_of(*size));
    match unit {
        Some((unit, size)) => format!("{}{unit}", bytes / size),
        None => format!("{bytes}B"),
    }
}

/// A whole number followed by one of `units`, as so many of the smallest.
fn measure(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let (_, size) = units.iter().find(|(name, _)| *name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(*size)
}

/// A price in US dollars for a million tokens, kept as micro-USD for a million tokens, without rounding.
#[derive(Debug)]
pub(super) struct Price;

/// A price in US dollars for one image, kept as micro-USD, without rounding.
#[derive(Debug)]
pub(super) struct ImagePrice;

/// 100,000 US dollars a million tokens: more is a mistake in the unit.
const HIGHEST_PRICE: u64 = 100_000_000_000;

impl Shape for Price {
    type Value = u64;

    fn read(value: &Value, reader: &mut Reader) -> Option<u64> {
        read_price(value, "for a million tokens, such as 0.15", "for a million tokens", reader)
    }

    fn write(value: &u64) -> Value {
        write_price(*value)
    }

    fn describe() -> Description {
        Description::scalar("US dollars for a million tokens", price_schema())
    }
}

impl Shape for ImagePrice {
    type Value = u64;

    fn read(value: &Value, reader: &mut Reader) -> Option<u64> {
        read_price(value, "for one image, such as 0.04", "for one image", reader)
    }

    fn write(value: &u64) -> Value {
        write_price(*value)
    }

    fn describe() -> Description {
        Description::scalar("US dollars for one image", price_schema())
    }
}

fn read_price(value: &Value, expected: &str, unit: &str, reader: &mut Reader) -> Option<u64> {
    let Value::Number(number) = value else {
        reader.unexpected(&format!("a price in US dollars {expected}"), value);
        return None;
    };
    // The shortest text that stands for this number is the text that its author wrote, up to 15 digits.
    let text = number.to_string();
    if text.starts_with('-') {
        reader.unexpected(&format!("a price in US dollars {expected}, not below zero"), value);
        return None;
    }
    match micros(&text) {
        Some(price) if price <= HIGHEST_PRICE => Some(price),
        Some(_) => {
            reader.problem(format!("{text} US dollars {unit} is too much; the unit may be wrong"));
            None
        }
        None => {
            reader.problem(format!("{text} has more than six decimals"));
            None
        }
    }
}

fn write_price(value: u64) -> Value {
    // Up to 100,000 dollars with six decimals is 11 digits: a double holds it exactly enough to print it back.
    Value::from(value as f64 / 1e6)
}

fn price_schema() -> Value {
    json!({"type": "number", "minimum": 0, "maximum": HIGHEST_PRICE / 1_000_000})
}

/// A decimal number, perhaps with an exponent, in millionths; `None` if that is not a whole number or too large.
fn micros(text: &str) -> Option<u64> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, decimals) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let decimals = decimals.trim_end_matches('0');
    let digits: u64 = format!("{whole}{decimals}").parse().ok()?;
    if digits == 0 {
        return Some(0);
    }
    let places = exponent.checked_add(6)?.checked_sub(i32::try_from(decimals.len()).ok()?)?;
    match u32::try_from(places) {
        Ok(places) => digits.checked_mul(10_u64.checked_pow(places)?),
        Err(_) => {
            let divisor = 10_u64.checked_pow(places.unsigned_abs())?;
            digits.is_multiple_of(divisor).then(|| digits / divisor)
        }
    }
}

/// A day as `YYYY-MM-DD`, kept as days since 1970-01-01 in UTC.
#[derive(Debug)]
pub(super) struct Day;

/// The Julian day of 1970-01-01.
const EPOCH: i32 = 2_440_588;

impl Shape for Day {
    type Value = u32;

    fn read(value: &Value, reader: &mut Reader) -> Option<u32> {
        let day = value.as_str().and_then(parse_day);
        if day.is_none() {
            reader.unexpected("a day such as 2026-01-31", value);
        }
        day
    }

    fn write(value: &u32) -> Value {
        let date = i32::try_from(*value).ok().and_then(|day| time::Date::from_julian_day(day + EPOCH).ok());
        match date {
            Some(date) => {
                Value::from(format!("{:04}-{:02}-{:02}", date.year(), u8::from(date.month()), date.day()))
            }
            None => Value::Null,
        }
    }

    fn describe() -> Description {
        let schema = json!({"type": "string", "format": "date", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"});
        Description::scalar("day", schema)
    }
}

fn parse_day(text: &str) -> Option<u32> {
    if text.len() != 10 || !text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') {
        return None;
    }
    let mut parts = text.split('-');
    let year: i32 = parts.next().filter(|year| year.len() == 4)?.parse().ok()?;
    let month: u8 = parts.next().filter(|month| month.len() == 2)?.parse().ok()?;
    let day: u8 = parts.next()?.parse().ok()?;
    let date = time::Date::from_calendar_date(year, time::Month::try_from(month).ok()?, day).ok()?;
    u32::try_from(date.to_julian_day() - EPOCH).ok()
}
