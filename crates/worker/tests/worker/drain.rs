//! A shutdown finishes what it can and gives back the rest; nothing is lost with its worker.

use std::{sync::atomic::Ordering, time::Duration};

use bellwether_queue::{Process, State};
use bellwether_worker::{Error, Workers};
use tokio_util::sync::CancellationToken;

use crate::stage::{Act, PLENTY, QUEUE, Stage};

const SHORT: Duration = Duration::from_millis(400);

#[tokio::test]
async fn what_runs_at_shutdown_is_finished_and_nothing_new_is_begun() {
    let stage = Stage::new(2).await;
    let under_way = stage.play(Act::Wait).await;
    let running = stage.run(PLENTY);
    stage.until_begun(1).await;
    stage.shutdown.cancel();
    let later = stage.play(Act::Finish).await;
    stage.scene.gate.add_permits(1);
    stage.close(running).await.unwrap();
    assert_eq!(stage.find(under_way).await.job.state, State::Completed);
    let later = stage.find(later).await.job;
    // The claim that was on its way when the shutdown came may have brought it.
    assert!(matches!(later.state, State::Available | State::Completed), "{}", later.state);
}

#[tokio::test]
async fn an_idle_worker_ends_at_once() {
    let stage = Stage::new(2).await;
    let running = stage.run(PLENTY);
    let done = stage.play(Act::Finish).await;
    stage.until(done, State::Completed).await;
    tokio::time::timeout(Duration::from_secs(10), stage.close(running))
        .await
        .expect("there is nothing to wait for")
        .unwrap();
}

#[tokio::test]
async fn what_does_not_finish_in_time_goes_back_without_spending_an_attempt() {
    let stage = Stage::new(2).await;
    let id = stage.play(Act::Hang).await;
    let running = stage.run(SHORT);
    stage.until_begun(1).await;
    stage.close(running).await.unwrap();
    let detail = stage.find(id).await;
    assert_eq!(detail.job.state, State::Available);
    assert_eq!(detail.job.attempt, 0);
    assert_eq!(detail.attempts[0].outcome, "released");
    assert_eq!(stage.scene.gone.load(Ordering::SeqCst), 1, "the handler runs no more");
}

#[tokio::test]
async fn a_handler_is_told_before_the_grace_has_run_out() {
    let stage = Stage::new(2).await;
    let id = stage.play(Act::Heed).await;
    let running = stage.run(SHORT);
    stage.until_begun(1).await;
    stage.close(running).await.unwrap();
    assert_eq!(stage.scene.heeded.load(Ordering::SeqCst), 1);
    let job = stage.find(id).await.job;
    assert_eq!(job.state, State::Available, "a failure because of the stop is none");
    assert_eq!(job.attempt, 0);
}

#[tokio::test]
async fn what_was_given_back_runs_in_the_next_process() {
    let stage = Stage::new(1).await;
    let id = stage.play(Act::Wait).await;
    let first = stage.run(SHORT);
    stage.until_begun(1).await;
    stage.close(first).await.unwrap();
    let shutdown = CancellationToken::new();
    let handlers = stage.handlers().clone();
    let second =
        tokio::spawn(bellwether_worker::run(stage.config(), handlers, shutdown.clone(), PLENTY));
    stage.scene.gate.add_permits(1);
    let detail = stage.until(id, State::Completed).await;
    shutdown.cancel();
    second.await.unwrap().unwrap();
    assert_eq!(detail.job.attempt, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_handler_that_does_not_yield_cannot_hold_up_the_shutdown() {
    let mut stage = Stage::new(2).await;
    let id = stage.play(Act::Block).await;
    let running = stage.run(SHORT);
    stage.until_begun(1).await;
    stage.close(running).await.unwrap();
    let job = stage.find(id).await.job;
    assert_eq!((job.state, job.attempt), (State::Available, 0));
    stage.unblock = None;
    stage.until_gone(1).await;
    assert_eq!(stage.find(id).await.job.state, State::Available, "its late end does not count");
}

#[tokio::test]
async fn a_dropped_run_leaves_no_job_behind() {
    let stage = Stage::new(2).await;
    let ids = [stage.play(Act::Hang).await, stage.play(Act::Heed).await];
    let running = stage.run(PLENTY);
    stage.until_begun(2).await;
    running.abort();
    for id in ids {
        let job = stage.until(id, State::Available).await.job;
        assert_eq!(job.attempt, 0);
    }
    stage.until_gone(2).await;
}

#[tokio::test]
async fn dropped_workers_report_every_attempt_they_were_given() {
    let stage = Stage::new(4).await;
    let ids = [stage.play(Act::Hang).await, stage.play(Act::Wait).await];
    let process = Process::start(stage.config()).await.unwrap();
    let workers = Workers::new(&process, &[QUEUE.to_owned()], stage.handlers());
    {
        let working = workers.run(&process, CancellationToken::new(), PLENTY);
        tokio::select! {
            _ = working => panic!("nothing told the workers to end"),
            () = stage.until_begun(2) => {}
        }
    }
    // A report is all that the process waits for.
    tokio::time::timeout(Duration::from_secs(10), process.close(PLENTY))
        .await
        .expect("every attempt was reported")
        .unwrap();
    for id in ids {
        let job = stage.find(id).await.job;
        assert_eq!((job.state, job.attempt), (State::Available, 0));
    }
}

#[tokio::test]
async fn attempts_that_nobody_began_are_reported_too() {
    let stage = Stage::new(4).await;
    let ids = [stage.play(Act::Finish).await, stage.play(Act::Finish).await];
    let process = Process::start(stage.config()).await.unwrap();
    let workers = Workers::new(&process, &[QUEUE.to_owned()], stage.handlers());
    for id in ids {
        stage.until(id, State::Running).await;
    }
    process.stop_claiming();
    drop(workers);
    tokio::time::timeout(Duration::from_secs(10), process.close(PLENTY))
        .await
        .expect("every attempt was reported")
        .unwrap();
    for id in ids {
        let job = stage.find(id).await.job;
        assert_eq!((job.state, job.attempt), (State::Available, 0));
    }
    assert_eq!(stage.scene.begun.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_queue_that_ends_by_itself_is_an_error() {
    let stage = Stage::new(1).await;
    let process = Process::start(stage.config()).await.unwrap();
    let id = stage.play(Act::Wait).await;
    let queues = [QUEUE.to_owned(), "unheard_of".to_owned()];
    let workers = Workers::new(&process, &queues, stage.handlers());
    stage.scene.gate.add_permits(1);
    let result = workers.run(&process, CancellationToken::new(), PLENTY).await;
    assert!(matches!(result, Err(Error::EndedEarly)), "{result:?}");
    let job = stage.find(id).await.job;
    assert!(matches!(job.state, State::Available | State::Completed), "{}", job.state);
}
