//! The jobs that schedules add.

use std::time::Duration;

use bellwether_queue::{
    Db, JobArgs,
    schedule::{Missed, Schedule, define as define_schedule},
};
use serde_json::{Value, json};

use crate::{
    DeriveSignal, Error, EvaluateAlerts, Prune, ScrapeBatch, ScrapeFeed, scrape_batch::BY_CLOCK,
};

/// Time zone of the exchange.
const NEW_YORK: &str = "America/New_York";
/// The slot that a scheduled batch shares with `enqueue scrape_batch --slot 30m`.
const ROUND: Duration = Duration::from_mins(30);

/// Defines the schedules; a pause by an operator is kept.
pub async fn define(pool: &Db) -> Result<(), Error> {
    for schedule in all() {
        define_schedule(pool, &schedule).await?;
    }
    Ok(())
}

fn all() -> Vec<Schedule> {
    let every = |name: &str, cron: &str, kind: &str, args: Value| Schedule {
        name: name.to_owned(),
        cron: cron.to_owned(),
        zone: "UTC".to_owned(),
        kind: kind.to_owned(),
        args,
        slot: None,
        missed: Missed::One,
    };
    vec![
        Schedule {
            slot: Some(ROUND),
            ..every("scrape", "*/30 * * * *", ScrapeBatch::KIND, json!({"reason": BY_CLOCK}))
        },
        // each feed has its own time within it
        Schedule {
            missed: Missed::Skip,
            ..every("feeds", "* * * * *", ScrapeFeed::KIND, json!({}))
        },
        Schedule {
            missed: Missed::Skip,
            ..every("alerts", "* * * * *", EvaluateAlerts::KIND, json!({"cause": "minute"}))
        },
        // news decays, so a signal changes although no new row arrives
        every("signals-hourly", "7 * * * *", DeriveSignal::KIND, json!({"cause": "hourly"})),
        // sessions end at one or at four
        Schedule {
            zone: NEW_YORK.to_owned(),
            ..every(
                "signals-close",
                "1 13,16 * * 1-5",
                DeriveSignal::KIND,
                json!({"cause": "close"}),
            )
        },
        Schedule {
            zone: NEW_YORK.to_owned(),
            ..every("prune", "20 3 * * *", Prune::KIND, json!({}))
        },
    ]
}
