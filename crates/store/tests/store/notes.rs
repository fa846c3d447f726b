//! Notes to an operator, answers to repeated requests, and the age of an answer.

use bellwether_store::idempotency::{self, Claim};
use bellwether_store::{operator, replica};
use bellwether_testing::wait_until;
use serde_json::json;

use crate::knowing;

#[tokio::test]
async fn an_operator_is_notified_once_until_the_note_is_cleared() {
    let db = knowing(&[]).await;
    let pool = db.pool();
    let add = async |detail| operator::add(&pool, "newsapi", "bad_key", detail).await.unwrap();
    assert!(add("first").await);
    assert!(!add("second").await);
    let notes = operator::list(&pool).await.unwrap();
    assert_eq!((notes.len(), notes[0].count, notes[0].detail.as_str()), (1, 2, "second"));
    assert!(notes[0].last_at > notes[0].first_at);
    assert_eq!(operator::clear(&pool, "newsapi").await.unwrap(), 1);
    assert_eq!(operator::clear(&pool, "newsapi").await.unwrap(), 0);
    assert!(add("third").await);
}

#[tokio::test]
async fn a_repeated_request_gets_the_first_answer() {
    let db = knowing(&[]).await;
    let mut conn = db.pool().acquire().await.unwrap();
    assert_eq!(idempotency::claim(&mut conn, "jobs", "k", "h").await.unwrap(), Claim::First);
    assert_eq!(idempotency::claim(&mut conn, "jobs", "k", "h").await.unwrap(), Claim::Unanswered);
    let body = json!({"id": "1"});
    assert!(idempotency::keep(&mut *conn, "jobs", "k", 201, &body).await.unwrap());
    assert!(!idempotency::keep(&mut *conn, "jobs", "k", 500, &json!({})).await.unwrap());
    let again = idempotency::claim(&mut conn, "jobs", "k", "h").await.unwrap();
    assert_eq!(again, Claim::Answered { status: 201, body });
    assert_eq!(idempotency::claim(&mut conn, "jobs", "k", "x").await.unwrap(), Claim::Mismatch);
    assert_eq!(idempotency::claim(&mut conn, "else", "k", "x").await.unwrap(), Claim::First);
}

#[tokio::test]
async fn a_key_is_free_again_after_a_day() {
    let db = knowing(&[]).await;
    let pool = db.pool();
    let mut conn = pool.acquire().await.unwrap();
    let age = "update idempotency_key set created_at = created_at - interval '25 hours'";
    idempotency::claim(&mut conn, "jobs", "k", "h").await.unwrap();
    assert_eq!(idempotency::prune(&pool).await.unwrap(), 0);
    sqlx::query(age).execute(&pool).await.unwrap();
    assert_eq!(idempotency::claim(&mut conn, "jobs", "k", "other").await.unwrap(), Claim::First);
    sqlx::query(age).execute(&pool).await.unwrap();
    assert_eq!(idempotency::prune(&pool).await.unwrap(), 1);
}

#[tokio::test]
async fn a_repetition_waits_for_the_first_and_takes_over_if_that_fails() {
    let db = knowing(&[]).await;
    let pool = db.pool();
    let mut first = pool.begin().await.unwrap();
    assert_eq!(idempotency::claim(&mut first, "jobs", "k", "h").await.unwrap(), Claim::First);
    let repetition = tokio::spawn({
        let pool = pool.clone();
        async move {
            let mut tx = pool.begin().await.unwrap();
            let claim = idempotency::claim(&mut tx, "jobs", "k", "h").await.unwrap();
            tx.commit().await.unwrap();
            claim
        }
    });
    let waiting = "select count(*) from pg_stat_activity
                   where datname = current_database() and wait_event_type = 'Lock'";
    wait_until("the repetition to wait", || async {
        let waits: i64 = sqlx::query_scalar(waiting).fetch_one(&pool).await.unwrap();
        (waits == 1).then_some(())
    })
    .await;
    first.rollback().await.unwrap();
    assert_eq!(repetition.await.unwrap(), Claim::First);
}

#[tokio::test]
async fn a_primary_is_not_behind() {
    let db = knowing(&[]).await;
    assert_eq!(replica::lag(&db.pool()).await.unwrap(), 0.0);
}
