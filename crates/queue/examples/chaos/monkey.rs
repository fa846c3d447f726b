//! Faults of the server, of its connections, and of the workers.

use std::{
    process::{Child, Command, Stdio},
    time::Duration,
};

use bellwether_queue::Db;
use bellwether_testing::{Postgres, wait_until_within};
use rand::{RngExt, rngs::StdRng, seq::SliceRandom};
use rustix::process::{Pid, Signal, kill_process};
use sqlx::{ConnectOptions, Connection, Executor, PgConnection, postgres::PgConnectOptions};
use tokio::time::{Instant, sleep};

use crate::load::{Error, KEY};

const DEATH: Duration = Duration::from_mins(1);

/// Number of each fault.
#[derive(Default, Debug)]
pub(crate) struct Done {
    pub(crate) crashes: u32,
    pub(crate) terminations: u32,
    pub(crate) exhaustions: u32,
    pub(crate) kills: u32,
    pub(crate) freezes: u32,
    pub(crate) locked_claims: u32,
}

#[derive(Clone, Copy)]
enum Mischief {
    Crash,
    Terminate,
    Exhaust,
    Kill,
    Freeze,
    LockedClaim,
}

/// A worker process that this program started.
struct Worker {
    name: String,
    child: Child,
}

impl Worker {
    fn start(url: &str, name: String) -> Result<Self, Error> {
        let child = Command::new(std::env::current_exe()?)
            .args(["worker", url, &name])
            .stdin(Stdio::piped())
            .spawn()?;
        Ok(Self { name, child })
    }

    fn signal(&self, signal: Signal) {
        if let Some(pid) = Pid::from_raw(self.child.id().cast_signed()) {
            let _ = kill_process(pid, signal);
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) struct Monkey {
    pub(crate) postgres: Postgres,
    pub(crate) done: Done,
    /// Workers that were killed or frozen.
    pub(crate) victims: Vec<String>,
    db: Db,
    options: PgConnectOptions,
    workers: Vec<Worker>,
    started: u32,
    rng: StdRng,
    /// Time for which a worker stays frozen after it was declared dead.
    frozen: Duration,
}

impl Monkey {
    pub(crate) fn new(
        postgres: Postgres,
        db: Db,
        options: PgConnectOptions,
        rng: StdRng,
        frozen: Duration,
    ) -> Self {
        let done = Done::default();
        let (victims, workers) = (Vec::new(), Vec::new());
        Self { postgres, done, victims, db, options, workers, started: 0, rng, frozen }
    }

    pub(crate) fn start_worker(&mut self) -> Result<(), Error> {
        self.started += 1;
        self.workers.push(Worker::start(&self.postgres.url, format!("worker {}", self.started))?);
        Ok(())
    }

    /// Stops the database for a while with all workers alive.
    pub(crate) async fn outage(&mut self, long: Duration) {
        self.postgres.stop().await;
        sleep(long).await;
        self.postgres.start_again().await;
    }

    /// Causes every fault once in a random order, again and again until `until` has passed.
    pub(crate) async fn rage(&mut self, until: Instant) -> Result<(), Error> {
        use Mischief::{Crash, Exhaust, Freeze, Kill, LockedClaim, Terminate};
        let mut first = true;
        while first || Instant::now() < until {
            let mut round = [Crash, Terminate, Exhaust, Kill, Freeze, LockedClaim];
            round.shuffle(&mut self.rng);
            for mischief in round {
                // The first round leaves out the second freeze: each takes until the worker is
                // declared dead.
                if first && self.frozen.is_zero() && matches!(mischief, Freeze) {
                    continue;
                }
                if !first && Instant::now() >= until {
                    break;
                }
                self.make(mischief).await?;
                sleep(Duration::from_millis(self.rng.random_range(200..1_500))).await;
            }
            first = false;
        }
        Ok(())
    }

    async fn make(&mut self, mischief: Mischief) -> Result<(), Error> {
        match mischief {
            Mischief::Crash => {
                say("PostgreSQL restarts in immediate mode");
                self.postgres.crash().await;
                self.postgres.start_again().await;
                self.done.crashes += 1;
            }
            Mischief::Terminate => {
                say("every session is terminated, three times");
                for _ in 0..3 {
                    self.terminate().await?;
                    sleep(Duration::from_millis(self.rng.random_range(50..400))).await;
                }
                self.done.terminations += 1;
            }
            Mischief::Exhaust => {
                say("every connection is taken");
                self.exhaust().await;
                self.done.exhaustions += 1;
            }
            Mischief::Kill => {
                let victim = self.rng.random_range(0..self.workers.len());
                let victim = self.workers.swap_remove(victim);
                say(&format!("{} is killed", victim.name));
                self.victims.push(victim.name.clone());
                drop(victim);
                self.start_worker()?;
                self.done.kills += 1;
            }
            Mischief::Freeze => {
                self.freeze().await?;
                self.done.freezes += 1;
            }
            Mischief::LockedClaim => {
                let mut keeper = self.options.connect().await?;
                keeper.execute("begin").await?;
                sqlx::query("select from queue.limit_key where name = $1 for update")
                    .bind(KEY)
                    .execute(&mut keeper)
                    .await?;
                say("the limit key is locked, so that claims wait");
                self.until_claims_wait().await;
                self.freeze().await?;
                keeper.execute("rollback").await?;
                keeper.close().await.ok();
                self.done.locked_claims += 1;
            }
        }
        Ok(())
    }

    async fn terminate(&self) -> Result<(), Error> {
        let mut admin = self.options.connect().await?;
        admin
            .execute(
                "select pg_terminate_backend(pid) from pg_stat_activity
                where datname = current_database() and pid <> pg_backend_pid()",
            )
            .await?;
        admin.close().await.ok();
        Ok(())
    }

    /// Takes every connection, ending those of others first.
    async fn exhaust(&mut self) {
        let mut taken: Vec<PgConnection> = Vec::new();
        let end = Instant::now() + Duration::from_secs(4);
        while Instant::now() < end {
            match self.options.connect().await {
                Ok(connection) => taken.push(connection),
                Err(_) => sleep(Duration::from_millis(20)).await,
            }
            if let Some(connection) = taken.first_mut() {
                let _ = connection
                    .execute(
                        "select pg_terminate_backend(pid) from pg_stat_activity
                        where datname = current_database() and application_name like 'worker%'",
                    )
                    .await;
            }
        }
    }

    /// Freezes a worker for long enough to be declared dead, then lets it continue.
    async fn freeze(&mut self) -> Result<(), Error> {
        let n = self.rng.random_range(0..self.workers.len());
        let victim = &self.workers[n];
        say(&format!("{} is stopped until it is dead", victim.name));
        self.victims.push(victim.name.clone());
        victim.signal(Signal::STOP);
        let dead = "select true from queue.process where name = $1 and dead_at is not null
            and dead_at > clock_timestamp() - interval '1 minute'";
        wait_until_within(DEATH, "a declaration of death", || async {
            let asked = sqlx::query_scalar::<_, bool>(dead).bind(&victim.name);
            asked.fetch_optional(&self.db).await.ok().flatten()
        })
        .await;
        sleep(self.frozen).await;
        say(&format!("{} goes on", victim.name));
        victim.signal(Signal::CONT);
        Ok(())
    }

    async fn until_claims_wait(&self) {
        let waiting = "select count(*) from pg_stat_activity
            where wait_event_type = 'Lock' and query like '%queue.claim%'";
        wait_until_within(DEATH, "claims that wait", || async {
            let n: i64 = sqlx::query_scalar(waiting).fetch_one(&self.db).await.ok()?;
            (n > 0).then_some(())
        })
        .await;
    }

    /// Tells every worker to stop, and waits for each.
    pub(crate) fn close(&mut self) -> Result<(), Error> {
        for worker in &self.workers {
            worker.signal(Signal::TERM);
        }
        for worker in &mut self.workers {
            let status = worker.child.wait()?;
            if !status.success() {
                return Err(format!("{} ended with {status}", worker.name).into());
            }
        }
        Ok(())
    }
}

pub(crate) fn say(what: &str) {
    println!("  {what}");
}
