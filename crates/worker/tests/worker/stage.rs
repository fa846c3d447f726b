//! A queue of one test, its kinds, and what their handlers were seen to do.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    time::Duration,
};

use bellwether_queue::{
    Attempt, Config, Db, Failure, Handlers, Job, JobArgs, JobId, MIGRATOR, NewJob, QueueConfig,
    State, enqueue_all, inspect,
};
use bellwether_testing::{Database, database, wait_until};
use bellwether_worker::{Error, run};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::{sync::Semaphore, task::JoinHandle};
use tokio_util::sync::CancellationToken;

pub(crate) const QUEUE: &str = "stage";
/// Long enough for anything that is going to end.
pub(crate) const PLENTY: Duration = Duration::from_secs(30);

/// Acts of handlers, and counts of them.
#[derive(Clone)]
pub(crate) struct Scene(Arc<Counts>);

pub(crate) struct Counts {
    pub(crate) begun: AtomicUsize,
    /// Handlers whose future is gone, finished or dropped.
    pub(crate) gone: AtomicUsize,
    /// Handlers that stopped because their token fired.
    pub(crate) heeded: AtomicUsize,
    /// Most handlers at a time.
    pub(crate) peak: AtomicUsize,
    now: AtomicUsize,
    /// `Wait` jobs go on when it has permits.
    pub(crate) gate: Semaphore,
    /// `Block` jobs block their thread until this ends.
    blocked: std::sync::Mutex<Option<mpsc::Receiver<()>>>,
}

impl std::ops::Deref for Scene {
    type Target = Counts;

    fn deref(&self) -> &Counts {
        &self.0
    }
}

impl Scene {
    fn new(blocked: mpsc::Receiver<()>) -> Self {
        Self(Arc::new(Counts {
            begun: AtomicUsize::new(0),
            gone: AtomicUsize::new(0),
            heeded: AtomicUsize::new(0),
            peak: AtomicUsize::new(0),
            now: AtomicUsize::new(0),
            gate: Semaphore::new(0),
            blocked: std::sync::Mutex::new(Some(blocked)),
        }))
    }

    fn enter(&self) -> Inside {
        self.begun.fetch_add(1, Ordering::SeqCst);
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.peak.fetch_max(now, Ordering::SeqCst);
        Inside(self.clone())
    }
}

/// Leaves when the handler's future is dropped, for whatever reason.
struct Inside(Scene);

impl Drop for Inside {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::SeqCst);
        self.0.gone.fetch_add(1, Ordering::SeqCst);
    }
}

/// One thing to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Act {
    Finish,
    /// Completes in a transaction of its own, then fails.
    CompleteThenFail,
    Fail,
    Discard,
    Snooze,
    Panic,
    /// Finishes once the gate has a permit.
    Wait,
    /// Never ends and does not heed its token.
    Hang,
    /// Fails as soon as its token fires.
    Heed,
    /// Blocks its thread until the stage is torn down.
    Block,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Play {
    pub(crate) act: Act,
}

/// A job without arguments.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Overrun {}

#[derive(Clone)]
pub(crate) struct World {
    pub(crate) scene: Scene,
    pool: Db,
}

impl JobArgs for Play {
    const KIND: &'static str = "play";
    const QUEUE: &'static str = QUEUE;
}

impl Job for Play {
    type Context = World;
    type Output = ();

    async fn run(self, cx: World, attempt: &Attempt) -> Result<(), Failure> {
        let scene = cx.scene;
        let _inside = scene.enter();
        match self.act {
            Act::Finish => Ok(()),
            Act::CompleteThenFail => {
                let mut tx = cx.pool.begin().await.map_err(Failure::retry)?;
                attempt.complete_in(&mut tx).await.map_err(Failure::retry)?;
                tx.commit().await.map_err(Failure::retry)?;
                Err(Failure::retry("too late to fail"))
            }
            Act::Fail => Err(Failure::retry("the props are missing")),
            Act::Discard => Err(Failure::discard("the play is banned")),
            Act::Snooze => Err(Failure::snooze(Duration::from_hours(1), "not before eight")),
            Act::Panic => panic!("the stage is on {}", "fire"),
            Act::Wait => {
                scene.gate.acquire().await.expect("the gate stays open").forget();
                Ok(())
            }
            Act::Hang => std::future::pending().await,
            Act::Heed => {
                attempt.cancelled().cancelled().await;
                scene.heeded.fetch_add(1, Ordering::SeqCst);
                Err(Failure::retry("told to stop"))
            }
            Act::Block => {
                let blocked = scene.blocked.lock().unwrap().take();
                if let Some(blocked) = blocked {
                    let _ = blocked.recv();
                }
                Ok(())
            }
        }
    }
}

impl JobArgs for Overrun {
    const KIND: &'static str = "overrun";
    const QUEUE: &'static str = QUEUE;
    const TIMEOUT: Duration = Duration::from_millis(50);
}

impl Job for Overrun {
    type Context = World;
    type Output = ();

    async fn run(self, cx: World, _: &Attempt) -> Result<(), Failure> {
        let _inside = cx.scene.enter();
        std::future::pending().await
    }
}

pub(crate) struct Stage {
    pub(crate) scene: Scene,
    pub(crate) pool: Db,
    pub(crate) shutdown: CancellationToken,
    config: Config,
    handlers: Arc<Handlers>,
    /// Dropped to let `Block` jobs go on.
    pub(crate) unblock: Option<mpsc::Sender<()>>,
    _database: Database,
}

impl Stage {
    /// With room for `concurrency` jobs at a time.
    pub(crate) async fn new(concurrency: usize) -> Self {
        let database = database(&[&MIGRATOR]).await;
        let pool = Db::direct(database.pool());
        let (unblock, blocked) = mpsc::channel();
        let scene = Scene::new(blocked);
        let world = World { scene: scene.clone(), pool: pool.clone() };
        let handlers = Handlers::new().with::<Play>(world.clone()).with::<Overrun>(world);
        let config = Config {
            pool: pool.clone(),
            direct: database.options(),
            listen: true,
            name: "stage@here:1".to_owned(),
            version: "test".to_owned(),
            queues: vec![QueueConfig { name: QUEUE.to_owned(), concurrency }],
            registry: handlers.registry().clone(),
        };
        Self {
            scene,
            pool,
            shutdown: CancellationToken::new(),
            config,
            handlers: Arc::new(handlers),
            unblock: Some(unblock),
            _database: database,
        }
    }

    pub(crate) fn config(&self) -> Config {
        self.config.clone()
    }

    pub(crate) fn handlers(&self) -> &Arc<Handlers> {
        &self.handlers
    }

    /// Works until `shutdown` fires.
    pub(crate) fn run(&self, grace: Duration) -> JoinHandle<Result<(), Error>> {
        let handlers = Arc::clone(&self.handlers);
        tokio::spawn(run(self.config(), handlers, self.shutdown.clone(), grace))
    }

    pub(crate) async fn play(&self, act: Act) -> JobId {
        self.add(NewJob::of(&Play { act })).await
    }

    pub(crate) async fn play_with_args(&self, args: Value) -> JobId {
        self.add(NewJob { args, ..NewJob::of(&Play { act: Act::Finish }) }).await
    }

    pub(crate) async fn add(&self, job: NewJob) -> JobId {
        self.add_all(&[job]).await[0]
    }

    pub(crate) async fn add_all(&self, jobs: &[NewJob]) -> Vec<JobId> {
        let mut connection = self.pool.pool().acquire().await.unwrap();
        let added = enqueue_all(&mut *connection, jobs).await.unwrap();
        added.into_iter().map(|job| job.id).collect()
    }

    pub(crate) async fn find(&self, id: JobId) -> inspect::JobDetail {
        inspect::find(&self.pool, id).await.unwrap().expect("the job is kept")
    }

    /// Waits for the job to be in a state.
    pub(crate) async fn until(&self, id: JobId, state: State) -> inspect::JobDetail {
        wait_until(&format!("job {id} to be {state}"), || async {
            Some(self.find(id).await).filter(|detail| detail.job.state == state)
        })
        .await
    }

    /// Waits for a handler's count to be reached.
    pub(crate) async fn until_count(
        &self,
        what: &str,
        count: fn(&Counts) -> &AtomicUsize,
        n: usize,
    ) {
        wait_until(&format!("{n} handlers to have {what}"), || async {
            (count(&self.scene).load(Ordering::SeqCst) >= n).then_some(())
        })
        .await;
    }

    pub(crate) async fn until_begun(&self, n: usize) {
        self.until_count("begun", |counts| &counts.begun, n).await;
    }

    pub(crate) async fn until_gone(&self, n: usize) {
        self.until_count("gone", |counts| &counts.gone, n).await;
    }

    /// Shuts down and waits for the end.
    pub(crate) async fn close(&self, running: JoinHandle<Result<(), Error>>) -> Result<(), Error> {
        self.shutdown.cancel();
        running.await.expect("run never panics")
    }
}
