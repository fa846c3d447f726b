//! Each migration taken back leaves what was there before it, and goes up again.

mod support;

use std::collections::BTreeSet;

use bellwether_queue::{Db, JobId, MIGRATOR, OnFailure};
use sqlx::{Connection, PgPool};
use support::*;

/// The newest migration of the release before.
const RELEASED: i64 = 11;

/// Everything that the schema consists of, a line each.
async fn schema(pool: &PgPool) -> BTreeSet<String> {
    let lines: Vec<String> = sqlx::query_scalar(
        r"select 'function ' || p.oid::regprocedure::text || ' ' || pg_get_functiondef(p.oid)
        from pg_proc p where p.pronamespace = 'queue'::regnamespace and p.prokind = 'f'
        union all
        select format('column %s.%s %s %s %s %s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, pg_get_expr(d.adbin, d.adrelid))
        from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
        where c.relnamespace = 'queue'::regnamespace and c.relkind in ('r', 'p', 'v', 'c') and c.relname !~ '_\d{8}$' and c.relname <> 'migration'
        union all
        select 'index ' || i.indexdef from pg_indexes i where i.schemaname = 'queue' and i.tablename !~ '_\d{8}$' and i.tablename <> 'migration'
        union all
        select format('constraint %s %s %s', x.conrelid::regclass, x.conname, pg_get_constraintdef(x.oid))
        from pg_constraint x where x.connamespace = 'queue'::regnamespace and x.conrelid::regclass::text !~ '_\d{8}$|migration'
        union all
        select format('options %s %s', c.relname, array(select o from unnest(c.reloptions) o order by o))
        from pg_class c where c.relnamespace = 'queue'::regnamespace and c.relname !~ '_\d{8}$' and c.reloptions is not null
        union all
        select format('view %s %s', v.viewname, v.definition) from pg_views v where v.schemaname = 'queue'
        union all
        select 'sequence ' || s.sequencename from pg_sequences s where s.schemaname = 'queue'",
    )
    .fetch_all(pool)
    .await
    .unwrap();
    lines.into_iter().collect()
}

fn versions() -> Vec<i64> {
    MIGRATOR.iter().filter(|m| m.migration_type.is_up_migration()).map(|m| m.version).collect()
}

#[tokio::test]
async fn each_migration_is_taken_back_without_a_trace_and_goes_up_again() {
    let fresh = bellwether_testing::database(&[]).await;
    let pool = fresh.pool();
    let steps: Vec<i64> = versions().into_iter().filter(|v| *v >= RELEASED).collect();
    let mut snapshots = Vec::new();
    for version in &steps {
        MIGRATOR.run_to(*version, &pool).await.unwrap();
        snapshots.push(schema(&pool).await);
    }
    for at in (0..steps.len() - 1).rev() {
        MIGRATOR.undo(&pool, steps[at]).await.unwrap();
        let back = schema(&pool).await;
        let lost: Vec<_> = snapshots[at].difference(&back).collect();
        let left: Vec<_> = back.difference(&snapshots[at]).collect();
        assert!(
            lost.is_empty() && left.is_empty(),
            "back at {:04}: lost {lost:#?}, left {left:#?}",
            steps[at]
        );
    }
    MIGRATOR.run(&pool).await.unwrap();
    assert_eq!(schema(&pool).await, *snapshots.last().unwrap());
    MIGRATOR.undo(&pool, 0).await.unwrap();
    assert_eq!(
        count(
            &Db::direct(pool.clone()),
            "select count(*) from pg_proc where pronamespace = 'queue'::regnamespace"
        )
        .await,
        0
    );
    MIGRATOR.run(&pool).await.unwrap();
}

#[tokio::test]
async fn going_back_keeps_every_job_and_cancels_what_the_older_release_cannot_hold() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let parent = add(&pool, &note("parent")).await;
    let child = add(&pool, &note("unique child").after(&[parent], OnFailure::Cascade)).await;
    let mut hand = ByHand::register(pool.clone()).await;
    add(&pool, &note("runs")).await;
    hand.claim("notes", 1).await;
    MIGRATOR.undo(&db.pool(), RELEASED).await.unwrap();
    let states: Vec<(i64, String)> = sqlx::query_as("select id, state from queue.job order by id")
        .fetch_all(&db.pool())
        .await
        .unwrap();
    let states: Vec<(JobId, &str)> =
        states.iter().map(|(id, state)| (JobId(*id), state.as_str())).collect();
    assert_eq!(
        states,
        [(parent, "running"), (child, "cancelled"), (JobId(child.0 + 1), "available")]
    );
    assert_eq!(count(&pool, "select count(*) from queue.unique_key").await, 0);
    let claimed: i64 =
        sqlx::query_scalar("select id from queue.claim_v1($1, 9, 'notes', 5, '{note}')")
            .bind(hand.process)
            .fetch_one(&db.pool())
            .await
            .unwrap();
    assert_eq!(claimed, child.0 + 1);
    MIGRATOR.run(&db.pool()).await.unwrap();
    assert_eq!(counted(&pool).await["running"], 2);
}

#[tokio::test]
async fn a_job_of_a_priority_that_none_has_is_claimable_afterwards() {
    let db = bellwether_testing::database(&[]).await;
    MIGRATOR.run_to(22, &db.pool()).await.unwrap();
    let pool = Db::direct(db.pool());
    let job = note("x").at(bellwether_testing::at("9999-01-01T00:00:00Z"));
    let id = add(&pool, &job).await;
    sqlx::query("update queue.scheduled set priority = 12").execute(&pool).await.unwrap();
    MIGRATOR.run(&db.pool()).await.unwrap();
    let due = "update queue.scheduled set due_at = clock_timestamp()";
    sqlx::query(due).execute(&pool).await.unwrap();
    let mut hand = ByHand::register(pool.clone()).await;
    assert_eq!(hand.claim("notes", 1).await[0].id, id.0);
}

#[tokio::test]
async fn a_program_of_the_release_before_starts_on_the_schema_of_the_next() {
    let db = database().await;
    sqlx::query(
        "insert into queue.migration (version, description, success, checksum, execution_time)
        values (9001, 'of the next release', true, '', 0)",
    )
    .execute(&db.pool())
    .await
    .unwrap();
    let mut conn = db.pool().acquire().await.unwrap().detach();
    assert!(MIGRATOR.run(&mut conn).await.is_err(), "whoever is strict is told");
    conn.close().await.unwrap(); // and with it the lock
    bellwether_queue::migrate(&db.pool()).await.unwrap();
}
