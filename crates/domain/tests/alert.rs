//! Alerts, played from events to messages.

use bellwether_domain::alert::{Replay, Script, replay};

/// Plays a script; the rules and events are JSON, the settings are the defaults.
fn play(rules: &str, events: &str, until: &str) -> Replay {
    play_with("{}", rules, events, until)
}

fn play_with(notify: &str, rules: &str, events: &str, until: &str) -> Replay {
    let json =
        format!(r#"{{"rules":[{rules}],"notify":{notify},"events":[{events}],"until":"{until}"}}"#);
    let script: Script = serde_json::from_str(&json).unwrap();
    replay(&script).unwrap()
}

fn price(at: &str, price: f64) -> String {
    let day = &at[..10];
    format!(
        r#"{{"at":"{at}","do":"observe","symbol":"ACME","trading_day":"{day}","values":{{"price":{price},"previous_close":100}}}}"#
    )
}

fn events(list: &[String]) -> String {
    list.join(",")
}

fn transitions(replay: &Replay) -> Vec<String> {
    replay
        .transitions
        .iter()
        .map(|t| format!("{} {} {}", t.at.format("%dT%H:%M:%S"), t.to.as_str(), t.episode))
        .collect()
}

fn messages(replay: &Replay) -> Vec<String> {
    replay
        .notifications
        .iter()
        .map(|n| format!("{} {:?} {}", n.at.format("%dT%H:%M:%S"), n.kind, n.episode))
        .collect()
}

const ABOVE: &str = r#"{"id":"r1","kind":"price_cross","symbol":"ACME",
    "fire":{"metric":"price","op":">=","value":100},
    "recover":{"metric":"price","op":"<","value":98},"for_s":600,"on_no_data":"keep"}"#;
const CROSS: &str = r#"{"id":"r1","kind":"price_cross","symbol":"ACME",
    "fire":{"metric":"price","op":">=","value":100}}"#;
const BANDS: &str = r#"{"id":"r1","kind":"price_change","symbol":"ACME","bands":[5,10,15],
    "on_gap":"highest","resets":"trading_day"}"#;

#[test]
fn the_documented_example_gives_what_it_says() {
    let list = [
        price("2026-11-23T15:00:00Z", 101.0),
        price("2026-11-23T15:10:00Z", 100.5),
        price("2026-11-23T15:20:00Z", 97.0),
    ];
    let played = play(ABOVE, &events(&list), "2026-11-23T16:00:00Z");
    assert_eq!(
        transitions(&played),
        ["23T15:00:00 pending 1", "23T15:10:00 firing 1", "23T15:20:00 resolved 1"]
    );
    assert_eq!(messages(&played), ["23T15:10:30 Firing 1", "23T15:20:30 Resolved 1"]);
}

#[test]
fn a_pending_alert_that_recovers_comes_to_nothing() {
    let list = [price("2026-11-23T15:00:00Z", 101.0), price("2026-11-23T15:05:00Z", 99.0)];
    let played = play(ABOVE, &events(&list), "2026-11-23T16:00:00Z");
    assert_eq!(transitions(&played), ["23T15:00:00 pending 1", "23T15:05:00 inactive 1"]);
    assert!(played.notifications.is_empty());
}

#[test]
fn a_cross_must_have_seen_the_near_side() {
    let list = [
        price("2026-11-23T15:00:00Z", 101.0),
        price("2026-11-23T15:10:00Z", 99.0),
        price("2026-11-23T15:20:00Z", 100.0),
    ];
    let played = play(CROSS, &events(&list), "2026-11-23T15:30:00Z");
    assert_eq!(transitions(&played), ["23T15:20:00 firing 1"]);
}

#[test]
fn a_value_that_comes_back_restarts_keep_firing() {
    let rule = r#"{"id":"r1","kind":"sentiment_shift","symbol":"ACME","keep_firing_for_s":600,
        "fire":{"metric":"s_24h","op":"<=","value":-0.3}}"#;
    let s = |at: &str, s: f64| {
        format!(r#"{{"at":"{at}","do":"observe","symbol":"ACME","values":{{"s_24h":{s}}}}}"#)
    };
    let list = [
        s("2026-11-23T15:00:00Z", -0.4),
        s("2026-11-23T15:01:00Z", 0.0),
        s("2026-11-23T15:08:00Z", -0.5),
        s("2026-11-23T15:09:00Z", 0.0),
    ];
    let played = play(rule, &events(&list), "2026-11-23T16:00:00Z");
    assert_eq!(transitions(&played), ["23T15:00:00 firing 1", "23T15:19:00 resolved 1"]);
}

#[test]
fn bands_fire_once_a_day_and_direction_and_a_gap_tells_the_highest() {
    let list = [
        price("2026-11-23T15:00:00Z", 94.0),
        price("2026-11-23T15:10:00Z", 96.0),
        price("2026-11-23T15:20:00Z", 94.5),
        price("2026-11-23T15:30:00Z", 84.0),
        price("2026-11-23T15:40:00Z", 89.0),
        price("2026-11-23T15:50:00Z", 106.0),
        price("2026-11-24T15:00:00Z", 94.0),
    ];
    let played = play(BANDS, &events(&list), "2026-11-24T15:30:00Z");
    let keys: Vec<_> = played
        .transitions
        .iter()
        .filter(|t| t.to.as_str() == "firing")
        .filter_map(|t| t.key.as_deref())
        .collect();
    assert_eq!(
        keys,
        ["2026-11-23/down/5", "2026-11-23/down/15", "2026-11-23/up/5", "2026-11-24/down/5"]
    );
    let ends: Vec<_> = played.transitions.iter().filter(|t| t.to.as_str() == "resolved").collect();
    assert_eq!(ends.len(), 3);
    assert!(ends.iter().all(|t| t.silent && t.at.to_rfc3339() == "2026-11-23T21:00:00+00:00"));
    assert!(messages(&played).iter().all(|m| !m.contains("Resolved")));
}

#[test]
fn a_weekend_of_unchanged_prices_raises_nothing() {
    let mut list = vec![
        r#"{"at":"2026-11-20T20:00:00Z","do":"observe","symbol":"ACME","trading_day":"2026-11-20","values":{"price":94,"previous_close":100}}"#
            .to_owned(),
    ];
    for hour in 0..48 {
        let at = format!("2026-11-{:02}T{:02}:00:00Z", 21 + hour / 24, hour % 24);
        list.push(format!(
            r#"{{"at":"{at}","do":"observe","symbol":"ACME","trading_day":"2026-11-20","values":{{"price":94,"previous_close":100}}}}"#
        ));
    }
    let stale =
        r#"{"id":"r2","kind":"data_stale","symbol":"ACME","max_age_s":7200,"calendar":"NYSE"}"#;
    let rules = format!("{BANDS},{stale}");
    let played = play(&rules, &events(&list), "2026-11-23T14:29:00Z");
    assert_eq!(transitions(&played), ["20T20:00:00 firing 1", "20T21:00:00 resolved 1"]);
}

#[test]
fn a_move_of_the_newest_session_fires_at_the_weekend_and_not_after_the_next_open() {
    let fall = |at: &str| {
        format!(
            r#"{{"at":"{at}","do":"observe","symbol":"ACME","trading_day":"2026-11-20","values":{{"price":88,"previous_close":100}}}}"#
        )
    };
    let sunday = fall("2026-11-22T18:00:00Z");
    let again = fall("2026-11-22T20:00:00Z");
    let played = play(BANDS, &events(&[sunday, again]), "2026-11-23T12:00:00Z");
    assert_eq!(transitions(&played), ["22T18:00:00 firing 1", "23T05:00:00 resolved 1"]);
    let monday = fall("2026-11-23T14:31:00Z");
    assert!(play(BANDS, &monday, "2026-11-23T16:00:00Z").transitions.is_empty());
}

#[test]
fn a_suspicious_move_is_held_until_the_split_is_known_or_it_is_released() {
    let fall = price("2026-11-23T15:00:00Z", 24.0);
    let split = r#"{"at":"2026-11-23T15:10:00Z","do":"split","symbol":"ACME","effective":"2026-11-23","factor":4}"#;
    let release = r#"{"at":"2026-11-23T15:10:00Z","do":"release","symbol":"ACME"}"#;
    let held = play(BANDS, &fall, "2026-11-23T16:00:00Z");
    assert!(held.transitions.is_empty());
    let known = play(BANDS, &format!("{fall},{split}"), "2026-11-23T16:00:00Z");
    assert!(known.transitions.is_empty(), "96 against 100 is no band");
    let released = play(BANDS, &format!("{fall},{release}"), "2026-11-23T16:00:00Z");
    assert_eq!(released.transitions[0].key.as_deref(), Some("2026-11-23/down/15"));
    assert_eq!(released.transitions.len(), 1);
}

#[test]
fn staleness_counts_session_time_only() {
    let rule =
        r#"{"id":"r1","kind":"data_stale","symbol":"ACME","max_age_s":7200,"calendar":"NYSE"}"#;
    // Wednesday's close, Thanksgiving, and the half day: it is stale two hours after Friday's open.
    let last = price("2026-11-25T21:00:00Z", 100.0);
    let played = play(rule, &last, "2026-11-30T00:00:00Z");
    assert_eq!(transitions(&played), ["27T16:30:00 firing 1"]);
    let fresh = [last, price("2026-11-27T15:00:00Z", 101.0), price("2026-11-27T17:30:00Z", 101.0)];
    let played = play(rule, &events(&fresh), "2026-11-29T00:00:00Z");
    assert_eq!(transitions(&played), ["27T17:00:00 firing 1", "27T17:30:00 resolved 1"]);
}

#[test]
fn no_data_does_what_the_rule_says() {
    let rule = |policy: &str| ABOVE.replace("\"keep\"", &format!("\"{policy}\""));
    let silent = r#"{"at":"2026-11-23T15:05:00Z","do":"no_data","symbol":"ACME"}"#.to_owned();
    let list = [price("2026-11-23T15:00:00Z", 101.0), silent.clone()];
    let until = "2026-11-23T15:30:00Z";
    let kept = play(&rule("keep"), &events(&list), until);
    assert_eq!(transitions(&kept), ["23T15:00:00 pending 1"]);
    let resolved = play(&rule("resolve"), &events(&list), until);
    assert_eq!(transitions(&resolved), ["23T15:00:00 pending 1", "23T15:05:00 inactive 1"]);
    let fired = play(&rule("fire"), &silent, until);
    assert_eq!(transitions(&fired), ["23T15:05:00 pending 1", "23T15:15:00 firing 1"]);
    assert_eq!(fired.transitions[0].reason.as_deref(), Some("no_data"));
}

/// Fires at 15:10 and stays.
fn standing() -> Vec<String> {
    vec![price("2026-11-23T15:00:00Z", 99.0), price("2026-11-23T15:10:00Z", 101.0)]
}

#[test]
fn repeats_are_sent_until_an_acknowledgement() {
    let played = play(CROSS, &events(&standing()), "2026-11-24T00:00:00Z");
    assert_eq!(
        messages(&played),
        ["23T15:10:30 Firing 1", "23T19:10:30 Repeat 1", "23T23:10:30 Repeat 1"]
    );
    let mut list = standing();
    list.push(r#"{"at":"2026-11-23T20:00:00Z","do":"acknowledge","rule":"r1","by":"ann"}"#.into());
    list.push(price("2026-11-24T00:30:00Z", 99.0));
    let played = play(CROSS, &events(&list), "2026-11-24T12:00:00Z");
    assert_eq!(
        messages(&played),
        ["23T15:10:30 Firing 1", "23T19:10:30 Repeat 1", "24T00:30:30 Resolved 1"]
    );
}

#[test]
fn a_snooze_ends_with_the_next_repeat_or_with_nothing() {
    let mut list = standing();
    list.push(
        r#"{"at":"2026-11-23T16:00:00Z","do":"snooze","rule":"r1","until":"2026-11-23T22:00:00Z"}"#
            .into(),
    );
    let played = play(CROSS, &events(&list), "2026-11-23T23:00:00Z");
    assert_eq!(messages(&played), ["23T15:10:30 Firing 1", "23T22:00:00 Repeat 1"]);
    list.push(price("2026-11-23T18:00:00Z", 99.0));
    let played = play(CROSS, &events(&list), "2026-11-23T23:00:00Z");
    assert_eq!(messages(&played), ["23T15:10:30 Firing 1"]);
}

#[test]
fn an_alert_resolved_under_a_silence_and_fired_again_notifies() {
    let mut list = standing();
    list.push(r#"{"at":"2026-11-23T16:00:00Z","do":"silence","until":"2026-11-23T17:00:00Z","matcher":{"symbol":"ACME"},"comment":"known"}"#.into());
    list.push(price("2026-11-23T16:30:00Z", 99.0));
    list.push(price("2026-11-23T16:40:00Z", 101.0));
    let played = play(CROSS, &events(&list), "2026-11-23T18:00:00Z");
    assert_eq!(
        transitions(&played),
        ["23T15:10:00 firing 1", "23T16:30:00 resolved 1", "23T16:40:00 firing 2"]
    );
    assert_eq!(messages(&played), ["23T15:10:30 Firing 1", "23T17:00:00 Firing 2"]);
}

#[test]
fn quiet_hours_defer_and_what_passed_inside_them_is_a_line_of_the_next_message() {
    let quiet = r#"{"quiet_hours":{"from":"22:00","to":"07:00","tz":"America/New_York"}}"#;
    let list = [
        price("2026-11-23T20:00:00Z", 99.0),
        price("2026-11-24T04:00:00Z", 101.0),
        price("2026-11-24T05:00:00Z", 99.0),
        price("2026-11-24T06:00:00Z", 101.0),
    ];
    let played = play_with(quiet, CROSS, &events(&list), "2026-11-24T13:00:00Z");
    assert_eq!(messages(&played), ["24T12:00:00 Firing 2"]);
    let digest = &played.notifications[0].digest;
    assert_eq!((digest.len(), digest[0].episode), (1, 1));
}

#[test]
fn an_episode_over_before_the_group_wait_sends_nothing() {
    let mut list = standing();
    list.push(price("2026-11-23T15:10:20Z", 99.0));
    let played = play(CROSS, &events(&list), "2026-11-23T16:00:00Z");
    assert!(messages(&played).is_empty());
    assert_eq!(played.transitions.len(), 2);
}

#[test]
fn alerts_of_one_symbol_travel_together_and_an_interval_apart() {
    let lower = CROSS.replace("r1", "r2").replace("100", "99.5");
    let rules = format!("{CROSS},{lower}");
    let mut list = standing();
    list.push(price("2026-11-23T15:11:00Z", 99.0));
    let played = play(&rules, &events(&list), "2026-11-23T16:00:00Z");
    assert_eq!(played.notifications[0].rules, ["r1", "r2"]);
    assert_eq!(messages(&played), ["23T15:10:30 Firing 1", "23T15:15:30 Resolved 1"]);
}

#[test]
fn state_survives_storage_at_every_point() {
    use bellwether_domain::alert::{Event, Rule, State, Values, step};
    let rule: Rule = serde_json::from_str(BANDS).unwrap();
    let at = |m: u32| format!("2026-11-23T15:{m:02}:00Z").parse().unwrap();
    let mut kept = State::new(&rule, None, at(0));
    let mut stored = kept.clone();
    for (minute, price) in [(1, 94.0), (2, 89.0), (3, 40.0), (4, 84.0)] {
        let values: Values =
            serde_json::from_value(serde_json::json!({"price": price, "previous_close": 100}))
                .unwrap();
        let event = Event::Observe { trading_day: None, values };
        let json = serde_json::to_string(&stored).unwrap();
        let (a, told) = step(kept, &rule, &event, at(minute));
        let (b, told_again) = step(serde_json::from_str(&json).unwrap(), &rule, &event, at(minute));
        assert_eq!((&a, told), (&b, told_again));
        (kept, stored) = (a, b);
    }
    assert_eq!(kept.episodes, 3);
}

#[test]
fn a_change_from_one_strong_label_to_the_other_is_another_episode() {
    let rule = r#"{"id":"r1","kind":"signal_enter"}"#;
    let label = |minute: u32, label: &str| {
        format!(
            r#"{{"at":"2026-11-23T15:{minute:02}:00Z","do":"observe","symbol":"ACME","values":{{"label":"{label}"}}}}"#
        )
    };
    let list =
        [label(0, "BUY"), label(1, "STRONG_BUY"), label(2, "STRONG_BUY"), label(3, "STRONG_SELL")];
    let played = play(rule, &events(&list), "2026-11-23T15:03:10Z");
    assert_eq!(
        transitions(&played),
        ["23T15:01:00 firing 1", "23T15:03:00 resolved 1", "23T15:03:00 firing 2"]
    );
}
