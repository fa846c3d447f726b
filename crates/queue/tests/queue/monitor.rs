//! Lists, searches, events and pruning.

use crate::support::*;
use bellwether_queue::{
    JobId, State,
    control::{self, Retention},
    event,
    inspect::{self, JobFilter},
};

#[tokio::test]
async fn pages_hold_every_job_once_newest_first() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let ids = add_all(&pool, &(0..25).map(|i| note(&i.to_string())).collect::<Vec<_>>()).await;
    let mut seen = Vec::new();
    let mut before = None;
    loop {
        let filter = JobFilter { before, limit: 10, ..JobFilter::default() };
        let page = inspect::list(&pool, &filter).await.unwrap();
        seen.extend(page.items.iter().map(|j| j.id));
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    let mut wanted = ids;
    wanted.reverse();
    assert_eq!(seen, wanted);
}

#[tokio::test]
async fn a_page_finds_jobs_in_every_table_and_by_every_condition_as_the_view_does() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let mut hand = ByHand::register(pool.clone()).await;
    for (i, outcome) in
        ["completed", "failed", "snoozed", "discarded", "cancelled", "running"].iter().enumerate()
    {
        let mut job = note(outcome);
        job.tags = vec![format!("t{}", i % 2)];
        let id = add(&pool, &job).await;
        hand.claim("notes", 1).await;
        match *outcome {
            "completed" => assert!(hand.complete(id.0, false).await),
            "running" => {}
            outcome => assert!(hand.fail(id.0, outcome, None).await.is_some()),
        }
    }
    let mut urgent = call("free");
    urgent.priority = 0;
    add_all(&pool, &[note("waits"), urgent, call("free"), note(&"large ".repeat(1_000))]).await;
    let middle: chrono::DateTime<chrono::Utc> =
        sqlx::query_scalar("select created_at from queue.job order by id offset 4 limit 1")
            .fetch_one(&pool)
            .await
            .unwrap();
    let some = |s: &str| Some(s.to_owned());
    let every = JobFilter { limit: 100, ..JobFilter::default() };
    let mut cases = vec![
        (every.clone(), "true".to_owned()),
        (JobFilter { kind: some("note"), ..every.clone() }, "kind = 'note'".to_owned()),
        (JobFilter { queue: some("calls"), ..every.clone() }, "queue = 'calls'".to_owned()),
        (JobFilter { queue: some("nowhere"), ..every.clone() }, "false".to_owned()),
        (JobFilter { tag: some("t1"), ..every.clone() }, "'t1' = any (tags)".to_owned()),
        (JobFilter { q: some("LARGE"), ..every.clone() }, "args::text ilike '%large%'".to_owned()),
        (JobFilter { from: Some(middle), ..every.clone() }, format!("created_at >= '{middle}'")),
        (JobFilter { to: Some(middle), ..every.clone() }, format!("created_at < '{middle}'")),
    ];
    for state in State::ALL {
        cases.push((
            JobFilter { state: Some(state), ..every.clone() },
            format!("state = '{state}'"),
        ));
    }
    for (filter, condition) in cases {
        let sql = format!("select id from queue.job where {condition} order by id desc");
        let wanted: Vec<i64> =
            sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_all(&pool).await.unwrap();
        let page = inspect::list(&pool, &filter).await.unwrap();
        let found: Vec<i64> = page.items.iter().map(|j| j.id.0).collect();
        assert_eq!(found, wanted, "{condition}");
    }
}

#[tokio::test]
async fn a_few_jobs_deep_in_history_are_found_by_their_kind() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let old = add(&pool, &call("free")).await;
    sqlx::query("select setval('queue.job_id', 5000000)").execute(&pool).await.unwrap();
    add(&pool, &note("new")).await;
    // A page whose search took too long says how far it came; the next one continues there.
    let mut found = Vec::new();
    let mut before = None;
    for _ in 0..50 {
        let kind = Some("call".into());
        let filter = JobFilter { kind, before, limit: 10, ..JobFilter::default() };
        let page = inspect::list(&pool, &filter).await.unwrap();
        found.extend(page.items.iter().map(|j| j.id));
        assert!(page.next.is_none() || page.next < before.or(page.next.map(|n| JobId(n.0 + 1))));
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    assert_eq!((found, before), (vec![old], None));
}

#[tokio::test]
async fn all_conditions_must_hold_and_a_search_takes_wildcards_literally() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let mut tagged = note("100% of 1_000");
    tagged.tags = vec!["urgent".into()];
    let id = add(&pool, &tagged).await;
    add_all(&pool, &[note("100 of 1x000"), note("unrelated")]).await;
    let find = |filter: JobFilter| {
        let pool = pool.clone();
        async move {
            let page = inspect::list(&pool, &JobFilter { limit: 10, ..filter }).await.unwrap();
            assert_eq!(page.searched_to, None);
            page.items.iter().map(|j| j.id).collect::<Vec<_>>()
        }
    };
    let q = |q: &str| JobFilter { q: Some(q.into()), ..JobFilter::default() };
    assert_eq!(find(q("100%")).await, [id]);
    assert_eq!(find(q("1_000")).await, [id]);
    assert_eq!(find(JobFilter { tag: Some("urgent".into()), ..JobFilter::default() }).await, [id]);
    let nothing = JobFilter { state: Some(State::Running), ..q("100%") };
    assert!(find(nothing).await.is_empty());
    let kind = JobFilter {
        kind: Some("note".into()),
        queue: Some("notes".into()),
        ..JobFilter::default()
    };
    assert_eq!(find(kind).await.len(), 3);
}

/// Transactions of other databases on the server hold events back too, for as long as they last.
async fn some_events(pool: &Db, from: event::Position, n: usize) -> Vec<event::Event> {
    bellwether_testing::wait_until("the events", || async {
        let events = event::after(pool, from, 100).await.unwrap().unwrap();
        (events.len() >= n).then_some(events)
    })
    .await
}

#[tokio::test]
async fn a_slower_pruner_of_events_does_not_move_the_floor_back() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    event::emit(&pool, "quote", "AAPL").await.unwrap();
    let position = event::now(&pool).await.unwrap();
    for sql in [
        "update queue.event set at = at - interval '25 hours'",
        "update queue.event_floor set xid = '9000000000', id = 3",
    ] {
        sqlx::query(sql).execute(&pool).await.unwrap();
    }
    event::prune(&pool).await.unwrap();
    assert_eq!(count(&pool, "select count(*) from queue.event").await, 0);
    assert!(event::after(&pool, position, 10).await.unwrap().is_none(), "the floor did not move");
}

#[tokio::test]
async fn a_reader_of_events_skips_none_that_commits_late() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let from = event::now(&pool).await.unwrap();
    let mut slow = pool.begin().await.unwrap();
    event::emit(&mut *slow, "quote", "SLOW").await.unwrap();
    event::emit(&pool, "quote", "FAST").await.unwrap();
    let first = event::after(&pool, from, 100).await.unwrap().unwrap();
    assert!(first.is_empty(), "the fast one waits for the older transaction: {first:?}");
    slow.commit().await.unwrap();
    let both = some_events(&pool, from, 2).await;
    let subjects: Vec<_> = both.iter().map(|e| e.subject.as_str()).collect();
    assert_eq!(subjects, ["SLOW", "FAST"]);
    assert_eq!(some_events(&pool, both[0].position, 1).await.len(), 1);
    let parsed: event::Position = both[1].position.to_string().parse().unwrap();
    assert_eq!(parsed, both[1].position);
}

#[tokio::test]
async fn a_position_older_than_the_events_kept_is_refused() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let from = event::now(&pool).await.unwrap();
    sqlx::query("update queue.event_floor set xid = pg_current_xact_id(), id = 5")
        .execute(&pool)
        .await
        .unwrap();
    assert!(event::after(&pool, from, 10).await.unwrap().is_none());
}

#[tokio::test]
async fn a_position_ahead_of_the_database_or_of_another_one_is_not_known() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let text = event::now(&pool).await.unwrap().to_string();
    let (epoch, rest) = text.split_once('-').unwrap();
    for unknown in [format!("{epoch}-9999999999-1"), format!("0badcafe-{rest}")] {
        let position: event::Position = unknown.parse().unwrap();
        assert!(event::after(&pool, position, 10).await.unwrap().is_none(), "{unknown}");
    }
    assert!(rest.parse::<event::Position>().is_err());
}

#[tokio::test]
async fn events_go_on_after_a_restore_from_a_server_with_more_transactions() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    event::emit(&pool, "quote", "OLD").await.unwrap();
    sqlx::raw_sql(
        "update queue.server set epoch = '0badcafe';
        update queue.event set xid = '9000000000';
        update queue.event_floor set xid = '8000000000', id = 3;
        insert into queue.edge_recheck (child, until) values (1, '7000000000')",
    )
    .execute(&pool)
    .await
    .unwrap();
    let from = event::now(&pool).await.unwrap();
    event::emit(&pool, "quote", "NEW").await.unwrap();
    let events = some_events(&pool, from, 1).await;
    assert_eq!((events.len(), events[0].subject.as_str()), (1, "NEW"), "{events:?}");
    assert!(event::after(&pool, from, 10).await.unwrap().is_some());
    assert!(!event::check_epoch(&pool).await.unwrap(), "once");
    let here = "select count(*) from queue.server s, queue.edge_recheck u
        where s.epoch = queue.epoch() and s.timeline is null and u.until is null";
    let here: i64 = sqlx::query_scalar(here).fetch_one(&pool).await.unwrap();
    assert_eq!(here, 1, "limits park as after a failover, and edges are looked at again");
}

#[tokio::test]
async fn folding_announces_which_kinds_moved() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let from = event::now(&pool).await.unwrap();
    add_all(&pool, &[note("a"), note("b")]).await;
    sqlx::query("select queue.fold()").execute(&pool).await.unwrap();
    let events = some_events(&pool, from, 1).await;
    assert_eq!(events.len(), 1, "coalesced: {events:?}");
    assert_eq!((events[0].kind.as_str(), events[0].subject.as_str()), ("job", "notes/note"));
}

#[tokio::test]
async fn pruning_drops_old_days_with_their_keys_and_keeps_failures_longer() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let mut hand = ByHand::register(pool.clone()).await;
    let old = add(&pool, &note("unique old")).await;
    let young = add(&pool, &note("unique young")).await;
    for got in hand.claim("notes", 2).await {
        assert!(hand.complete(got.id, false).await);
    }
    let failed = add(&pool, &note("failed")).await;
    hand.claim("notes", 1).await;
    hand.fail(failed.0, "discarded", None).await;
    // ten days ago
    for table in ["done", "failed"] {
        let create = format!(
            "do $$ declare d date := current_date - 10; begin
                execute format('create table queue.{table}_%s partition of queue.{table} for values from (%L) to (%L)', to_char(d, 'YYYYMMDD'), d || ' 00:00:00+00', (d + 1) || ' 00:00:00+00');
            end $$"
        );
        sqlx::query(sqlx::AssertSqlSafe(create)).execute(&pool).await.unwrap();
    }
    sqlx::query("update queue.done set finished_at = (current_date - 10) + interval '12 hours' where id = $1").bind(old.0).execute(&pool).await.unwrap();
    sqlx::query("update queue.failed set finished_at = (current_date - 10) + interval '12 hours'")
        .execute(&pool)
        .await
        .unwrap();

    let pruned =
        control::prune(&pool, Retention { completed_days: 7, failed_days: 30 }).await.unwrap();
    assert_eq!((pruned.partitions, pruned.jobs), (1, 1));
    assert!(inspect::find(&pool, old).await.unwrap().is_none());
    assert_eq!(state(&pool, young).await, State::Completed);
    assert_eq!(state(&pool, failed).await, State::Discarded, "failures are kept longer");
    assert_ne!(add(&pool, &note("unique old")).await, old, "its key is free");
    assert_eq!(add(&pool, &note("unique young")).await, young);
}

#[tokio::test]
async fn pruning_waits_for_no_lock_and_blocks_no_completion() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let mut hand = ByHand::register(pool.clone()).await;
    sqlx::query("create table queue.done_20200101 partition of queue.done for values from ('2020-01-01Z') to ('2020-01-02Z')")
        .execute(&pool)
        .await
        .unwrap();
    add(&pool, &note("x")).await;
    let got = hand.claim("notes", 1).await;
    let retention = Retention { completed_days: 7, failed_days: 30 };
    // The locks of an open transaction that has completed a job.
    let mut open = pool.begin().await.unwrap();
    sqlx::query("lock table queue.done in row exclusive mode").execute(&mut *open).await.unwrap();
    assert_eq!(control::prune(&pool, retention).await.unwrap().partitions, 0, "left for later");
    open.rollback().await.unwrap();
    assert!(hand.complete(got[0].id, false).await);
    assert_eq!(control::prune(&pool, retention).await.unwrap().partitions, 1);
}

#[tokio::test]
async fn finished_jobs_without_a_days_partition_are_pruned_too() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let mut hand = ByHand::register(pool.clone()).await;
    let id = add(&pool, &note("unique old")).await;
    let failed = add(&pool, &note(&"large ".repeat(1_000))).await;
    hand.claim("notes", 2).await;
    hand.complete(id.0, false).await;
    hand.fail(failed.0, "discarded", None).await;
    for table in ["done", "failed"] {
        let age =
            format!("update queue.{table} set finished_at = finished_at - interval '40 days'");
        sqlx::query(sqlx::AssertSqlSafe(age)).execute(&pool).await.unwrap();
    }
    let pruned =
        control::prune(&pool, Retention { completed_days: 7, failed_days: 30 }).await.unwrap();
    assert_eq!((pruned.partitions, pruned.jobs), (0, 2));
    assert!(counted(&pool).await.is_empty());
    assert_eq!(count(&pool, "select count(*) from queue.unique_key").await, 0);
    assert_eq!(count(&pool, "select count(*) from queue.payload").await, 0);
    let depth = inspect::queues(&pool).await.unwrap().remove(0).depth;
    assert!(depth.values().all(|n| *n == 0), "the counts follow: {depth:?}");
}
