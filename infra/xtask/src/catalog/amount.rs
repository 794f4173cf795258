//! Amounts of money from decimal text to micro-USD per million tokens, without a binary fraction in between.

/// Micro-USD per million, from US dollars for one: `1.5e-07` a token is 150,000. Rounded half up where a source has
/// more digits than prices have.
pub(super) fn per_one(text: &str) -> Option<u64> {
    scaled(text, 12)
}

/// Micro-USD per million, from US dollars per million.
pub(super) fn per_million(text: &str) -> Option<u64> {
    scaled(text, 6)
}

/// US dollars as the catalog writes them: `0.15`, no zeros at the end.
pub(super) fn dollars(micros: u64) -> String {
    let text = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// `text` times ten to the `shift`, as a whole number.
fn scaled(text: &str, shift: i32) -> Option<u64> {
    let (number, exponent) = match text.split_once(['e', 'E']) {
        Some((number, exponent)) => (number, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let value: u128 = digits.parse().ok()?;
    let shift = shift.checked_add(exponent)?.checked_sub(i32::try_from(fraction.len()).ok()?)?;
    let power = 10_u128.checked_pow(shift.unsigned_abs());
    let scaled = match power {
        Some(power) if shift >= 0 => value.checked_mul(power)?,
        Some(power) => (value + power / 2) / power,
        None if shift < 0 || value == 0 => 0,
        None => return None,
    };
    u64::try_from(scaled).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_prices_by_the_token_exactly() {
        for (text, micros) in [
            ("1.5e-07", 150_000),
            ("6e-07", 600_000),
            ("0.0000025", 2_500_000),
            ("3e-09", 3_000),
            ("0.0", 0),
            ("0", 0),
            ("1.0000000000000001e-07", 100_000),
            ("2.8999999999999997E-7", 290_000),
            ("5e-13", 1),
            ("4e-13", 0),
            ("1e-60", 0),
            ("0.04", 40_000_000_000),
        ] {
            assert_eq!(per_one(text), Some(micros), "{text}");
        }
        for wrong in ["", "-1e-7", "\"1\"", "null", "1e", "NaN", "1e40"] {
            assert_eq!(per_one(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn takes_prices_by_the_million_exactly() {
        assert_eq!(per_million("0.1"), Some(100_000));
        assert_eq!(per_million("37.5"), Some(37_500_000));
        assert_eq!(per_million("10"), Some(10_000_000));
    }

    #[test]
    fn writes_dollars_shortly() {
        for (micros, text) in
            [(150_000, "0.15"), (10_000_000, "10"), (0, "0"), (1, "0.000001"), (37_500_000, "37.5")]
        {
            assert_eq!(dollars(micros), text);
            assert_eq!(per_million(text), Some(micros));
        }
    }
}
