//! Workers are killed, frozen and started again while there is more work than quota.

use std::time::Duration;

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
