//! Months of the planner.

#[path = "../examples/month/world.rs"]
mod world;

use chrono::TimeDelta;

use world::{World, at};

#[test]
fn a_month_of_closes_is_known_before_each_open_and_few_calls_are_wasted() {
    for symbols in [5, 10, 20] {
        for delay in [20, 120, 300] {
            let month = World::new(delay).month(symbols);
            let what = format!("{symbols} symbols, {delay} min: {month:?}");
            assert_eq!(month.in_time, month.closes, "{what}");
            assert!(month.wasted_percent() <= 2.0, "{what}");
        }
    }
}

#[test]
fn calls_that_no_close_needs_go_to_the_feed_of_all_symbols() {
    let of = |symbols| World::new(120).month(symbols).topics_a_session();
    assert!(of(5) >= 10.0, "{}", of(5));
    assert!(of(20) >= 2.0, "{}", of(20));
}

#[test]
fn a_halted_symbol_costs_a_call_a_week_and_no_other_symbol_its_close() {
    for delay in [20, 120, 300] {
        let halted_from = Some("2026-09-10".parse().unwrap());
        let month = World { halted_from, ..World::new(delay) }.month(20);
        assert_eq!(month.in_time, month.closes, "{month:?}");
        assert!(month.wasted_percent() <= 3.0, "{delay} min: {month:?}");
    }
}

#[test]
fn an_outage_of_an_evening_is_made_up_before_the_next_open() {
    let outage = Some((at("2026-09-15T20:00:00Z"), at("2026-09-16T01:00:00Z")));
    let month = World { outage, ..World::new(120) }.month(5);
    assert_eq!(month.in_time, month.closes, "{month:?}");
}

#[test]
fn more_symbols_than_calls_take_turns() {
    let month = World::new(120).month(100);
    let share = f64::from(month.in_time) / f64::from(month.closes);
    assert!(share >= 0.2, "{month:?}");
    assert!(month.wasted_percent() <= 2.0, "{month:?}");
}

#[test]
fn a_publication_at_another_hour_each_day_is_followed() {
    let world = World { jitter: TimeDelta::minutes(120), ..World::new(60) };
    let month = world.month(20);
    assert_eq!(month.in_time, month.closes, "{month:?}");
    assert!(month.wasted_percent() <= 4.0, "{month:?}");
}
