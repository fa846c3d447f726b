//! Evaluations of planted signals, whose quality is known.

use bellwether_domain::{
    SignalLabel, Symbol, calendar,
    evaluation::{CROSS_SECTION, Day, LEAST_POINTS, Point, Report, evaluate, returns},
};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

/// A plain generator of its own, so that the test does not share the product's.
struct Dice(u64);

impl Dice {
    fn uniform(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * self.uniform().ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }
}

fn symbol(no: usize) -> Symbol {
    format!("S{no}").parse().unwrap()
}

fn sessions(n: usize) -> Vec<calendar::Session> {
    let first: NaiveDate = "2024-01-02".parse().unwrap();
    first.iter_days().filter_map(calendar::session).take(n).collect()
}

fn label(score: f64) -> SignalLabel {
    match score {
        s if s >= 0.45 => SignalLabel::StrongBuy,
        s if s >= 0.25 => SignalLabel::Buy,
        s if s <= -0.45 => SignalLabel::StrongSell,
        s if s <= -0.25 => SignalLabel::Sell,
        _ => SignalLabel::Hold,
    }
}

/// `correlation` is between the score before a session and the return within it.
fn planted(symbols: usize, days: usize, correlation: f64, seed: u64) -> Vec<Point> {
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9).max(1));
    for _ in 0..20 {
        dice.uniform();
    }
    let rest = (1.0 - correlation * correlation).sqrt();
    let mut points = Vec::new();
    for session in sessions(days) {
        for no in 0..symbols {
            let news = dice.normal();
            let after = 0.018 * (correlation * news + rest * dice.normal());
            let score = (news / 3.0).tanh();
            points.push(point(no, session, score, after));
        }
    }
    points
}

fn point(no: usize, session: calendar::Session, score: f64, after: f64) -> Point {
    let at = session.opens - TimeDelta::hours(1);
    Point {
        symbol: symbol(no),
        day: session.day,
        opens: session.opens,
        at,
        available_at: Some(at - TimeDelta::hours(1)),
        label: Some(label(score)),
        c: Some(score),
        p: Some(-score),
        s: 0.0,
        returns: [Some(after), None, None],
    }
}

fn excludes_zero(low: Option<f64>, high: Option<f64>) -> bool {
    low.unwrap() > 0.0 || high.unwrap() < 0.0
}

#[test]
fn a_planted_coefficient_is_found_and_a_placebo_finds_none() {
    let (mut covered, mut placebos) = (0, 0);
    for seed in 1..=20 {
        let report = evaluate(&planted(20, 500, 0.05, seed), seed);
        let next = &report.horizons[0];
        assert_eq!((next.composite.method, next.composite.points), ("cross_section", 10_000));
        let (low, high) = (next.composite.low.unwrap(), next.composite.high.unwrap());
        covered += usize::from(low <= 0.05 && 0.05 <= high && low > 0.0);
        placebos += usize::from(excludes_zero(next.placebo.low, next.placebo.high));
        let mirrored = next.price.mean.unwrap() + next.composite.mean.unwrap();
        assert!(mirrored.abs() < 1e-12, "P is the score turned round");
        assert_eq!(next.sentiment.days, 0, "a score that never varies ranks nothing");
    }
    assert!(covered >= 16, "{covered} of 20 intervals cover 0.05 and exclude 0");
    assert!(placebos <= 2, "{placebos} of 20 placebos exclude 0");
}

#[test]
fn few_symbols_are_ranked_together() {
    let report = evaluate(&planted(5, 1_000, 0.1, 7), 1);
    let next = &report.horizons[0].composite;
    assert_eq!((next.method, next.points, next.days), ("pooled", 5_000, 1_000));
    let (low, high) = (next.low.unwrap(), next.high.unwrap());
    assert!(low <= 0.1 && 0.1 <= high && low > 0.0, "{low} {high}");
    assert!(next.t.unwrap() > 4.0, "{next:?}");
    let placebo = &report.horizons[0].placebo;
    assert!(placebo.mean.unwrap().abs() < 0.04, "{placebo:?}");
}

#[test]
fn labels_that_are_worth_something_hit_more_often_than_not() {
    let report = evaluate(&planted(20, 500, 0.3, 3), 1);
    let next = &report.horizons[0];
    let row = |label| next.labels.iter().find(|row| row.label == label).unwrap();
    let strong = row(SignalLabel::StrongBuy);
    assert!(strong.low.unwrap() > 0.55, "{strong:?}");
    assert!(strong.mean_return.unwrap() > row(SignalLabel::Hold).mean_return.unwrap());
    assert_eq!(row(SignalLabel::Hold).hit_rate, None, "HOLD says nothing of the way");
    assert!(row(SignalLabel::StrongSell).hit_rate.unwrap() > 0.55);
    assert_eq!(next.deciles.len(), 10);
    let (worst, best) = (&next.deciles[0], &next.deciles[9]);
    assert!(best.mean_return > 0.005 && worst.mean_return < -0.005, "{:?}", next.deciles);
    assert_eq!(report.coverage, Some(1.0));
    assert!(report.turnover.unwrap() > 0.5, "scores are dealt anew each day");
}

#[test]
fn below_400_points_there_is_no_number() {
    let points = planted(20, 19, 0.3, 1);
    assert!(points.len() < LEAST_POINTS);
    let report = evaluate(&points, 1);
    assert!(!report.says_something());
    let next = &report.horizons[0];
    assert_eq!((next.composite.mean, next.composite.low, next.buy_and_hold), (None, None, None));
    assert_eq!(next.composite.points, 380, "how much there is, is told");
    assert!(next.deciles.is_empty());
    assert!(next.labels.iter().all(|row| row.hit_rate.is_none() && row.mean_return.is_none()));
    assert!(evaluate(&planted(20, 20, 0.3, 1), 1).says_something());
    assert!(!evaluate(&[], 1).says_something());
}

#[test]
fn what_knew_too_much_is_left_out_and_named() {
    let mut points = planted(CROSS_SECTION, 60, 0.0, 1);
    points[5].available_at = Some(points[5].at + TimeDelta::seconds(1));
    points[9].at = points[9].opens;
    points[11].available_at = None;
    let report = evaluate(&points, 1);
    assert_eq!(report.points, points.len() - 2);
    assert_eq!(report.look_ahead.len(), 2);
    assert_eq!(report.look_ahead[0].symbol, points[5].symbol);
    assert_eq!(report.look_ahead[0].reason, "read something that was not known yet");
}

/// News of a session moves that session. Read after it, the signal is worth nothing for the next
/// one; moved back by a day it knows the answer.
#[test]
fn a_look_ahead_of_one_day_shows_as_a_jump() {
    let days = sessions(201);
    let mut dice = Dice(99);
    let news: Vec<Vec<f64>> =
        days.iter().map(|_| (0..20).map(|_| dice.normal()).collect()).collect();
    let (mut honest, mut early, mut claimed) = (Vec::new(), Vec::new(), Vec::new());
    for (pair, session) in news.windows(2).zip(&days[1..]) {
        for (no, (before, now)) in pair[0].iter().zip(&pair[1]).enumerate() {
            let after = 0.01 * (now + dice.normal());
            honest.push(point(no, *session, before / 4.0, after));
            let shifted = point(no, *session, now / 4.0, after);
            early.push(Point { available_at: Some(session.closes), ..shifted.clone() });
            claimed.push(shifted);
        }
    }
    let found = |report: &Report| report.horizons[0].composite.mean.unwrap();
    let jump = found(&evaluate(&claimed, 1)) - found(&evaluate(&honest, 1));
    assert!(jump > 0.2, "{jump}");
    let refused = evaluate(&early, 1);
    assert_eq!((refused.points, refused.look_ahead.len()), (0, early.len()));
}

#[test]
fn the_order_of_points_changes_nothing_and_the_seed_only_chance() {
    let points = planted(12, 80, 0.2, 5);
    let mut turned = points.clone();
    turned.reverse();
    assert_eq!(evaluate(&points, 1), evaluate(&turned, 1));
    let (one, two) = (evaluate(&points, 1), evaluate(&points, 2));
    assert_eq!(one.horizons[0].composite.mean, two.horizons[0].composite.mean);
    assert_ne!(one.horizons[0].placebo.mean, two.horizons[0].placebo.mean);
}

fn prices(closes: &[(&str, f64, f64)]) -> Vec<Day> {
    let day = |(day, open, close): &(&str, f64, f64)| Day {
        day: day.parse().unwrap(),
        open: *open,
        close: *close,
    };
    closes.iter().map(day).collect()
}

#[test]
fn returns_run_from_an_open_to_the_close_so_many_sessions_on() {
    // Thanksgiving is between the first and the last
    let days = prices(&[
        ("2026-11-23", 100.0, 101.0),
        ("2026-11-24", 101.0, 102.0),
        ("2026-11-25", 102.0, 103.0),
        ("2026-11-27", 103.0, 104.0),
        ("2026-11-30", 104.0, 110.0),
    ]);
    let [one, five, twenty] = returns(&days, days[0].day);
    assert!((one.unwrap() - 1.01_f64.ln()).abs() < 1e-12);
    assert!((five.unwrap() - 1.10_f64.ln()).abs() < 1e-12);
    assert_eq!(twenty, None, "it has not come yet");
    assert_eq!(returns(&days, "2026-11-26".parse().unwrap()), [None; 3], "no session, no return");
}

#[test]
fn a_return_across_what_may_be_a_split_is_none() {
    let days = prices(&[
        ("2026-11-23", 100.0, 101.0),
        ("2026-11-24", 50.5, 50.0),
        ("2026-11-25", 50.0, 51.0),
        ("2026-11-27", 51.0, 52.0),
        ("2026-11-30", 52.0, 53.0),
    ]);
    let [one, five, _] = returns(&days, days[0].day);
    assert!(one.is_some());
    assert_eq!(five, None);
}

#[test]
fn coverage_counts_the_sessions_without_a_signal() {
    let mut points = planted(2, 10, 0.0, 1);
    points.truncate(18);
    points.extend(planted(2, 12, 0.0, 1).into_iter().skip(22));
    let at: DateTime<Utc> = points[0].at;
    points[0].at = at - TimeDelta::minutes(1);
    let report = evaluate(&points, 1);
    assert_eq!((report.points, report.symbols), (20, 2));
    assert_eq!(report.coverage, Some(20.0 / 24.0));
}
