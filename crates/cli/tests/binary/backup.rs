//! A backup under load, restored into another server, where everything goes on.

use std::{
    io::{Read, Write},
    path::{Path, PathBuf},
    process::{Command, Output},
    time::Duration,
};

use bellwether_queue::{Db, event, inspect};
use bellwether_testing::{Database, Postgres, database, wait_until, wait_until_within};
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use serde_json::json;
use sqlx::PgPool;

use crate::support::{Running, bellwether, folder, output, post, stderr, stdout, until};

const MARK: &str = "a-secret-of-the-environment";

/// `bellwether up` on a database that is not its own.
fn up_on(url: &str, data: &Path) -> Running {
    let mut command = bellwether(&["up"]);
    command
        .current_dir(data)
        .env("DATABASE_URL", url)
        .env("BELLWETHER_DATA_DIR", data)
        .env("BELLWETHER_HTTP_ADDR", "127.0.0.1:0")
        .env("BELLWETHER_SANDBOX_ADDR", "127.0.0.1:0")
        .env("BELLWETHER_SANDBOX_SMTP_ADDR", "127.0.0.1:0");
    Running::start(command)
}

fn tool(url: &str, args: &[&str]) -> Output {
    output(bellwether(args).env("DATABASE_URL", url).env("OPENAI_API_KEY", MARK))
}

fn text(path: &Path) -> String {
    let mut text = String::new();
    GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    text
}

/// The backup with a part of its text replaced.
fn altered(path: &Path, name: &str, from: &str, to: &str) -> PathBuf {
    let whole = text(path);
    assert!(whole.contains(from), "{from}");
    let altered = path.with_file_name(name);
    let mut file = GzEncoder::new(std::fs::File::create(&altered).unwrap(), Compression::fast());
    file.write_all(whole.replacen(from, to, 1).as_bytes()).unwrap();
    file.finish().unwrap();
    altered
}

async fn count(pool: &PgPool, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(pool).await.unwrap()
}

/// Makes the server's transactions so many that another server's are fewer.
async fn age(pool: &PgPool) {
    let many = "do $$ begin for i in 1..20000 loop
        begin perform pg_current_xact_id(); perform 1/0; exception when division_by_zero then null; end;
        end loop; end $$";
    sqlx::raw_sql(many).execute(pool).await.unwrap();
    // as a night's pruning leaves it
    let prune = "update queue.event_floor f set xid = e.xid, id = e.id
        from (select xid, id from queue.event order by xid desc, id desc limit 1) e";
    assert_eq!(sqlx::query(prune).execute(pool).await.unwrap().rows_affected(), 1);
}

/// The lines of an event stream.
struct Stream(reqwest::Response, String);

impl Stream {
    async fn open(api: &str, last: Option<&str>) -> Self {
        let mut request = bellwether_testing::http_client()
            .build()
            .expect("a client")
            .get(format!("{api}/api/events"));
        if let Some(last) = last {
            request = request.header("Last-Event-ID", last);
        }
        Self(request.send().await.unwrap(), String::new())
    }

    /// The rest of the next line that begins so.
    async fn line(&mut self, begins: &str) -> String {
        loop {
            while let Some((line, rest)) = self.1.split_once('\n') {
                let found = line.strip_prefix(begins).map(str::to_owned);
                self.1 = String::from(rest);
                if let Some(found) = found {
                    return found;
                }
            }
            let chunk = tokio::time::timeout(Duration::from_secs(30), self.0.chunk()).await;
            let chunk = chunk.expect("the stream is silent").unwrap().expect("the stream goes on");
            self.1.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }
}

#[tokio::test]
async fn work_continues_in_another_server_after_a_backup_under_load() {
    let folder = folder();
    let before = database(&[&bellwether_queue::MIGRATOR, &bellwether_store::MIGRATOR]).await;
    let mut first = up_on(&before.url, folder.path());
    let api = first.address_after("up at").await;
    until(&format!("{api}/ready"), "readiness", |status, _| status == 200).await;
    let last = Stream::open(&api, None).await.line("id: ").await;
    until(&format!("{api}/api/signals/AAPL"), "a signal", |_, b| b["current"]["state"] == "ok")
        .await;
    age(&before.pool()).await;
    let held = json!({"kind": "evaluate_alerts", "args": {"cause": "rehearsal"},
        "unique_key": "rehearsal", "scheduled_at": "2100-01-01T00:00:00Z"});
    let (status, job) = post(&format!("{api}/jobs"), &held).await;
    assert_eq!(status, 201, "{job}");
    for _ in 0..3 {
        post(&format!("{api}/scrape"), &json!({})).await;
    }

    let file = folder.path().join("bellwether.backup");
    let name = file.to_str().unwrap();
    let written = tool(&before.url, &["backup", name]);
    assert!(written.status.success(), "{}", stderr(&written));
    assert!(stderr(&written).contains("writing "), "{}", stderr(&written));
    assert!(stdout(&written).contains("rows of"), "{}", stdout(&written));
    let mode = std::os::unix::fs::PermissionsExt::mode(&file.metadata().unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600, "only its owner reads it");
    let whole = text(&file);
    assert!(!whole.contains(MARK) && !whole.contains(&before.url), "no secret of the environment");
    let again = tool(&before.url, &["backup", name]);
    assert_eq!(again.status.code(), Some(1));
    assert!(stderr(&again).contains("--overwrite"), "{}", stderr(&again));
    assert!(tool(&before.url, &["backup", name, "--overwrite"]).status.success());
    let files = std::fs::read_dir(folder.path()).unwrap().map(|f| f.unwrap().file_name());
    assert!(!files.into_iter().any(|f| f.to_string_lossy().contains("partial")));
    let refused = tool(&before.url, &["restore", name, "--yes"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("Bellwether runs on this database"), "{}", stderr(&refused));
    first.signal("TERM");
    assert_eq!(first.ended(Duration::from_secs(40)).await, Some(0), "{}", first.said());

    // Another server, whose transactions have lower numbers.
    let after = Postgres::start(100).await;
    let restored = tool(&after.url, &["restore", name]);
    assert!(restored.status.success(), "{}", stderr(&restored));
    let said = stderr(&restored);
    for step in ["checking ", "restoring ", "foreign keys", "analyzing"] {
        assert!(said.contains(step), "{step}: {said}");
    }
    let pool = PgPool::connect(&after.url).await.unwrap();
    assert_eq!(text(&file).matches("\n\\.\n").count(), text(&file).matches("\ncopy ").count());
    let signals = count(&pool, "select count(*) from signal").await;
    assert!(signals > 0 && count(&pool, "select count(*) from queue.done").await > 0);
    let db = Db::direct(pool.clone());
    let used = used(&db).await;
    assert!(used > 0, "the ledger came along");

    // What is damaged, newer or in the way is refused, and changes nothing.
    let cut = folder.path().join("cut.backup");
    let bytes = std::fs::read(&file).unwrap();
    std::fs::write(&cut, &bytes[..bytes.len() - 100]).unwrap();
    let wrong = altered(&file, "wrong.backup", "AAPL", "AAPX");
    let newer = altered(&file, "newer.backup", "\"version\":1", "\"version\":2");
    for (path, says) in [(&cut, "cut short"), (&wrong, "altered"), (&newer, "format 2")] {
        let refused = tool(&after.url, &["restore", path.to_str().unwrap(), "--yes"]);
        assert_eq!(refused.status.code(), Some(1), "{says}");
        assert!(stderr(&refused).contains(says), "{}", stderr(&refused));
    }
    let refused = tool(&after.url, &["restore", name]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("--yes"), "{}", stderr(&refused));
    assert_eq!(count(&pool, "select count(*) from signal").await, signals);

    // Schedules: one tick is due and is made once.
    let due = "update queue.schedule set since = clock_timestamp() - interval '31 minutes'
        where name = 'scrape'";
    sqlx::query(due).execute(&pool).await.unwrap();
    let ticks = "select count(*) from queue.tick where schedule = 'scrape'";
    let ticked = count(&pool, ticks).await;
    let mut second = up_on(&after.url, folder.path());
    let api = second.address_after("up at").await;
    let mut stream = Stream::open(&api, Some(&last)).await;
    assert_eq!(stream.line("event: ").await, "reset", "the reader has to look at everything again");
    let (status, again) = post(&format!("{api}/jobs"), &held).await;
    assert_eq!((status, &again["duplicate"]), (200, &json!(true)), "unique keys hold: {again}");
    assert_eq!(again["id"], job["id"]);
    let more = json!({"kind": "evaluate_alerts", "args": {"cause": "restored"}});
    let (status, job) = post(&format!("{api}/jobs"), &more).await;
    assert_eq!(status, 201, "{job}");
    let id = job["id"].as_str().unwrap();
    until(&format!("{api}/api/jobs/{id}"), "its end", |_, b| b["state"] == "completed").await;
    while stream.line("event: ").await != "job" {}
    wait_until("the tick", || async { (count(&pool, ticks).await > ticked).then_some(()) }).await;
    assert_eq!(count(&pool, ticks).await, ticked + 1);
    assert!(self::used(&db).await >= used, "what was used stays used");
    let dead = "select count(*) from queue.running r join queue.process p on p.id = r.process
        where p.dead_at is not null or p.ended_at is not null";
    wait_until_within(Duration::from_secs(30), "no job with a process of before", || async {
        (count(&pool, dead).await == 0).then_some(())
    })
    .await;
    second.signal("TERM");
    assert_eq!(second.ended(Duration::from_secs(40)).await, Some(0), "{}", second.said());
}

/// Requests that the windows of all keys hold.
async fn used(db: &Db) -> i64 {
    let limits = inspect::limits(db).await.unwrap();
    limits.iter().filter_map(|limit| limit.windows.last()).map(|window| window.used).sum()
}

#[tokio::test]
async fn a_day_that_is_being_cleared_is_backed_up_as_far_as_it_has_come() {
    let folder = folder();
    let db = database(&[&bellwether_queue::MIGRATOR, &bellwether_store::MIGRATOR]).await;
    let pool = db.pool();
    sqlx::raw_sql(
        "insert into queue.queue (name) values ('notes');
        insert into queue.lane (queue, name) values ('notes', 'default');
        create table queue.done_20260101 partition of queue.done
            for values from ('2026-01-01 00:00:00+00') to ('2026-01-02 00:00:00+00');
        create table queue.done_20260102 partition of queue.done
            for values from ('2026-01-02 00:00:00+00') to ('2026-01-03 00:00:00+00');
        insert into queue.done (id, finished_at, process, claimed_at, lane, priority, kind, attempt,
            max_attempts, created_at, log)
        select nextval('queue.job_id'), '2026-01-01 12:00:00+00'::timestamptz + n % 2 * interval '1 day',
            gen_random_uuid(), now(), 1, 4, 'note', 1, 5, now(), array[E'a\\\\b\\tc\\n\\\\.\\nd', null]
        from generate_series(1, 2000) n",
    )
    .execute(&pool)
    .await
    .unwrap();
    let cleared = "select queue.detach_day('done_20260101')::text || ' '
        || (select jobs from queue.clear_day('done_20260101', 1))";
    let cleared: String = sqlx::query_scalar(cleared).fetch_one(&pool).await.unwrap();
    let cleared: i64 = cleared.strip_prefix("true ").unwrap().parse().unwrap();
    assert!(0 < cleared && cleared < 1000, "{cleared}");
    let path = folder.path().join("b");
    let file = path.to_str().unwrap();
    let written = tool(&db.url, &["backup", file]);
    assert!(written.status.success(), "{}", stderr(&written));
    let restored = tool(&db.url, &["restore", file, "--yes"]);
    assert!(restored.status.success(), "{}", stderr(&restored));
    assert_eq!(count(&pool, "select count(*) from queue.done_20260101").await, 1000 - cleared);
    assert_eq!(count(&pool, "select count(*) from queue.done_20260102").await, 1000);
    let logs = "select count(*) from queue.done where log = array[E'a\\\\b\\tc\\n\\\\.\\nd', null]";
    assert_eq!(count(&pool, logs).await, 1000);
    let mut left = 0;
    while count(&pool, "select count(*) from queue.detached_partition").await > 0 {
        left += count(&pool, "select jobs from queue.clear_day('done_20260101')").await;
    }
    assert_eq!(left, 1000 - cleared, "each job is counted out once");
    let next = count(&pool, "select nextval('queue.job_id')").await;
    assert!(next > 2000, "{next}");
}

/// The tools of a PostgreSQL that has them: the one that the npm packages bring has not.
fn has_pg_dump() -> bool {
    let there = Command::new("pg_dump").arg("--version").output().is_ok_and(|o| o.status.success());
    if !there {
        println!("skipped: there is no pg_dump");
    }
    there
}

#[tokio::test]
async fn live_events_go_on_after_pg_restore_into_another_server() {
    if !has_pg_dump() {
        return;
    }
    let folder = folder();
    let before: Database =
        database(&[&bellwether_queue::MIGRATOR, &bellwether_store::MIGRATOR]).await;
    let old = Db::direct(before.pool());
    event::emit(&old, "quote", "OLD").await.unwrap();
    let last = event::now(&old).await.unwrap();
    sqlx::query("insert into queue.edge_recheck (child, until) values (1, pg_current_xact_id())")
        .execute(&old)
        .await
        .unwrap();
    age(&before.pool()).await;
    let dump = folder.path().join("dump");
    let run = |program: &str, args: &[&str]| {
        let done = Command::new(program).args(args).output().unwrap();
        assert!(done.status.success(), "{program}: {}", String::from_utf8_lossy(&done.stderr));
    };
    let dump = dump.to_str().unwrap();
    // without what only sqlx understands
    let plain = |url: &str| url.split('?').next().unwrap().to_owned();
    run("pg_dump", &["-Fc", "-d", &plain(&before.url), "-f", dump]);
    let after = Postgres::start(20).await;
    run("pg_restore", &["--no-owner", "-d", &plain(&after.url), dump]);

    let db = Db::direct(PgPool::connect(&after.url).await.unwrap());
    assert!(event::check_epoch(&db).await.unwrap(), "the restore is noticed");
    assert!(!event::check_epoch(&db).await.unwrap(), "once");
    assert!(
        event::after(&db, last, 10).await.unwrap().is_none(),
        "old positions are told to reset"
    );
    let from = event::now(&db).await.unwrap();
    event::emit(&db, "quote", "NEW").await.unwrap();
    let events = wait_until("the event", || async {
        event::after(&db, from, 10).await.unwrap().filter(|events| !events.is_empty())
    })
    .await;
    assert_eq!(events[0].subject, "NEW");
    let unchecked = "select count(*) from queue.edge_recheck where until is null";
    assert_eq!(count(db.pool(), unchecked).await, 1);
}
