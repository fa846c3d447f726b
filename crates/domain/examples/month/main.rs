//! Prints what a month of planned closes comes to, for several watchlists and publication times:
//! `just rehearse month`.

mod world;

use world::{Month, World, at};

fn main() {
    println!(
        "| symbols | closes published after | known by the next open | calls a session | of them without news | feed calls a session |"
    );
    println!("|---|---|---|---|---|---|");
    for symbols in [5, 10, 20, 25, 100] {
        for (minutes, words) in [(20, "20 min"), (120, "2 h"), (300, "5 h")] {
            print(symbols, words, &World::new(minutes).month(symbols));
        }
    }
    let halted_from = Some("2026-09-10".parse().expect("a day"));
    let halted = World { halted_from, ..World::new(120) };
    print(20, "2 h, one symbol halted", &halted.month(20));
    let outage = Some((at("2026-09-15T20:00:00Z"), at("2026-09-16T01:00:00Z")));
    let outage = World { outage, ..World::new(120) };
    print(20, "2 h, one evening of outage", &outage.month(20));
    let jitter = chrono::TimeDelta::minutes(120);
    let varying = World { jitter, ..World::new(60) };
    print(20, "1 to 3 h, by the day", &varying.month(20));
}

fn print(symbols: usize, published: &str, month: &Month) {
    println!(
        "| {symbols} | {published} | {:.0} % | {:.1} | {:.1} % | {:.1} |",
        100.0 * f64::from(month.in_time) / f64::from(month.closes),
        f64::from(month.calls) / f64::from(month.sessions),
        month.wasted_percent(),
        month.topics_a_session(),
    );
}
