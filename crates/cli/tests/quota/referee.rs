//! The sandbox's book, judged: was any window exceeded, and how much of each key was used?

use std::time::Duration;

use bellwether_queue::inspect;
use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::stage::{Key, Stage, Window};

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Entry {
    pub(crate) time: DateTime<Utc>,
    pub(crate) provider: String,
    pub(crate) answered: Option<DateTime<Utc>>,
    pub(crate) status: Option<u16>,
    pub(crate) verdict: String,
}

#[derive(Debug)]
pub(crate) struct Verdict {
    pub(crate) key: &'static str,
    pub(crate) calls: usize,
    /// Windows of the sandbox that held more than they may.
    pub(crate) violations: usize,
    /// Calls that the sandbox refused by its own count.
    pub(crate) refused: usize,
    /// The fullest that each window ever was, of what it may hold.
    pub(crate) fullest: Vec<(usize, usize)>,
    /// Of the time that the same calls would have taken back to back, each as long as it was, under
    /// our own windows as they count (from the finish).
    pub(crate) utilisation: f64,
}

pub(crate) async fn book(stage: &Stage, key: &Key) -> Vec<Entry> {
    let url = format!("{}/_sandbox/ledger?provider={}", stage.sandbox.url(), key.provider);
    let answer = stage.http.get(url).send().await.expect("the sandbox answers");
    let body: serde_json::Value =
        serde_json::from_str(&answer.text().await.expect("text")).expect("JSON");
    let entries: Vec<Entry> = serde_json::from_value(body["items"].clone()).expect("entries");
    entries.into_iter().filter(|e| e.provider == key.provider).collect()
}

/// The most entries in any half-open stretch of `period`, and in how many stretches that end with
/// an arrival there were more than `amount`.
fn fullest(times: &[DateTime<Utc>], window: &Window) -> (usize, usize) {
    let period = chrono::TimeDelta::from_std(window.period).expect("a short time");
    let (mut from, mut most, mut violations) = (0, 0, 0);
    for upto in 0..times.len() {
        while times[upto] - times[from] >= period {
            from += 1;
        }
        let held = upto + 1 - from;
        most = most.max(held);
        violations += usize::from(held > window.amount);
    }
    (most, violations)
}

pub(crate) async fn judge(stage: &Stage) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for key in &stage.keys {
        let entries = book(stage, key).await;
        let times: Vec<_> = entries.iter().map(|e| e.time).collect();
        let windows: Vec<_> = key.theirs.iter().map(|w| fullest(&times, w)).collect();
        let refused = entries
            .iter()
            .filter(|e| {
                e.status == Some(429) || e.verdict.contains("limit") || e.verdict.contains("quota")
            })
            .filter(|e| !e.verdict.starts_with("fault:"))
            .count();
        verdicts.push(Verdict {
            key: key.name,
            calls: entries.len(),
            violations: windows.iter().map(|(_, v)| v).sum(),
            refused,
            fullest: windows.iter().zip(&key.theirs).map(|((m, _), w)| (*m, w.amount)).collect(),
            utilisation: utilisation(stage, key).await,
        });
    }
    verdicts
}

/// While its place was held in the ledger, in seconds since the first: an attempt counts from its
/// claim to its end, a lost one until its call can no longer be under way. Several stories may share a
/// model's call, so those are taken from the book.
async fn holds(stage: &Stage, key: &Key) -> Vec<(f64, f64)> {
    let mut holds: Vec<(DateTime<Utc>, DateTime<Utc>)> = if key.kind == "analyze_article" {
        let book = book(stage, key).await;
        book.iter().filter_map(|e| e.answered.map(|answered| (e.time, answered))).collect()
    } else {
        sqlx::query_as("select claimed_at, finished_at from queue.done where kind = $1")
            .bind(key.kind)
            .fetch_all(&stage.db)
            .await
            .expect("attempts")
    };
    // The ledger dates a lost call to its process's last beat and its timeout.
    let lost: Vec<(DateTime<Utc>, DateTime<Utc>)> = sqlx::query_as(
        "select a.started_at, d.until
        from queue.limit_key k
        cross join lateral (
            select p.id, p.beat_at + k.call_timeout as until from queue.process p where p.dead_at is not null
        ) d
        cross join lateral (
            select count(*) as n from queue.permit_grant g
            where g.key = k.id and g.at between d.until - interval '1 millisecond' and d.until + interval '1 second'
                and g.kind = 'settlement'
        ) c
        cross join lateral (
            select t.started_at from queue.attempt t
            where t.process = d.id and t.outcome = 'lost' order by t.started_at limit c.n
        ) a
        where k.name = $1",
    )
    .bind(key.name)
    .fetch_all(&stage.db)
    .await
    .expect("lost attempts");
    holds.extend(lost);
    holds.sort();
    let Some((first, _)) = holds.first().copied() else { return Vec::new() };
    let since = |at: DateTime<Utc>| (at - first).as_seconds_f64();
    holds.into_iter().map(|(from, to)| (since(from), since(to))).collect()
}

/// Time of an ideal claimer for the same calls in the same order, each held as long as it was,
/// divided by the real time.
async fn utilisation(stage: &Stage, key: &Key) -> f64 {
    let holds = holds(stage, key).await;
    let Some((last, _)) = holds.last() else { return 0.0 };
    let mut ends: Vec<f64> = Vec::with_capacity(holds.len());
    let mut now = 0.0_f64;
    for (start, end) in &holds {
        for window in &key.ours {
            let period = window.period.as_secs_f64();
            // its place is free when all but amount - 1 of those before it have left the window
            let mut leaves: Vec<f64> = ends.iter().map(|end| end + period).collect();
            leaves.sort_by(|a, b| b.total_cmp(a));
            if let Some(free) = leaves.get(window.amount - 1) {
                now = now.max(*free);
            }
        }
        ends.push(now + (end - start));
    }
    if *last > 0.0 { now / last } else { 0.0 }
}

#[derive(Debug)]
pub(crate) struct Remaining {
    pub(crate) key: &'static str,
    pub(crate) ours: i64,
    pub(crate) theirs: i64,
}

/// Usage of each key's longest window in the ledger, compared with the sandbox's book as soon as no
/// call is in flight.
pub(crate) async fn compare_remaining(stage: &Stage) -> Vec<Remaining> {
    let pause = async |paused: bool| {
        sqlx::query("update queue.queue set paused = $1")
            .bind(paused)
            .execute(&stage.db)
            .await
            .expect("the queues' state");
    };
    pause(true).await;
    let mut all: Vec<Remaining> = Vec::new();
    let begun = std::time::Instant::now();
    let mut last = Vec::new();
    while all.len() < stage.keys.len() && begun.elapsed() < Duration::from_secs(30) {
        for key in &stage.keys {
            if all.iter().any(|r| r.key == key.name) {
                continue;
            }
            let (flying, seen, made) = look(stage, key).await;
            if flying == 0 && made > 0 && seen.ours == seen.theirs {
                all.push(seen);
            } else {
                last.push((begun.elapsed(), flying, seen));
            }
        }
    }
    pause(false).await;
    if all.len() < stage.keys.len() {
        println!("no agreement, at last: {:?}", last.last());
    }
    all
}

/// Calls in flight, both views, and how many calls the book shows in the window.
async fn look(stage: &Stage, key: &Key) -> (i64, Remaining, i64) {
    let window = key.ours.iter().max_by_key(|w| w.period).expect("a window");
    let limits = inspect::limits(&stage.db).await.expect("limits");
    let limit = limits.into_iter().find(|l| l.key == key.name).expect("the key");
    let longest = |w: &inspect::WindowView| w.period_s.unwrap_or(0.0);
    let view = limit.windows.iter().max_by(|a, b| longest(a).total_cmp(&longest(b))).expect("one");
    let now: DateTime<Utc> = sqlx::query_scalar("select clock_timestamp()")
        .fetch_one(&stage.db)
        .await
        .expect("the time");
    let since = now - chrono::TimeDelta::from_std(window.period).expect("a short time");
    let made = book(stage, key).await.iter().filter(|e| e.time > since).count() as i64;
    let theirs = window.amount as i64 - made;
    (limit.in_flight, Remaining { key: key.name, ours: view.remaining, theirs }, made)
}
