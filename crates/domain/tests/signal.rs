//! The composite signal: its golden vector, its edges, and what holds for any input.

use bellwether_domain::SignalLabel;
use bellwether_domain::signal::{ClusterInput, Inputs, State, derive, slope};
use proptest::prelude::*;

fn cluster(id: i64, s: f64, r: f64, kappa: f64, q: f64, age_h: f64) -> ClusterInput {
    ClusterInput { id, s, r, kappa, q, k: 0, age_h, source: format!("source {id}") }
}

fn golden() -> Inputs {
    let close = |i: i32| {
        let i = f64::from(i);
        100.0 * (0.001 * i + 0.01 * (i / 3.0).sin()).exp()
    };
    Inputs {
        closes: (0..=90).map(close).collect(),
        clusters: vec![
            cluster(1, 0.8, 0.9, 0.8, 1.0, 2.0),
            cluster(2, 0.4, 0.6, 0.7, 0.75, 10.0),
            cluster(3, -0.6, 1.0, 0.6, 0.5, 30.0),
        ],
        price_fresh: true,
        previous: None,
    }
}

fn close_to(found: Option<f64>, expected: f64) {
    let found = found.unwrap();
    assert!((found - expected).abs() < 1e-6, "{found} is not {expected}");
}

#[test]
fn the_golden_vector_is_reproduced() {
    let t = derive(&golden());
    assert_eq!(t.state, State::Ok);
    close_to(t.sigma, 0.002_327_97);
    close_to(t.m, 0.741_487);
    close_to(t.t, 0.877_039);
    close_to(t.d, 0.203_492);
    close_to(t.rsi, 58.560_904);
    assert_eq!(t.k, Some(0.0));
    close_to(t.p, 0.593_627);
    close_to(Some(t.w), 1.041_707);
    close_to(Some(t.s), 0.364_780);
    close_to(t.c, 0.502_088);
    assert_eq!(t.label, Some(SignalLabel::StrongBuy));
}

#[test]
fn fifty_closes_are_too_few_and_say_so() {
    let mut inputs = golden();
    inputs.closes.truncate(50);
    let t = derive(&inputs);
    assert_eq!((t.state, t.c, t.p, t.label), (State::InsufficientData, None, None, None));
    close_to(Some(t.s), 0.364_780);
    inputs.closes.push(101.0);
    assert_eq!(derive(&inputs).state, State::Ok);
}

#[test]
fn a_price_that_never_moved_is_neutral() {
    let t = derive(&Inputs { closes: vec![100.0; 60], price_fresh: true, ..Inputs::default() });
    assert_eq!((t.p, t.rsi, t.sigma), (Some(0.0), Some(50.0), Some(0.0)));
    assert_eq!(t.label, Some(SignalLabel::Hold));
}

#[test]
fn a_first_move_after_stillness_is_the_limit() {
    let mut closes = vec![100.0; 60];
    closes.push(101.0);
    let t = derive(&Inputs { closes, price_fresh: true, ..Inputs::default() });
    assert_eq!((t.d, t.m, t.rsi), (Some(1.0), Some(1.0), Some(100.0)));
}

#[test]
fn five_per_cent_without_news_is_no_strong_buy() {
    let mut closes: Vec<f64> = (0..80).map(|i| 100.0 + f64::from(i % 5)).collect();
    let last = closes[79];
    closes.push(last * 1.0501);
    let t = derive(&Inputs { closes, price_fresh: true, ..Inputs::default() });
    assert_ne!(t.label, Some(SignalLabel::StrongBuy));
    assert!(t.p > Some(0.0));
}

#[test]
fn only_the_newest_250_closes_are_read() {
    let mut inputs = golden();
    let tail: Vec<f64> = (0..250).map(|i| 100.0 + (f64::from(i) / 7.0).sin()).collect();
    inputs.closes = tail.clone();
    let short = derive(&inputs);
    inputs.closes = [vec![1.0, 900.0, 3.0], tail].concat();
    assert_eq!(derive(&inputs), short);
    assert_eq!(short.window, 250);
}

#[test]
fn news_too_old_too_early_or_too_remote_weighs_nothing() {
    let alone = |r, age_h| {
        let clusters = vec![cluster(1, 1.0, r, 1.0, 1.0, age_h)];
        derive(&Inputs { clusters, ..Inputs::default() }).w
    };
    assert!(alone(1.0, 72.0) > 0.0);
    assert_eq!(alone(1.0, 72.001), 0.0);
    assert_eq!(alone(1.0, -0.001), 0.0);
    assert!(alone(0.35, 1.0) > 0.0);
    assert_eq!(alone(0.349, 1.0), 0.0);
}

#[test]
fn five_clusters_of_a_source_count_the_heaviest() {
    let mut clusters: Vec<ClusterInput> =
        (0..8).map(|n| cluster(n, 1.0, 1.0, 0.1 * n as f64, 1.0, 1.0)).collect();
    for c in &mut clusters {
        c.source = "one".to_owned();
    }
    let t = derive(&Inputs { clusters, ..Inputs::default() });
    let ids: Vec<i64> = t.contributions.iter().map(|c| c.id).collect();
    assert_eq!(ids, [3, 4, 5, 6, 7]);
}

#[test]
fn a_slope_is_per_day() {
    assert_eq!(slope(&[-0.1, -0.2, -0.3]).map(|s| (s * 1e9).round() / 1e9), Some(-0.1));
    assert_eq!(slope(&[0.5]), None);
}

#[test]
fn what_the_formula_would_ignore_is_named() {
    let mut inputs = golden();
    assert_eq!(inputs.check(), Ok(()));
    inputs.closes[3] = -1.0;
    assert!(inputs.check().unwrap_err().to_string().contains("closes[3]"));
    assert_eq!(derive(&inputs).state, State::InsufficientData);
}

prop_compose! {
    fn any_cluster()(
        id in 0..50_i64,
        s in -1.0..=1.0,
        r in 0.0..=1.0,
        kappa in 0.0..=1.0,
        q in 0.0..=1.0,
        k in 0..6_u32,
        age_h in -5.0..100.0,
        source in 0..4_u8,
    ) -> ClusterInput {
        ClusterInput { id, s, r, kappa, q, k, age_h, source: source.to_string() }
    }
}

proptest! {
    #[test]
    fn every_score_keeps_its_bounds(
        closes in prop::collection::vec(0.01..10_000.0, 51..300),
        clusters in prop::collection::vec(any_cluster(), 0..30),
        price_fresh: bool,
    ) {
        let t = derive(&Inputs { closes, clusters, price_fresh, previous: None });
        for x in [t.p.unwrap(), t.c.unwrap(), t.s, t.m.unwrap(), t.t.unwrap(), t.d.unwrap()] {
            prop_assert!((-1.0..=1.0).contains(&x));
        }
        prop_assert!((0.0..=1.0).contains(&t.q));
        prop_assert!((0.0..=100.0).contains(&t.rsi.unwrap()));
    }

    #[test]
    fn the_order_of_clusters_changes_nothing(
        clusters in prop::collection::vec(any_cluster(), 0..30).prop_shuffle(),
    ) {
        let inputs = Inputs { clusters, ..golden() };
        let mut turned = inputs.clone();
        turned.clusters.reverse();
        prop_assert!((derive(&inputs).c.unwrap() - derive(&turned).c.unwrap()).abs() <= 1e-12);
        turned.clusters.sort_by_key(|c| c.id);
        prop_assert!((derive(&inputs).s - derive(&turned).s).abs() <= 1e-12);
    }

    #[test]
    fn no_number_whatever_breaks_it(
        closes in prop::collection::vec(any::<f64>(), 0..80),
        s in any::<f64>(),
        age_h in any::<f64>(),
    ) {
        let clusters = vec![cluster(1, s, 1.0, 1.0, 1.0, age_h)];
        let t = derive(&Inputs { closes, clusters, price_fresh: true, previous: None });
        prop_assert!(t.s.is_finite() && t.q.is_finite());
        prop_assert!(t.c.is_none_or(f64::is_finite));
    }
}
