//! Prices, and how a line of the catalog says them.
//!
//! The last column is a list of price sets divided by `; `. A set is a list of prices, each a letter and US dollars per
//! million tokens: `i0.15 r0.075 o0.6`. A set that begins with `@DAY` (days since 1970-01-01) holds from that day on;
//! one that begins with `>N` replaces prices of the set before it when more than N tokens are read.

use serde::{Deserialize, Serialize};

/// Prices in micro-USD per million tokens, but for `image`; `None` where none is known, zero where it is free.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Prices {
    /// Fresh input tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<u64>,
    /// Input tokens read from the provider's prompt cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_read: Option<u64>,
    /// Input tokens written to the provider's prompt cache for its default life time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_write: Option<u64>,
    /// Input tokens written to the provider's prompt cache for one hour (Anthropic).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_write_1h: Option<u64>,
    /// Fresh audio input tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_audio: Option<u64>,
    /// Fresh image input tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_image: Option<u64>,
    /// Output tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<u64>,
    /// Audio output tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_audio: Option<u64>,
    /// Image output tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_image: Option<u64>,
    /// Searches, in micro-USD for a million of them. The catalog lists none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub search: Option<u64>,
    /// Micro-USD for each generated image that is not counted in tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<u64>,
}

/// The prices in force on a day for a call that reads so many tokens.
pub(super) fn prices(list: &str, day: u32, total_input: u64) -> Prices {
    let mut current = Prices::default();
    let mut began = false;
    for (condition, set) in sets(list) {
        match condition {
            // The first set holds since ever: a price is better than none for a day before the catalog's history.
            Condition::From(from) if began && from > day => break,
            Condition::From(_) => {
                current = Prices::default();
                apply(set, &mut current);
            }
            Condition::Above(threshold) if total_input > threshold => {
                apply(set, &mut current);
            }
            Condition::Above(_) => {}
        }
        began = true;
    }
    current
}

/// When a price set holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Condition {
    /// From a day on.
    From(u32),
    /// When more tokens than this are read.
    Above(u64),
}

fn sets(list: &str) -> impl Iterator<Item = (Condition, &str)> {
    list.split("; ").filter(|set| !set.is_empty()).map(|set| {
        let (first, rest) = set.split_once(' ').unwrap_or((set, ""));
        if let Some(day) = first.strip_prefix('@') {
            (Condition::From(day_number(day).unwrap_or(u32::MAX)), rest)
        } else if let Some(threshold) = first.strip_prefix('>') {
            (Condition::Above(threshold.parse().unwrap_or(u64::MAX)), rest)
        } else {
            (Condition::From(0), set)
        }
    })
}

fn apply(set: &str, prices: &mut Prices) {
    for item in set.split(' ') {
        let mut chars = item.chars();
        let letter = chars.next();
        let Some(value) = micros(chars.as_str()) else { continue };
        let field = match letter {
            Some('i') => &mut prices.input,
            Some('r') => &mut prices.cache_read,
            Some('w') => &mut prices.cache_write,
            Some('W') => &mut prices.cache_write_1h,
            Some('a') => &mut prices.input_audio,
            Some('o') => &mut prices.output,
            Some('A') => &mut prices.output_audio,
            Some('m') => &mut prices.input_image,
            Some('M') => &mut prices.output_image,
            Some('g') => &mut prices.image,
            _ => continue,
        };
        *field = Some(value);
    }
}

/// The number of a day written `YYYY-MM-DD`, counted from 1970-01-01.
fn day_number(date: &str) -> Option<u32> {
    let mut parts = date.split('-').map(str::parse::<u32>);
    let (year, month, day) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    if !(1970..10_000).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Years begin in March here, so that the leap day is the last of a year.
    let year = if month > 2 { year } else { year - 1 };
    let days_before_month = (153 * ((month + 9) % 12) + 2) / 5;
    (year * 365 + year / 4 - year / 100 + year / 400 + days_before_month + day).checked_sub(719_469)
}

/// Dollars with at most six decimals, in micro-dollars. Digits only, so nothing is ever rounded.
fn micros(dollars: &str) -> Option<u64> {
    let (whole, fraction) = dollars.split_once('.').unwrap_or((dollars, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) || fraction.len() > 6 {
        return None;
    }
    let scale = 10_u64.checked_pow(6_u32.checked_sub(u32::try_from(fraction.len()).ok()?)?)?;
    let fraction = if fraction.is_empty() { 0 } else { fraction.parse::<u64>().ok()? };
    whole.parse::<u64>().ok()?.checked_mul(1_000_000)?.checked_add(fraction.checked_mul(scale)?)
}

/// Whether a price list says what this module can read, all of it.
#[cfg(test)]
pub(super) fn is_well_formed(list: &str) -> bool {
    let mut last = None;
    list.is_empty()
        || list.split("; ").enumerate().all(|(n, set)| {
            let mut items = set.split(' ').peekable();
            let first = items.peek().copied().unwrap_or_default();
            if let Some(day) = first.strip_prefix('@') {
                let day = day_number(day);
                if n == 0 || day.is_none() || day <= last {
                    return false;
                }
                last = day;
                items.next();
            } else if let Some(threshold) = first.strip_prefix('>') {
                if n == 0 || threshold.parse::<u64>().is_err() {
                    return false;
                }
                items.next();
            } else if n > 0 {
                return false;
            }
            items.all(|item| {
                item.starts_with(['i', 'r', 'w', 'W', 'a', 'o', 'A', 'm', 'M', 'g'])
                    && item.get(1..).and_then(micros).is_some()
            })
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_dollars_exactly() {
        assert_eq!(micros("0.15"), Some(150_000));
        assert_eq!(micros("75"), Some(75_000_000));
        assert_eq!(micros("0.000001"), Some(1));
        assert_eq!(micros("0.1"), Some(100_000));
        for wrong in ["", ".5", "-1", "1e3", "0.0000001", "1,5", "+1"] {
            assert_eq!(micros(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn counts_days() {
        for (date, number) in [
            ("1970-01-01", 0),
            ("1970-03-01", 59),
            ("1972-02-29", 789),
            ("1972-03-01", 790),
            ("2000-03-01", 11_017),
            ("2024-02-29", 19_782),
            ("2026-11-21", 20_778),
        ] {
            assert_eq!(day_number(date), Some(number), "{date}");
        }
        for wrong in ["", "2026", "2026-13-01", "2026-01-32", "1969-12-31", "x-01-01"] {
            assert_eq!(day_number(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn takes_the_price_in_force_on_the_day() {
        let list = "i10 r5 o20; @1970-04-11 i8 o16; @1970-07-20 i4 r1 o8";
        let input = |day| prices(list, day, 0).input;
        assert_eq!(input(0), Some(10_000_000));
        assert_eq!(input(99), Some(10_000_000));
        assert_eq!(input(100), Some(8_000_000));
        assert_eq!(input(199), Some(8_000_000));
        assert_eq!(input(200), Some(4_000_000));
        assert_eq!(input(u32::MAX), Some(4_000_000));
        // A new set replaces the old one as a whole.
        assert_eq!(prices(list, 150, 0).cache_read, None);
    }

    #[test]
    fn long_prompts_cost_more_only_above_the_threshold() {
        let list = "i1.25 r0.125 o10; >200000 i2.5 o15; >500000 i5; @1970-10-28 i1 o2";
        assert_eq!(prices(list, 0, 200_000).input, Some(1_250_000));
        let long = prices(list, 0, 200_001);
        assert_eq!(
            (long.input, long.cache_read, long.output),
            (Some(2_500_000), Some(125_000), Some(15_000_000))
        );
        assert_eq!(prices(list, 0, 500_001).input, Some(5_000_000));
        assert_eq!(prices(list, 300, 500_001).input, Some(1_000_000));
    }

    #[test]
    fn images_have_prices_of_their_own() {
        let prices = prices("i5 m10 M40 g0.04", 0, 0);
        assert_eq!(prices.input_image, Some(10_000_000));
        assert_eq!(prices.output_image, Some(40_000_000));
        assert_eq!(prices.image, Some(40_000));
    }
}
