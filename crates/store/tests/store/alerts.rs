//! Rules, their memory and their episodes.

use bellwether_domain::alert as engine;
use bellwether_store::alert::{NewAlert, Severity, State};
use bellwether_store::rule::NewRule;
use bellwether_store::{alert, alert_state, rule};
use bellwether_testing::at;
use serde_json::json;
use sqlx::PgPool;

use crate::{hours, knowing, symbol};

async fn any_rule(pool: &PgPool) -> i64 {
    let new =
        NewRule::new(&engine::Rule::new("mine", engine::Kind::SignalEnter), Severity::Warning);
    rule::add(pool, &new).await.unwrap().unwrap()
}

fn episode(rule_id: i64, about: Option<&str>, number: i32, firing: bool) -> NewAlert {
    NewAlert {
        rule_id,
        symbol: about.map(symbol),
        key: String::new(),
        episode: number,
        kind: "signal_enter".to_owned(),
        severity: Severity::Warning,
        title: "AAPL entered STRONG_BUY".to_owned(),
        detail: json!({"c": 0.5}),
        at: at("2026-11-20T12:00:00Z"),
        firing,
    }
}

#[tokio::test]
async fn the_default_rules_are_seeded_once_and_stay_switched_off() {
    let db = knowing(&[]).await;
    let mut conn = db.pool().acquire().await.unwrap();
    let all = rule::defaults().len();
    assert_eq!(rule::seed(&mut conn).await.unwrap(), all);
    assert_eq!(rule::seed(&mut conn).await.unwrap(), 0);
    let known = rule::list(&mut *conn).await.unwrap();
    assert_eq!(known.len(), all);
    for default in &known {
        let definition: engine::Rule = serde_json::from_value(default.definition.clone()).unwrap();
        assert_eq!(definition.check(), Ok(()));
        assert_eq!(definition.kind.as_str(), default.kind);
    }
    assert!(rule::enable(&mut *conn, known[0].id, false).await.unwrap());
    assert!(!rule::enable(&mut *conn, known[0].id, false).await.unwrap());
    rule::seed(&mut conn).await.unwrap();
    assert!(!rule::find(&mut *conn, known[0].id).await.unwrap().unwrap().enabled);
    assert_eq!(rule::list_for(&mut *conn, None).await.unwrap().len(), all - 1);
}

#[tokio::test]
async fn the_names_of_defaults_are_in_order() {
    let names: Vec<_> = rule::defaults().into_iter().map(|r| r.name).collect();
    assert!(names.is_sorted(), "{names:?}");
}

#[tokio::test]
async fn a_symbols_rules_are_its_own_and_those_of_all() {
    let db = knowing(&["AAPL", "MSFT"]).await;
    let pool = db.pool();
    let all = any_rule(&pool).await;
    let own = NewRule {
        name: "own".to_owned(),
        symbol: Some(symbol("AAPL")),
        ..NewRule::new(&engine::Rule::new("x", engine::Kind::Divergence), Severity::Info)
    };
    let own_id = rule::add(&pool, &own).await.unwrap().unwrap();
    assert_eq!(rule::add(&pool, &own).await.unwrap(), None);
    let ids = async |s: &str| -> Vec<i64> {
        let found = rule::list_for(&pool, Some(&symbol(s))).await.unwrap();
        found.into_iter().map(|r| r.id).collect()
    };
    assert_eq!(ids("AAPL").await, [all, own_id]);
    assert_eq!(ids("MSFT").await, [all]);
}

#[tokio::test]
async fn the_memory_of_a_rule_is_locked_while_it_is_evaluated() {
    let db = knowing(&["AAPL"]).await;
    let pool = db.pool();
    let rule = any_rule(&pool).await;
    let aapl = symbol("AAPL");
    let evaluations: Vec<_> = (0..20)
        .map(|_| {
            let (pool, aapl) = (pool.clone(), aapl.clone());
            tokio::spawn(async move {
                let mut tx = pool.begin().await.unwrap();
                let state = alert_state::lock(&mut tx, rule, Some(&aapl)).await.unwrap();
                let seen = state.map_or(0, |s| s["seen"].as_i64().unwrap());
                let next = json!({"seen": seen + 1});
                assert!(alert_state::keep(&mut *tx, rule, Some(&aapl), &next, None).await.unwrap());
                tx.commit().await.unwrap();
            })
        })
        .collect();
    for evaluation in evaluations {
        evaluation.await.unwrap();
    }
    let mut tx = pool.begin().await.unwrap();
    let state = alert_state::lock(&mut tx, rule, Some(&aapl)).await.unwrap();
    assert_eq!(state, Some(json!({"seen": 20})));
    assert_eq!(alert_state::lock(&mut tx, rule, None).await.unwrap(), None);
}

#[tokio::test]
async fn a_timer_is_due_when_its_time_has_come() {
    let db = knowing(&["AAPL"]).await;
    let pool = db.pool();
    let rule = any_rule(&pool).await;
    let noon = at("2026-11-20T12:00:00Z");
    for (about, timer) in [(Some(symbol("AAPL")), noon), (None, noon - hours(1))] {
        let mut tx = pool.begin().await.unwrap();
        alert_state::lock(&mut tx, rule, about.as_ref()).await.unwrap();
        let kept = alert_state::keep(&mut *tx, rule, about.as_ref(), &json!({}), Some(timer)).await;
        assert!(kept.unwrap());
        tx.commit().await.unwrap();
    }
    let due = async |t| alert_state::list_due(&pool, t, 10).await.unwrap();
    assert!(due(noon - hours(2)).await.is_empty());
    assert_eq!(due(noon - hours(1)).await[0].symbol, None);
    let both: Vec<_> = due(noon).await.into_iter().map(|d| d.symbol).collect();
    assert_eq!(both, [None, Some(symbol("AAPL"))]);
}

#[tokio::test]
async fn an_episode_is_added_fires_and_is_over_once() {
    let db = knowing(&["AAPL"]).await;
    let pool = db.pool();
    let rule = any_rule(&pool).await;
    let new = episode(rule, Some("AAPL"), 1, false);
    let id = alert::add(&pool, &new).await.unwrap().unwrap();
    assert_eq!(alert::add(&pool, &new).await.unwrap(), None);
    let later = at("2026-11-20T12:10:00Z");

    assert!(!alert::resolve(&pool, id, later).await.unwrap(), "a pending episode has not fired");
    assert!(alert::fire(&pool, id, later, "now", &json!({})).await.unwrap());
    assert!(!alert::fire(&pool, id, later, "now", &json!({})).await.unwrap());
    assert!(!alert::withdraw(&pool, id).await.unwrap(), "a firing episode leaves a row");
    assert!(alert::acknowledge(&pool, id, "ann", later).await.unwrap());
    assert!(!alert::acknowledge(&pool, id, "bob", later).await.unwrap());
    assert!(alert::snooze(&pool, id, later + hours(1)).await.unwrap());
    assert!(!alert::snooze(&pool, id, later + hours(1)).await.unwrap());
    assert!(alert::resolve(&pool, id, later + hours(2)).await.unwrap());
    assert!(!alert::resolve(&pool, id, later + hours(3)).await.unwrap());
    assert!(!alert::snooze(&pool, id, later + hours(9)).await.unwrap());

    let kept = alert::find(&pool, id).await.unwrap().unwrap();
    assert_eq!((kept.state, kept.title.as_str()), (State::Resolved, "now"));
    assert_eq!(kept.fired_at, Some(later));
    assert_eq!(kept.resolved_at, Some(later + hours(2)));
    assert_eq!(kept.acknowledged_by.as_deref(), Some("ann"));
    let found = alert::find_episode(&pool, rule, Some(&symbol("AAPL")), "", 1).await.unwrap();
    assert_eq!(found, Some(kept));
}

#[tokio::test]
async fn a_pending_episode_that_ends_leaves_no_row() {
    let db = knowing(&["AAPL"]).await;
    let pool = db.pool();
    let rule = any_rule(&pool).await;
    let id = alert::add(&pool, &episode(rule, Some("AAPL"), 1, false)).await.unwrap().unwrap();
    assert_eq!(alert::list_open(&pool, rule, Some(&symbol("AAPL"))).await.unwrap().len(), 1);
    assert!(alert::withdraw(&pool, id).await.unwrap());
    assert!(!alert::withdraw(&pool, id).await.unwrap());
    assert_eq!(alert::find(&pool, id).await.unwrap(), None);
}

#[tokio::test]
async fn alerts_are_paged_newest_first_by_symbol_and_over_all() {
    let db = knowing(&["AAPL", "MSFT"]).await;
    let pool = db.pool();
    let rule = any_rule(&pool).await;
    let mut ids = Vec::new();
    for (about, number) in
        [(Some("AAPL"), 1), (None, 1), (Some("MSFT"), 1), (Some("AAPL"), 2), (Some("AAPL"), 3)]
    {
        ids.push(alert::add(&pool, &episode(rule, about, number, true)).await.unwrap().unwrap());
    }
    let first = alert::list_recent(&pool, None, 3).await.unwrap();
    assert_eq!(first.iter().map(|a| a.id).collect::<Vec<_>>(), [ids[4], ids[3], ids[2]]);
    let rest = alert::list_recent(&pool, Some(ids[2]), 3).await.unwrap();
    assert_eq!(rest.iter().map(|a| a.id).collect::<Vec<_>>(), [ids[1], ids[0]]);
    assert_eq!(rest[0].symbol, None);
    assert_eq!((rest[0].state, rest[0].pending_at), (State::Firing, None));

    let aapl = symbol("AAPL");
    let own = alert::list_by_symbol(&pool, &aapl, None, 2).await.unwrap();
    assert_eq!(own.iter().map(|a| a.id).collect::<Vec<_>>(), [ids[4], ids[3]]);
    let own = alert::list_by_symbol(&pool, &aapl, Some(ids[3]), 2).await.unwrap();
    assert_eq!(own.iter().map(|a| a.id).collect::<Vec<_>>(), [ids[0]]);
}
