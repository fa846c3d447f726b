//! What a model's tokens cost.

use crate::reading::Usage;

/// US dollars for a million tokens, as the provider's price list gives them. Thoughts are priced
/// as output. The default is nothing: a free plan, or a server of one's own.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Price {
    pub input: f64,
    pub output: f64,
}

impl Price {
    /// Millionths of a US dollar, rounded up.
    pub fn micros(self, usage: Usage) -> u64 {
        let output = usage.output.saturating_add(usage.thoughts);
        let micros =
            self.input.max(0.0) * usage.input as f64 + self.output.max(0.0) * output as f64;
        micros.ceil() as u64
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
    }
}
