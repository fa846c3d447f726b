//! The arithmetic of an evaluation: ranks, means over days, intervals, and chance by a seed.

use chrono::NaiveDate;

/// Number of samples of the bootstrap.
const DRAWS: usize = 1_000;
/// The 97.5th percentile of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// The scores of one day and the returns after each.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Daily {
    pub(super) scores: Vec<f64>,
    pub(super) returns: Vec<f64>,
}

/// Groups pairs that are sorted by day.
pub(super) fn by_day(pairs: impl Iterator<Item = (NaiveDate, f64, f64)>) -> Vec<Daily> {
    let mut days: Vec<(NaiveDate, Daily)> = Vec::new();
    for (day, score, after) in pairs {
        match days.last_mut() {
            Some((last, daily)) if *last == day => {
                daily.scores.push(score);
                daily.returns.push(after);
            }
            _ => days.push((day, Daily { scores: vec![score], returns: vec![after] })),
        }
    }
    days.into_iter().map(|(_, daily)| daily).collect()
}

/// The same returns with shuffled scores: within each day, or over all of them.
pub(super) fn shuffled(days: &[Daily], within_days: bool, seed: u64) -> Vec<Daily> {
    let mut chance = Chance::new(seed ^ 0x5048_4143_4542_4f00);
    let mut days = days.to_vec();
    if within_days {
        for day in &mut days {
            chance.shuffle(&mut day.scores);
        }
        return days;
    }
    let mut all: Vec<f64> = days.iter().flat_map(|d| d.scores.iter().copied()).collect();
    chance.shuffle(&mut all);
    let mut all = all.into_iter();
    for score in days.iter_mut().flat_map(|d| d.scores.iter_mut()) {
        *score = all.next().expect("as many as before");
    }
    days
}

/// NaN for an empty list.
pub(super) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Ranks from 1; equals share the mean of theirs.
pub(super) fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut from = 0;
    while from < order.len() {
        let mut to = from + 1;
        while to < order.len() && values[order[to]] == values[order[from]] {
            to += 1;
        }
        let shared = (from + to + 1) as f64 / 2.0;
        for place in &order[from..to] {
            ranks[*place] = shared;
        }
        from = to;
    }
    ranks
}

/// Ranks with mean 0 and variance 1; `None` if all values are equal.
fn standard_ranks(values: &[f64]) -> Option<Vec<f64>> {
    let mut ranks = ranks(values);
    let middle = mean(&ranks);
    let variance = ranks.iter().map(|r| (r - middle).powi(2)).sum::<f64>() / ranks.len() as f64;
    if ranks.len() < 2 || variance <= 0.0 {
        return None;
    }
    let deviation = variance.sqrt();
    for rank in &mut ranks {
        *rank = (*rank - middle) / deviation;
    }
    Some(ranks)
}

/// Spearman's rank correlation; `None` if one side does not vary.
pub(super) fn spearman(a: &[f64], b: &[f64]) -> Option<f64> {
    let (a, b) = (standard_ranks(a)?, standard_ranks(b)?);
    Some(a.iter().zip(&b).map(|(a, b)| a * b).sum::<f64>() / a.len() as f64)
}

/// Contribution of each day to the rank correlation of all days: their mean is that correlation.
pub(super) fn pooled(days: &[Daily]) -> Vec<f64> {
    let all = |side: fn(&Daily) -> &Vec<f64>| -> Vec<f64> {
        days.iter().flat_map(|d| side(d).iter().copied()).collect()
    };
    let (Some(scores), Some(returns)) =
        (standard_ranks(&all(|d| &d.scores)), standard_ranks(&all(|d| &d.returns)))
    else {
        return Vec::new();
    };
    let scale = days.len() as f64 / scores.len() as f64;
    let mut products = scores.iter().zip(&returns).map(|(a, b)| a * b);
    days.iter().map(|d| products.by_ref().take(d.scores.len()).sum::<f64>() * scale).collect()
}

/// The mean in units of its standard error, corrected for correlation between neighbours up to
/// `lags` apart (Newey and West 1987, Bartlett weights); `None` if nothing varies.
pub(super) fn newey_west_t(values: &[f64], lags: usize) -> Option<f64> {
    let n = values.len();
    let middle = mean(values);
    let covariance = |lag: usize| {
        let pairs = values[lag..].iter().zip(values);
        pairs.map(|(a, b)| (a - middle) * (b - middle)).sum::<f64>() / n as f64
    };
    let lags = lags.min(n.saturating_sub(1));
    let weighted = (1..=lags).map(|lag| {
        let weight = 1.0 - lag as f64 / (lags as f64 + 1.0);
        2.0 * weight * covariance(lag)
    });
    let variance = (covariance(0) + weighted.sum::<f64>()) / n as f64;
    (variance > 0.0).then(|| middle / variance.sqrt())
}

/// The 95 % interval of the mean, from blocks of neighbouring days drawn in a circle. A block is as
/// long as returns overlap, and at least the cube root of all days.
pub(super) fn bootstrap(values: &[f64], overlap: usize, seed: u64) -> (f64, f64) {
    let n = values.len();
    let block = overlap.max((n as f64).cbrt().ceil() as usize).clamp(1, n);
    let mut chance = Chance::new(seed ^ 0x424f_4f54_5354_5241);
    let mut means: Vec<f64> = (0..DRAWS)
        .map(|_| {
            let mut sum = 0.0;
            let mut drawn = 0;
            while drawn < n {
                let from = chance.below(n);
                let take = block.min(n - drawn);
                sum += (from..from + take).map(|at| values[at % n]).sum::<f64>();
                drawn += take;
            }
            sum / n as f64
        })
        .collect();
    means.sort_by(f64::total_cmp);
    (means[DRAWS * 25 / 1_000], means[DRAWS * 975 / 1_000 - 1])
}

/// Wilson's 95 % interval of a rate.
pub(super) fn wilson(hits: usize, n: usize) -> (f64, f64) {
    let (hits, n) = (hits as f64, n as f64);
    let rate = hits / n;
    let scale = 1.0 + Z * Z / n;
    let middle = rate + Z * Z / (2.0 * n);
    let half = Z * (rate * (1.0 - rate) / n + Z * Z / (4.0 * n * n)).sqrt();
    ((middle - half) / scale, (middle + half) / scale)
}

/// SplitMix64 (Steele, Lea and Flood 2014): the same numbers on every machine and in every release.
struct Chance(u64);

impl Chance {
    fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 to `n` - 1; what the widening multiplication favours is less than `n` in 2⁶⁴.
    fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.next()) * n as u128) >> 64) as usize
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
    }

    #[test]
    fn equals_share_their_ranks() {
        assert_eq!(ranks(&[3.0, 1.0, 3.0, 2.0]), [3.5, 1.0, 3.5, 2.0]);
        assert_eq!(ranks(&[5.0, 5.0, 5.0]), [2.0, 2.0, 2.0]);
    }

    #[test]
    fn spearman_is_that_of_the_textbook() {
        // hours of television and IQ: the worked example of Wikipedia's article
        let iq = [106.0, 100.0, 86.0, 101.0, 99.0, 103.0, 97.0, 113.0, 112.0, 110.0];
        let tv = [7.0, 27.0, 2.0, 50.0, 28.0, 29.0, 20.0, 12.0, 6.0, 17.0];
        close(spearman(&iq, &tv).unwrap(), -29.0 / 165.0);
        assert_eq!(spearman(&[1.0, 1.0], &[1.0, 2.0]), None);
        assert_eq!(spearman(&[1.0], &[2.0]), None);
    }

    #[test]
    fn the_shares_of_the_days_add_up_to_the_whole_correlation() {
        let days = [
            Daily { scores: vec![1.0, 5.0, 2.0], returns: vec![0.1, 0.3, -0.2] },
            Daily { scores: vec![4.0], returns: vec![0.2] },
            Daily { scores: vec![-1.0, 0.5], returns: vec![0.15, -0.4] },
        ];
        let scores = [1.0, 5.0, 2.0, 4.0, -1.0, 0.5];
        let returns = [0.1, 0.3, -0.2, 0.2, 0.15, -0.4];
        close(mean(&pooled(&days)), spearman(&scores, &returns).unwrap());
    }

    #[test]
    fn wilson_is_that_of_the_published_example() {
        // 10 of 20, and none of 10: Newcombe 1998
        let (low, high) = wilson(10, 20);
        assert!((low - 0.2993).abs() < 5e-5 && (high - 0.7007).abs() < 5e-5, "{low} {high}");
        let (low, high) = wilson(0, 10);
        assert!(low.abs() < 1e-12 && (high - 0.2775).abs() < 5e-5, "{low} {high}");
    }

    #[test]
    fn without_lags_newey_west_is_the_plain_t() {
        let values = [0.1, -0.2, 0.4, 0.3, 0.0, 0.25];
        let middle = mean(&values);
        let variance = values.iter().map(|v| (v - middle).powi(2)).sum::<f64>() / 6.0;
        close(newey_west_t(&values, 0).unwrap(), middle / (variance / 6.0).sqrt());
        assert_eq!(newey_west_t(&[0.1, 0.1], 0), None);
    }

    #[test]
    fn what_neighbours_have_in_common_makes_a_mean_less_certain() {
        let values: Vec<f64> = (0..60).map(|i| if (i / 5) % 2 == 0 { 0.5 } else { -0.3 }).collect();
        close(newey_west_t(&values, 0).unwrap(), 1.936_491_673_103_709);
        close(newey_west_t(&values, 4).unwrap(), 1.392_715_036_327_889);
    }

    #[test]
    fn equal_seeds_deal_alike_and_others_do_not() {
        let day = Daily { scores: (0..50).map(f64::from).collect(), returns: vec![0.0; 50] };
        let days = [day.clone(), day];
        assert_eq!(shuffled(&days, true, 1), shuffled(&days, true, 1));
        assert_ne!(shuffled(&days, true, 1), shuffled(&days, true, 2));
        for within in [true, false] {
            let dealt = shuffled(&days, within, 3);
            let mut all: Vec<f64> = dealt.iter().flat_map(|d| d.scores.clone()).collect();
            all.sort_by(f64::total_cmp);
            assert_eq!(all.len(), 100);
            assert_eq!((all[0], all[1], all[99]), (0.0, 0.0, 49.0), "nothing is lost");
        }
    }

    #[test]
    fn the_numbers_of_chance_are_the_published_ones() {
        let mut chance = Chance::new(1_234_567);
        let first: Vec<u64> = (0..3).map(|_| chance.next()).collect();
        let published =
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        assert_eq!(first, published);
    }
}
