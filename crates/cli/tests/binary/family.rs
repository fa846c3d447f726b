//! `enqueue --wait=batch` follows a job, its children and theirs.

use std::time::Duration;

use bellwether_queue::MIGRATOR;
use bellwether_testing::{database, wait_until};
use sqlx::PgPool;

use crate::support::{Running, bellwether};

const PROCESS: &str = "00000000-0000-0000-0000-000000000007";

/// Claims what is there, by hand, and ends it; each job has `children` added by its attempt.
async fn run_one(pool: &PgPool, lease: i64, outcome: &str, children: i32) {
    let job: i64 = wait_until("a job to claim", || async {
        sqlx::query_scalar(
            "select id from queue.claim($1::text::uuid, $2, 'maintenance', 1, '{prune}')",
        )
        .bind(PROCESS)
        .bind(lease)
        .fetch_optional(pool)
        .await
        .expect("a claim")
    })
    .await;
    for _ in 0..children {
        sqlx::query("select * from queue.enqueue('prune', queue => 'maintenance', parent => $1)")
            .bind(job)
            .execute(pool)
            .await
            .expect("a child");
    }
    if outcome == "completed" {
        sqlx::query("select * from queue.complete($1::text::uuid, array[$2::bigint], array[$3::bigint], '{f}', '{f}', '{null}', '{null}', '{null}')")
            .bind(PROCESS)
            .bind(job)
            .bind(lease)
            .execute(pool)
            .await
            .expect("a completion");
    } else {
        sqlx::query("select queue.fail($1::text::uuid, array[$2::bigint], array[$3::bigint], '{discarded}', '{null}', '{by hand}', '{null}', '{null}', '{f}', '{f}', '{null}', '{null}')")
            .bind(PROCESS)
            .bind(job)
            .bind(lease)
            .execute(pool)
            .await
            .expect("a failure");
    }
}

#[tokio::test]
async fn the_exit_code_is_that_of_the_last_grandchild() {
    for (last, code) in [("completed", 0), ("discarded", 1)] {
        let db = database(&[&MIGRATOR, &bellwether_store::MIGRATOR]).await;
        let pool = db.pool();
        sqlx::query("insert into queue.process (id, name, version, queues) values ($1::text::uuid, 'by hand', 'test', '{maintenance}')")
            .bind(PROCESS)
            .execute(&pool)
            .await
            .expect("a process");
        let mut command = bellwether(&["enqueue", "prune", "--wait=batch"]);
        command.env("DATABASE_URL", &db.url);
        let mut follows = Running::start(command);
        // The job, two children, and one grandchild of the first: no worker but this.
        run_one(&pool, 1, "completed", 2).await;
        run_one(&pool, 2, "completed", 1).await;
        run_one(&pool, 3, "completed", 0).await;
        assert!(follows.child.try_wait().expect("a child").is_none(), "{}", follows.said());
        run_one(&pool, 4, last, 0).await;
        let ended = follows.ended(Duration::from_secs(20)).await;
        assert_eq!(ended, Some(code), "{}", follows.said());
    }
}
