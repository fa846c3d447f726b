//! Prices: geometric Brownian motion with regimes; news leads the next session's return.

use std::sync::Arc;

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc};
use rand::RngExt;

use super::{Company, PLANTED_IC, World, chance, normal};

/// One session from open to close, before any jump.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Daily {
    open: f64,
    close: f64,
    volume: f64,
}

/// A price move that a control request has ordered; it holds from its minute on.
#[derive(Clone, Debug)]
pub(crate) struct Jump {
    symbol: &'static str,
    session: usize,
    minute: usize,
    factor: f64,
}

/// A session up to now.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bar {
    pub(crate) day: NaiveDate,
    pub(crate) open: f64,
    pub(crate) high: f64,
    pub(crate) low: f64,
    pub(crate) close: f64,
    pub(crate) volume: u64,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Quote {
    pub(crate) bar: Bar,
    pub(crate) previous_close: f64,
}

fn cents(price: f64) -> f64 {
    ((price * 100.0).round() / 100.0).max(0.01)
}

fn regime(seed: u64, symbol: &str, day: NaiveDate) -> (f64, f64) {
    let month = i64::from(day.year()) * 12 + i64::from(day.month0());
    match chance(seed, &format!("regime/{symbol}"), month).random_range(0..10) {
        0..=5 => (0.12, 0.85),
        6..=7 => (0.04, 1.1),
        8 => (-0.15, 1.6),
        _ => (0.30, 1.3),
    }
}

impl World {
    /// The session that has begun last, and the minutes since its opening, at most its length.
    fn moment(&self, now: DateTime<Utc>) -> (usize, usize) {
        let begun = self.calendar.partition_point(|s| s.opens <= now);
        let index = begun.saturating_sub(1);
        let session = &self.calendar[index];
        let minutes = (now.min(session.closes) - session.opens).num_minutes();
        (index, minutes.max(0) as usize)
    }

    /// Moves a price from `now` on; while the exchange is closed, it moves the last close.
    pub(crate) fn jump(&self, company: &'static Company, percent: f64, now: DateTime<Utc>) {
        let (session, minute) = self.moment(now);
        let factor = 1.0 + percent / 100.0;
        self.jumps().push(Jump { symbol: company.symbol, session, minute, factor });
    }

    pub(crate) fn quote(
        &self,
        company: &'static Company,
        now: DateTime<Utc>,
        back: usize,
    ) -> Quote {
        let (newest, minute) = self.moment(now);
        let index = newest - back;
        let minute = if back == 0 { minute } else { usize::MAX };
        let previous_close = self.bar(company, index - 1, usize::MAX).close;
        Quote { bar: self.bar(company, index, minute), previous_close }
    }

    /// The newest completed sessions, newest first.
    pub(crate) fn bars(&self, company: &'static Company, now: DateTime<Utc>, n: usize) -> Vec<Bar> {
        let completed = self.calendar.partition_point(|s| s.closes <= now);
        let wanted = (0..completed).rev().take(n);
        wanted.map(|index| self.bar(company, index, usize::MAX)).collect()
    }

    fn bar(&self, company: &'static Company, index: usize, minute: usize) -> Bar {
        let path = self.path(company, index);
        let last = minute.min(path.len() - 1);
        let mut level = 1.0;
        let mut inside = Vec::new();
        for jump in self.jumps().iter().filter(|j| j.symbol == company.symbol) {
            if jump.session < index {
                level *= jump.factor;
            } else if jump.session == index {
                inside.push((jump.minute, jump.factor));
            }
        }
        let price = |k: usize| {
            let jumped: f64 = inside
                .iter()
                .filter(|(minute, _)| *minute <= k)
                .map(|(_, factor)| factor)
                .product();
            cents(path[k] * level * jumped)
        };
        let (mut low, mut high) = (f64::MAX, f64::MIN);
        for k in 0..=last {
            low = low.min(price(k));
            high = high.max(price(k));
        }
        let whole = self.dailies(company)[index].volume;
        let volume = (whole * (last as f64 + 1.0) / path.len() as f64).round().max(1.0) as u64;
        Bar { day: self.calendar[index].day, open: price(0), high, low, close: price(last), volume }
    }

    /// A session's price by the minute: a bridge from its opening to its close.
    fn path(&self, company: &'static Company, index: usize) -> Arc<Vec<f64>> {
        if let Some(found) = self.memo().paths.get(&(company.symbol, index)) {
            return Arc::clone(found);
        }
        let daily = self.dailies(company)[index];
        let session = &self.calendar[index];
        let minutes = (session.closes - session.opens).num_minutes().max(1) as usize;
        let mut rng = chance(self.seed, &format!("path/{}", company.symbol), day(session.day));
        let step = company.volatility / 252.0_f64.sqrt() * 0.8 / (minutes as f64).sqrt();
        let mut walk = vec![0.0; minutes + 1];
        for k in 1..=minutes {
            walk[k] = walk[k - 1] + step * normal(&mut rng);
        }
        let drift = (daily.close / daily.open).ln();
        let path = (0..=minutes)
            .map(|k| {
                let part = k as f64 / minutes as f64;
                daily.open * (part * drift + walk[k] - part * walk[minutes]).exp()
            })
            .collect();
        let path = Arc::new(path);
        Arc::clone(self.memo().paths.entry((company.symbol, index)).or_insert(path))
    }

    fn dailies(&self, company: &'static Company) -> Arc<Vec<Daily>> {
        if let Some(found) = self.memo().closes.get(company.symbol) {
            return Arc::clone(found);
        }
        let mut price = company.base;
        let mut all = Vec::with_capacity(self.calendar.len());
        for (index, session) in self.calendar.iter().enumerate() {
            let mut rng = chance(self.seed, &format!("price/{}", company.symbol), day(session.day));
            let (drift, stress) = regime(self.seed, company.symbol, session.day);
            let sigma = company.volatility * stress / 252.0_f64.sqrt();
            let noise = (1.0 - PLANTED_IC * PLANTED_IC).sqrt() * normal(&mut rng);
            let shock = PLANTED_IC * self.news_before(company, index) + noise;
            let growth = drift / 252.0 - sigma * sigma / 2.0 + sigma * shock;
            let gap = 0.3 * growth + 0.25 * sigma * normal(&mut rng);
            let open = price * gap.exp();
            price *= growth.exp();
            let busy = (0.25 * normal(&mut rng) + 0.3 * shock.abs()).exp();
            all.push(Daily { open, close: price, volume: company.volume * 1e6 * busy });
        }
        let all = Arc::new(all);
        Arc::clone(self.memo().closes.entry(company.symbol).or_insert(all))
    }

    /// The news between the last two sessions in units of its usual spread; 0 without news.
    fn news_before(&self, company: &Company, index: usize) -> f64 {
        const SPREAD: f64 = 0.55;
        let Some(before) = index.checked_sub(1).map(|i| self.calendar[i].opens) else { return 0.0 };
        let bell = self.calendar[index].opens;
        let (mut sum, mut count) = (0.0, 0.0_f64);
        let mut at = before.date_naive();
        while at <= bell.date_naive() {
            for event in super::news::facts(self.seed, company, at) {
                if (before..bell).contains(&event.at) {
                    sum += event.polarity;
                    count += 1.0;
                }
            }
            at += TimeDelta::days(1);
        }
        if count > 0.0 { sum / (SPREAD * count.sqrt()) } else { 0.0 }
    }
}

fn day(day: NaiveDate) -> i64 {
    i64::from(day.num_days_from_ce())
}

#[cfg(test)]
mod tests {
    use super::super::companies::COMPANIES;
    use super::*;

    #[test]
    fn news_leads_the_next_session_as_strongly_as_planted() {
        let world = World::new(42);
        let (mut xy, mut xx, mut yy) = (0.0, 0.0, 0.0);
        for company in COMPANIES.iter().take(20) {
            let dailies = world.dailies(company);
            for index in 200..dailies.len() {
                let day = world.calendar[index].day;
                let sigma = company.volatility * regime(world.seed, company.symbol, day).1;
                let y = (dailies[index].close / dailies[index - 1].close).ln() / sigma;
                let x = world.news_before(company, index);
                xy += x * y;
                xx += x * x;
                yy += y * y;
            }
        }
        let correlation = xy / (xx * yy).sqrt();
        // About 21,000 pairs: the standard error is 0.007.
        assert!((correlation - PLANTED_IC).abs() < 0.025, "{correlation}");
    }
}
