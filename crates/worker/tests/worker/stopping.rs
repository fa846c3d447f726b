//! A job that is cancelled, or that another process has taken over, stops, by itself or not.

use std::{sync::atomic::Ordering, time::Duration};

use bellwether_queue::{
    State,
    control::{self, Commanded},
};

use crate::stage::{Act, PLENTY, Stage};

#[tokio::test]
async fn a_called_off_handler_may_stop_by_itself() {
    let stage = Stage::new(1).await;
    let id = stage.play(Act::Heed).await;
    let running = stage.run(PLENTY);
    stage.until_begun(1).await;
    let commanded = control::cancel(&stage.pool, id).await.unwrap();
    assert_eq!(commanded, Commanded::Done(State::Running));
    let detail = stage.until(id, State::Cancelled).await;
    stage.close(running).await.unwrap();
    assert_eq!(stage.scene.heeded.load(Ordering::SeqCst), 1);
    assert_eq!(detail.attempts[0].outcome, "cancelled");
}

#[tokio::test]
async fn a_called_off_handler_that_goes_on_is_aborted() {
    let stage = Stage::new(1).await;
    let id = stage.play(Act::Hang).await;
    let running = stage.run(PLENTY);
    stage.until_begun(1).await;
    control::cancel(&stage.pool, id).await.unwrap();
    stage.until(id, State::Cancelled).await;
    stage.until_gone(1).await;
    let after = stage.play(Act::Finish).await;
    stage.until(after, State::Completed).await;
    stage.close(running).await.unwrap();
}

#[tokio::test]
async fn a_handler_that_finishes_although_it_was_called_off_has_finished() {
    let stage = Stage::new(1).await;
    let id = stage.play(Act::Wait).await;
    let running = stage.run(PLENTY);
    stage.until_begun(1).await;
    control::cancel(&stage.pool, id).await.unwrap();
    stage.scene.gate.add_permits(1);
    stage.until(id, State::Completed).await;
    stage.close(running).await.unwrap();
}

#[tokio::test]
async fn a_handler_stops_when_its_job_belongs_to_somebody_else() {
    let stage = Stage::new(1).await;
    let id = stage.play(Act::Heed).await;
    let running = stage.run(Duration::from_millis(400));
    stage.until_begun(1).await;
    // As a rescue by a peer would do that took this process for dead.
    sqlx::query("update queue.running set process = gen_random_uuid() where id = $1")
        .bind(id.0)
        .execute(&stage.pool)
        .await
        .unwrap();
    stage.until_count("heeded", |counts| &counts.heeded, 1).await;
    // The stranger is no process, so the job is rescued and runs again.
    stage.until_begun(2).await;
    stage.close(running).await.unwrap();
    let detail = stage.find(id).await;
    assert_eq!(detail.attempts[0].outcome, "lost");
    assert_eq!(detail.job.state, State::Available);
}
