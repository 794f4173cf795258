//! Money in integer micro-USD: one millionth of a US dollar. No floating point ever enters a sum.

use serde::{Deserialize, Serialize};

/// An amount in micro-USD (1,000,000 = one US dollar).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MicroUsd(pub u64);

impl MicroUsd {
    /// Nothing spent.
    pub const ZERO: Self = Self(0);

    /// The sum, which stops at the largest amount instead of wrapping.
    #[must_use]
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

/// US dollars with six decimals, as in the header `x-postern-cost-usd`.
impl std::fmt::Display for MicroUsd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{:06}", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_six_decimals() {
        assert_eq!(MicroUsd(1_234_567).to_string(), "1.234567");
        assert_eq!(MicroUsd(7).to_string(), "0.000007");
    }
}
