//! Every way a handler can end is an outcome that people see.

use std::sync::atomic::Ordering;

use bellwether_queue::{NewJob, State};
use serde_json::json;

use crate::stage::{Act, Overrun, PLENTY, Play, Stage};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_job_is_run_once_and_completed() {
    let stage = Stage::new(8).await;
    let jobs: Vec<NewJob> = (0..100).map(|_| NewJob::of(&Play { act: Act::Finish })).collect();
    let ids = stage.add_all(&jobs).await;
    let running = stage.run(PLENTY);
    for id in &ids {
        let detail = stage.until(*id, State::Completed).await;
        assert_eq!(detail.job.attempt, 1);
    }
    stage.close(running).await.unwrap();
    assert_eq!(stage.scene.begun.load(Ordering::SeqCst), ids.len());
}

#[tokio::test]
async fn a_queue_never_runs_more_jobs_than_it_has_slots() {
    let stage = Stage::new(3).await;
    let jobs: Vec<NewJob> = (0..9).map(|_| NewJob::of(&Play { act: Act::Wait })).collect();
    let ids = stage.add_all(&jobs).await;
    let running = stage.run(PLENTY);
    stage.until_begun(3).await;
    stage.scene.gate.add_permits(ids.len());
    for id in ids {
        stage.until(id, State::Completed).await;
    }
    stage.close(running).await.unwrap();
    assert_eq!(stage.scene.peak.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_failure_is_tried_again_later() {
    let stage = Stage::new(2).await;
    let id = stage.play(Act::Fail).await;
    let running = stage.run(PLENTY);
    let detail = stage.until(id, State::Retryable).await;
    stage.close(running).await.unwrap();
    assert_eq!(detail.job.attempt, 1);
    assert!(detail.job.due_at.is_some());
    assert_eq!(detail.attempts[0].outcome, "failed");
    assert_eq!(detail.attempts[0].error.as_deref(), Some("the props are missing"));
}

#[tokio::test]
async fn a_failure_for_good_is_discarded_at_once() {
    let stage = Stage::new(2).await;
    let id = stage.play(Act::Discard).await;
    let running = stage.run(PLENTY);
    let detail = stage.until(id, State::Discarded).await;
    stage.close(running).await.unwrap();
    assert_eq!(detail.job.attempt, 1);
    assert_eq!(detail.attempts[0].outcome, "discarded");
    assert_eq!(detail.attempts[0].error.as_deref(), Some("the play is banned"));
}

#[tokio::test]
async fn a_snooze_spends_no_attempt() {
    let stage = Stage::new(2).await;
    let id = stage.play(Act::Snooze).await;
    let running = stage.run(PLENTY);
    let detail = stage.until(id, State::Scheduled).await;
    stage.close(running).await.unwrap();
    assert_eq!(detail.job.attempt, 0);
    assert_eq!(detail.attempts[0].outcome, "snoozed");
}

#[tokio::test]
async fn a_panic_is_an_outcome_and_ends_nothing_else() {
    let stage = Stage::new(1).await;
    let panics = stage.play(Act::Panic).await;
    let after = stage.play(Act::Finish).await;
    let running = stage.run(PLENTY);
    let detail = stage.until(panics, State::Retryable).await;
    stage.until(after, State::Completed).await;
    stage.close(running).await.unwrap();
    assert_eq!(detail.attempts[0].outcome, "panicked");
    let error = detail.attempts[0].error.clone().unwrap_or_default();
    assert!(error.contains("the stage is on fire"), "{error}");
}

#[tokio::test]
async fn a_handler_that_runs_too_long_is_aborted() {
    let stage = Stage::new(1).await;
    let id = stage.add(NewJob::of(&Overrun {})).await;
    let running = stage.run(PLENTY);
    let detail = stage.until(id, State::Retryable).await;
    assert_eq!(detail.attempts[0].outcome, "timed_out");
    stage.until_gone(1).await;
    stage.close(running).await.unwrap();
}

#[tokio::test]
async fn arguments_that_do_not_fit_discard_the_job_and_spare_the_worker() {
    let stage = Stage::new(1).await;
    let poison = stage.play_with_args(json!({ "act": "of_god" })).await;
    let none = stage.play_with_args(json!(null)).await;
    let after = stage.play(Act::Finish).await;
    let running = stage.run(PLENTY);
    for id in [poison, none] {
        let detail = stage.until(id, State::Discarded).await;
        assert_eq!(detail.attempts[0].outcome, "undecodable");
        assert!(detail.attempts[0].error.is_some());
    }
    stage.until(after, State::Completed).await;
    stage.close(running).await.unwrap();
    assert_eq!(stage.scene.begun.load(Ordering::SeqCst), 1, "only the good one was begun");
}

#[tokio::test]
async fn a_completion_in_a_transaction_outweighs_a_later_failure() {
    let stage = Stage::new(1).await;
    let id = stage.play(Act::CompleteThenFail).await;
    let running = stage.run(PLENTY);
    stage.until(id, State::Completed).await;
    stage.close(running).await.unwrap();
    assert_eq!(stage.find(id).await.job.state, State::Completed);
    assert_eq!(stage.scene.begun.load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_handler_that_blocks_its_thread_does_not_hold_up_the_others() {
    let mut stage = Stage::new(4).await;
    let blocks = stage.play(Act::Block).await;
    let running = stage.run(PLENTY);
    stage.until_begun(1).await;
    let other = stage.play(Act::Finish).await;
    stage.until(other, State::Completed).await;
    assert_eq!(stage.find(blocks).await.job.state, State::Running);
    stage.unblock = None;
    stage.until(blocks, State::Completed).await;
    stage.close(running).await.unwrap();
}
