//! The default rules of a new installation.

use super::condition::{Condition, Metric, Op};
use super::rule::{Kind, Rule};

/// One rule of each kind that most users want, for every symbol.
pub fn default_rules() -> Vec<Rule> {
    vec![
        Rule { bands: vec![5.0, 10.0, 15.0], ..Rule::new("price_change", Kind::PriceChange) },
        Rule { keep_firing_for_s: 3_600, ..Rule::new("signal_enter", Kind::SignalEnter) },
        Rule {
            recover: Some(Condition::test(Metric::S24h, Op::Above, -0.2)),
            keep_firing_for_s: 3_600,
            ..Rule::new("negative_sentiment_trend", Kind::NegativeSentimentTrend)
        },
        // Half a session: free plans are called a few times a day.
        Rule { max_age_s: Some(4 * 3_600), ..Rule::new("data_stale", Kind::DataStale) },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_rule_can_fire() {
        for rule in default_rules() {
            assert_eq!(rule.check(), Ok(()));
        }
    }
}
