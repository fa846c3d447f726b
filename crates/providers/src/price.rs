//! Prices of a model's tokens.

use crate::reading::Usage;

/// US dollars for a million tokens, from the provider's price list, to six decimals. Thoughts cost
/// as output, and cached input as any input, which is an upper bound. The default is zero: a free
/// plan, or a self-hosted server.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Price {
    pub input: f64,
    pub output: f64,
}

impl Price {
    /// Millionths of a US dollar, rounded up.
    pub fn micros(self, usage: Usage) -> u64 {
        // whole numbers: in fractions, thirty tokens at 0.1 come to a little more than three
        let cost = |dollars: f64, tokens: u64| {
            let rate = (dollars.max(0.0) * 1e6).round() as u128;
            rate.saturating_mul(tokens.into())
        };
        let output = usage.output.saturating_add(usage.thoughts);
        let sum = cost(self.input, usage.input).saturating_add(cost(self.output, output));
        u64::try_from(sum.div_ceil(1_000_000)).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dollar_for_a_million_tokens_is_a_millionth_for_each() {
        let price = Price { input: 1.0, output: 4.0 };
        assert_eq!(price.micros(Usage { input: 1_000_000, output: 0, thoughts: 0 }), 1_000_000);
        assert_eq!(price.micros(Usage { input: 10, output: 5, thoughts: 5 }), 50);
        assert_eq!(Price::default().micros(Usage { input: 10, output: 5, thoughts: 5 }), 0);
    }

    #[test]
    fn a_part_of_a_millionth_counts_as_one() {
        let price = Price { input: 0.1, output: 0.4 };
        assert_eq!(price.micros(Usage { input: 1, output: 0, thoughts: 0 }), 1);
        assert_eq!(price.micros(Usage { input: 0, output: 0, thoughts: 0 }), 0);
        assert_eq!(price.micros(Usage { input: 30, output: 0, thoughts: 0 }), 3);
    }

    #[test]
    fn an_absurd_price_or_usage_is_the_most_there_is() {
        let all = Usage { input: u64::MAX, output: u64::MAX, thoughts: u64::MAX };
        for dollars in [f64::INFINITY, 1e300, 1e6] {
            assert_eq!(Price { input: dollars, output: dollars }.micros(all), u64::MAX);
        }
        assert_eq!(Price { input: f64::NAN, output: -1.0 }.micros(all), 0);
    }
}
