//! One model on its way into the catalog.

use super::amount::dollars;

/// The letters of prices, in the order in which they are written.
const LETTERS: [char; 10] = ['i', 'r', 'w', 'W', 'a', 'o', 'A', 'm', 'M', 'g'];

/// Micro-USD per million tokens by letter (for `g`: micro-USD per image).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Prices([Option<u64>; LETTERS.len()]);

impl Prices {
    /// The price of a letter.
    pub(super) fn of(&self, letter: char) -> Option<u64> {
        let at = LETTERS.iter().position(|known| *known == letter)?;
        self.0.get(at).copied().flatten()
    }

    /// Sets the price of a letter.
    pub(super) fn set(&mut self, letter: char, price: u64) {
        if let Some(at) = LETTERS.iter().position(|known| *known == letter)
            && let Some(place) = self.0.get_mut(at)
        {
            *place = Some(price);
        }
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }

    /// Whether every price that is known is zero.
    pub(super) fn is_zero(&self) -> bool {
        self.0.iter().flatten().all(|price| *price == 0)
    }

    fn write(&self, text: &mut String) {
        let mut first = true;
        for (letter, price) in LETTERS.iter().zip(self.0) {
            if let Some(price) = price {
                if !first {
                    text.push(' ');
                }
                first = false;
                text.push(*letter);
                text.push_str(&dollars(price));
            }
        }
    }
}

/// The prices of a time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Period {
    /// The first day, `YYYY-MM-DD`; empty for the first period of a model.
    pub(super) from: String,
    /// What calls cost.
    pub(super) base: Prices,
    /// What they cost above a number of tokens read, in ascending order.
    pub(super) above: Vec<(u64, Prices)>,
}

/// A model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Row {
    /// As [`the catalog`](super) names tasks: `chat`.
    pub(super) task: &'static str,
    /// The context window in tokens.
    pub(super) window: Option<u64>,
    /// The most tokens of an answer.
    pub(super) most: Option<u64>,
    /// `tip>t`.
    pub(super) media: String,
    /// Letters.
    pub(super) abilities: String,
    /// Prices, oldest first.
    pub(super) periods: Vec<Period>,
}

impl Row {
    /// Adds the model's line.
    pub(super) fn write(&self, kind: &str, name: &str, text: &mut String) {
        let number = |n: Option<u64>| n.map(|n| n.to_string()).unwrap_or_default();
        let (window, most) = (number(self.window), number(self.most));
        for field in [kind, name, self.task, &window, &most, &self.media, &self.abilities] {
            text.push_str(field);
            text.push('\t');
        }
        for (n, period) in self.periods.iter().enumerate() {
            if n > 0 {
                text.push_str("; @");
                text.push_str(&period.from);
                text.push(' ');
            }
            period.base.write(text);
            for (threshold, prices) in &period.above {
                text.push_str(&format!("; >{threshold} "));
                prices.write(text);
            }
        }
        text.push('\n');
    }

    /// How much is known, to choose between two rows of one model.
    pub(super) fn weight(&self) -> usize {
        let prices: usize = self.periods.iter().map(|period| period.base.0.iter().flatten().count()).sum();
        prices + self.abilities.len() + usize::from(self.window.is_some()) + usize::from(self.most.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_periods_and_thresholds() {
        let mut base = Prices::default();
        base.set('o', 10_000_000);
        base.set('i', 1_250_000);
        let mut long = Prices::default();
        long.set('i', 2_500_000);
        let periods = vec![
            Period { from: String::new(), base, above: vec![(200_000, long)] },
            Period { from: "2026-03-13".to_owned(), base, above: Vec::new() },
        ];
        let row = Row { task: "chat", window: Some(9), periods, media: "t>t".to_owned(), ..Row::default() };
        let mut text = String::new();
        row.write("k", "n", &mut text);
        assert_eq!(text, "k\tn\tchat\t9\t\tt>t\t\ti1.25 o10; >200000 i2.5; @2026-03-13 i1.25 o10\n");
    }
}
