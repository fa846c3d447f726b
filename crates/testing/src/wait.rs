//! Waiting for a state, with a deadline at which the test fails.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// Calls `ask` until it answers and returns the answer; panics after 20 s, naming `what` was
/// awaited.
pub async fn wait_until<T, F, Fut>(what: &str, ask: F) -> T
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Option<T>>,
{
    wait_until_within(Duration::from_secs(20), what, ask).await
}

/// As [`wait_until`], with a deadline of its own.
pub async fn wait_until_within<T, F, Fut>(deadline: Duration, what: &str, mut ask: F) -> T
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Option<T>>,
{
    let begun = Instant::now();
    let mut pause = Duration::from_millis(2);
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        let waited = begun.elapsed();
        assert!(
            waited < deadline,
            "waited {:.1} s without success for {what}",
            waited.as_secs_f64()
        );
        sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_answer_that_comes_later_is_returned() {
        let mut left = 3;
        let answer = wait_until("the third answer", || {
            left -= 1;
            let answer = (left == 0).then_some("here");
            async move { answer }
        })
        .await;
        assert_eq!(answer, "here");
    }

    #[tokio::test]
    #[should_panic(expected = "without success for the moon")]
    async fn what_never_comes_is_named() {
        wait_until_within(Duration::from_millis(20), "the moon", || async { None::<()> }).await;
    }
}
