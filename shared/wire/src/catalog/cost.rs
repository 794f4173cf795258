//! What a call cost: integer arithmetic, rounded once.

use super::Prices;
use crate::money::MicroUsd;
use crate::usage::Usage;

/// Tokens that a price is for.
const PER: u128 = 1_000_000;

/// The cost of a call, and whether every count that is not zero had its price.
///
/// Half a micro-dollar is rounded up, once, at the end. Where a price is missing:
/// - cache reads, cache writes for the default time, and images that are read cost what fresh input costs: that is what
///   vendors without a special price charge;
/// - one-hour cache writes are charged as ordinary ones, audio and images that are made as text, and the answer is
///   `false`: the real price is higher;
/// - without an input or output price, or one of searches, the count is free and the answer is `false`.
#[must_use]
pub fn cost(prices: &Prices, usage: &Usage) -> (MicroUsd, bool) {
    let Prices { input, cache_read, cache_write, cache_write_1h, input_audio, input_image, .. } = *prices;
    let Prices { output, output_audio, output_image, search, image, .. } = *prices;
    let image = image.map(|price| price.saturating_mul(1_000_000));
    let lines = [
        (usage.input, input, None),
        (usage.cache_read, cache_read.or(input), None),
        (usage.cache_write, cache_write.or(input), None),
        (usage.cache_write_1h, cache_write_1h, cache_write.or(input)),
        (usage.input_audio, input_audio, input),
        (usage.input_image, input_image.or(input), None),
        (usage.output, output, None),
        (usage.output_audio, output_audio, output),
        (usage.output_image, output_image, output),
        (usage.searches, search, None),
        (usage.images, image, None),
        // Nothing is known here of prices by the second or by the letter.
        (usage.audio_ms, None, None),
        (usage.characters, None, None),
    ];
    let mut total: u128 = 0;
    let mut complete = true;
    for (tokens, price, makeshift) in lines {
        if tokens == 0 {
            continue;
        }
        complete &= price.is_some();
        // A few products of two u64 can pass the end of u128 only for prices nobody has; then the sum stops there.
        let amount = u128::from(price.or(makeshift).unwrap_or(0)) * u128::from(tokens);
        total = total.saturating_add(amount);
    }
    let rounded = total.saturating_add(PER / 2) / PER;
    (MicroUsd(u64::try_from(rounded).unwrap_or(u64::MAX)), complete)
}

/// Invoices worked out by hand from the vendors' price lists.
#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Prices = Prices {
        input: None,
        cache_read: None,
        cache_write: None,
        cache_write_1h: None,
        input_audio: None,
        input_image: None,
        output: None,
        output_audio: None,
        output_image: None,
        search: None,
        image: None,
    };

    /// OpenAI gpt-4o: 2.50 in, 1.25 cached, 10.00 out.
    const GPT_4O: Prices =
        Prices { input: Some(2_500_000), cache_read: Some(1_250_000), output: Some(10_000_000), ..NONE };

    /// Anthropic Claude Sonnet 4.5: 3.00 in, 0.30 read, 3.75 written for 5 minutes, 6.00 for an hour, 15.00 out.
    const SONNET: Prices = Prices {
        input: Some(3_000_000),
        cache_read: Some(300_000),
        cache_write: Some(3_750_000),
        cache_write_1h: Some(6_000_000),
        output: Some(15_000_000),
        ..NONE
    };

    #[test]
    fn openai_with_cached_tokens() {
        // prompt_tokens 2006, of which 1920 cached; completion_tokens 300:
        // 86 x 2.50 = 215; 1920 x 1.25 = 2400; 300 x 10 = 3000; together 5615 micro-USD.
        let usage = Usage { input: 86, cache_read: 1920, output: 300, ..Usage::default() };
        assert_eq!(cost(&GPT_4O, &usage), (MicroUsd(5_615), true));
    }

    #[test]
    fn anthropic_with_both_kinds_of_cache_writes() {
        // input_tokens 21, cache_read_input_tokens 188086, 5 minutes 456, 1 hour 1000, output_tokens 393:
        // 63 + 56425.8 + 1710 + 6000 + 5895 = 70093.8 micro-USD.
        let usage = Usage {
            input: 21,
            cache_read: 188_086,
            cache_write: 456,
            cache_write_1h: 1000,
            output: 393,
            ..Usage::default()
        };
        assert_eq!(cost(&SONNET, &usage), (MicroUsd(70_094), true));
    }

    #[test]
    fn reasoning_is_part_of_the_output_and_paid_once() {
        // o4-mini, 1.10 in, 4.40 out: 75 x 1.10 = 82.5; 1186 x 4.40 = 5218.4, of which 1024 reasoned; 5300.9.
        let prices = Prices { input: Some(1_100_000), output: Some(4_400_000), ..Prices::default() };
        let usage = Usage { input: 75, output: 1186, reasoning: 1024, ..Usage::default() };
        assert_eq!(cost(&prices, &usage), (MicroUsd(5_301), true));
        // Tokens of a rejected prediction are output too.
        let predicted = Usage { accepted_prediction: 100, rejected_prediction: 62, ..usage };
        assert_eq!(cost(&prices, &predicted), (MicroUsd(5_301), true));
    }

    #[test]
    fn audio_has_its_own_prices() {
        // gpt-audio: text 2.50 / 10.00, audio 40.00 / 80.00:
        // 100 x 2.50 + 250 x 40 + 30 x 10 + 500 x 80 = 250 + 10000 + 300 + 40000 = 50550.
        let prices = Prices { input_audio: Some(40_000_000), output_audio: Some(80_000_000), ..GPT_4O };
        let usage = Usage { input: 100, input_audio: 250, output: 30, output_audio: 500, ..Usage::default() };
        assert_eq!(cost(&prices, &usage), (MicroUsd(50_550), true));
        // Without them the amount is too low and says so: 350 x 2.50 + 530 x 10.
        assert_eq!(cost(&GPT_4O, &usage), (MicroUsd(6_175), false));
    }

    #[test]
    fn images_have_their_own_prices() {
        // gpt-image-1: text 5.00 in, images 10.00 in and 40.00 out:
        // 50 x 5 + 323 x 10 + 4160 x 40 = 250 + 3230 + 166400 = 169880 micro-USD.
        let prices = Prices {
            input: Some(5_000_000),
            input_image: Some(10_000_000),
            output_image: Some(40_000_000),
            ..Prices::default()
        };
        let usage = Usage { input: 50, input_image: 323, output_image: 4160, ..Usage::default() };
        assert_eq!(cost(&prices, &usage), (MicroUsd(169_880), true));
        // Two pictures at 0.039 dollars each, and without such a price.
        let pictures = Usage { images: 2, ..Usage::default() };
        let each = Prices { image: Some(39_000), ..Prices::default() };
        assert_eq!(cost(&each, &pictures), (MicroUsd(78_000), true));
        assert_eq!(cost(&prices, &pictures), (MicroUsd::ZERO, false));
    }

    #[test]
    fn seconds_and_letters_have_no_price_here_and_say_so() {
        for usage in
            [Usage { audio_ms: 9_000, ..Usage::default() }, Usage { characters: 5, ..Usage::default() }]
        {
            assert_eq!(cost(&GPT_4O, &usage), (MicroUsd::ZERO, false));
        }
    }

    #[test]
    fn deepseek_reads_from_the_cache_for_a_tenth() {
        // 0.28 in, 0.028 hit, 0.42 out: hit 1472, miss 45, out 210: 41.216 + 12.6 + 88.2 = 142.016.
        let prices = Prices {
            input: Some(280_000),
            cache_read: Some(28_000),
            output: Some(420_000),
            ..Prices::default()
        };
        let usage = Usage { input: 45, cache_read: 1472, output: 210, ..Usage::default() };
        assert_eq!(cost(&prices, &usage), (MicroUsd(142), true));
    }

    #[test]
    fn rounds_half_up_and_only_once() {
        let prices = Prices { input: Some(500_000), output: Some(300_000), ..Prices::default() };
        let of = |input, output| cost(&prices, &Usage { input, output, ..Usage::default() }).0;
        assert_eq!(of(1, 0), MicroUsd(1), "0.5 becomes 1");
        assert_eq!(of(0, 1), MicroUsd(0), "0.3 becomes 0");
        assert_eq!(of(1, 1), MicroUsd(1), "0.8 becomes 1, not 1 + 0 or 1 + 1");
        assert_eq!(of(3, 3), MicroUsd(2), "2.4 becomes 2");
    }

    #[test]
    fn missing_prices_are_told() {
        let usage = Usage { input: 1_000_000, cache_read: 1_000_000, output: 0, ..Usage::default() };
        let input_only = Prices { input: Some(2_000_000), ..Prices::default() };
        assert_eq!(cost(&input_only, &usage), (MicroUsd(4_000_000), true), "cached at the full price");
        assert_eq!(cost(&Prices::default(), &usage), (MicroUsd::ZERO, false));
        assert_eq!(
            cost(&Prices::default(), &Usage::default()),
            (MicroUsd::ZERO, true),
            "nothing used, nothing missing"
        );
        let hour = Usage { cache_write_1h: 1_000_000, ..Usage::default() };
        let five_minutes = Prices { cache_write: Some(3_750_000), ..Prices::default() };
        assert_eq!(cost(&five_minutes, &hour), (MicroUsd(3_750_000), false));
        let free = Prices { input: Some(0), output: Some(0), ..Prices::default() };
        assert_eq!(cost(&free, &usage), (MicroUsd::ZERO, true), "free is a price");
    }

    #[test]
    fn never_wraps() {
        let prices = Prices { input: Some(u64::MAX), output: Some(u64::MAX), ..Prices::default() };
        let usage = Usage { input: u64::MAX, output: u64::MAX, ..Usage::default() };
        assert_eq!(cost(&prices, &usage), (MicroUsd(u64::MAX), true));
    }
}
