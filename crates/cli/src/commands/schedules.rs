//! `bellwether schedules`: the schedules in a terminal.

use anyhow::Context;
use bellwether_api::schedule_page;
use bellwether_queue::{
    Db, audit,
    schedule::{self, ScheduleView},
};
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use serde_json::json;

use crate::{
    database::{Database, DatabaseArgs},
    out::{item, named, say, table},
    watch::{self, Watch},
};

#[derive(Args)]
pub(crate) struct SchedulesArgs {
    #[command(subcommand)]
    action: SchedulesAction,
    /// One JSON document instead of text, in the form of the API
    #[arg(long, env = "BELLWETHER_SCHEDULES_JSON", global = true)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Subcommand)]
enum SchedulesAction {
    /// List every schedule with its last and its next time
    List(Watch),
    /// Add a schedule's job now, outside its ticks, and print the job's id
    Run { schedule: String },
    /// Pause a schedule: it adds no jobs
    Pause { schedule: String },
    /// Resume a paused schedule
    Resume { schedule: String },
}

pub(crate) async fn run(args: SchedulesArgs) -> anyhow::Result<bool> {
    Database::using(&args.database, async |database| {
        act(&database.pool, args.action, args.json).await
    })
    .await
}

async fn act(pool: &Db, action: SchedulesAction, json: bool) -> anyhow::Result<bool> {
    let name = match action {
        SchedulesAction::List(watch) => {
            return watch
                .show(async || {
                    if json { watch::json(&schedule_page(pool).await?) } else { list(pool).await }
                })
                .await;
        }
        SchedulesAction::Run { schedule } => {
            let id = add(pool, &schedule).await?;
            if json {
                say!("{}", json!({"jobs": [{"id": id}]}))?;
            } else {
                say!("{id}")?;
            }
            return Ok(true);
        }
        SchedulesAction::Pause { schedule } => pause(pool, schedule, true).await?,
        SchedulesAction::Resume { schedule } => pause(pool, schedule, false).await?,
    };
    if json {
        say!("{}", item(&schedule_page(pool).await?, &name)?)?;
    } else {
        say!("{name} is {}", state(&find(pool, &name).await?))?;
    }
    Ok(true)
}

/// Adds the job and an entry of the audit, in one transaction.
async fn add(pool: &Db, name: &str) -> anyhow::Result<String> {
    find(pool, name).await?;
    let mut tx = pool.begin().await?;
    let added = schedule::run_now(&mut tx, &bellwether_jobs::registry(), name).await?;
    let id = added.with_context(|| format!("the schedule {name:?} is gone"))?.id.to_string();
    let detail = json!({"before": null, "after": {"job": id}});
    audit::add(&mut *tx, "cli", "schedule.run", name, &detail).await?;
    tx.commit().await?;
    Ok(id)
}

/// Changes the schedule and adds an entry of the audit, in one transaction; returns its name.
async fn pause(pool: &Db, name: String, paused: bool) -> anyhow::Result<String> {
    let before = find(pool, &name).await?;
    let mut tx = pool.begin().await?;
    schedule::pause(&mut *tx, &name, paused).await?;
    let action = if paused { "schedule.pause" } else { "schedule.resume" };
    let detail = json!({"before": {"paused": before.paused}, "after": {"paused": paused}});
    audit::add(&mut *tx, "cli", action, &name, &detail).await?;
    tx.commit().await?;
    Ok(name)
}

async fn find(pool: &Db, name: &str) -> anyhow::Result<ScheduleView> {
    named(schedule::list(pool).await?, "schedule", name, |schedule| &schedule.name)
}

fn state(schedule: &ScheduleView) -> &'static str {
    if schedule.paused { "paused" } else { "active" }
}

async fn list(pool: &Db) -> anyhow::Result<String> {
    let time = |at: Option<DateTime<Utc>>| {
        at.map_or_else(|| "-".to_owned(), |at| at.format("%FT%TZ").to_string())
    };
    let rows = schedule::list(pool).await?.into_iter().map(|schedule| {
        let job = schedule.last_job.map_or_else(|| "-".to_owned(), |id| id.to_string());
        let (state, last) = (state(&schedule).to_owned(), time(schedule.last_fire_at));
        let next = time(schedule.next_fire_at);
        vec![schedule.name, state, schedule.cron, schedule.zone, schedule.kind, last, job, next]
    });
    let head = ["SCHEDULE", "STATE", "CRON", "ZONE", "KIND", "LAST", "LAST JOB", "NEXT"];
    Ok(table(&head, rows))
}
