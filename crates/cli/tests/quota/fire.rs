//! Workers are killed, frozen and started again while there is more work than quota.

use std::time::Duration;

use bellwether_testing::wait_until_within;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tokio::time::{Instant, sleep_until};

use crate::stage::Stage;

#[derive(Debug, Default)]
pub(crate) struct Fire {
    pub(crate) killed: usize,
    pub(crate) frozen: usize,
}

pub(crate) async fn burn(stage: &mut Stage, length: Duration) -> Fire {
    let mut rng = StdRng::seed_from_u64(7);
    let mut fire = Fire::default();
    let until = Instant::now() + length;
    // Who is frozen, and until when.
    let mut frozen: Vec<(usize, Instant)> = Vec::new();
    let mut next = Instant::now() + Duration::from_secs(6);
    while Instant::now() < until {
        stage.fill().await;
        if Instant::now() >= next {
            next = Instant::now() + Duration::from_millis(rng.random_range(3_000..12_000));
            let victim = rng.random_range(0..stage.workers.len());
            if frozen.iter().any(|(who, _)| *who == victim) {
                continue;
            }
            if rng.random_bool(0.6) {
                stage.workers[victim].running.signal("KILL");
                stage.workers[victim].running.ended(Duration::from_secs(5)).await;
                let role = stage.workers[victim].role;
                stage.workers[victim].running = stage.start(role);
                fire.killed += 1;
            } else {
                stage.workers[victim].running.signal("STOP");
                let time = Duration::from_secs(rng.random_range(1..25));
                frozen.push((victim, Instant::now() + time));
                fire.frozen += 1;
            }
        }
        frozen.retain(|(who, time)| {
            let over = Instant::now() >= *time;
            if over {
                stage.workers[*who].running.signal("CONT");
            }
            !over
        });
        sleep_until(Instant::now() + Duration::from_millis(250)).await;
    }
    for (who, _) in frozen {
        stage.workers[who].running.signal("CONT");
    }
    fire
}

/// Waits, with work to do, until no call of a dead worker is held any more.
pub(crate) async fn cool(stage: &Stage) {
    let held = "select count(*) from queue.settlement where at > clock_timestamp()";
    let dead = "select count(*) from queue.running r join queue.process p on p.id = r.process where p.dead_at is not null or p.beat_at < clock_timestamp() - interval '10 seconds'";
    wait_until_within(Duration::from_mins(3), "the lost calls to be over", || async {
        stage.fill().await;
        let mut left = 0_i64;
        for sql in [held, dead] {
            left += sqlx::query_scalar::<_, i64>(sql).fetch_one(&stage.db).await.expect("a count");
        }
        (left == 0).then_some(())
    })
    .await;
}
