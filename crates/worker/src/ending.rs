//! How an attempt ended, on its way out through the layers.

use std::fmt;

use bellwether_queue::{Attempt, Failure, Outcome, Verdict};
use tokio::task::JoinError;

/// What apalis' services pass as an error.
pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Every ending but a good one, as the error of a service.
#[derive(Debug)]
pub(crate) struct Ending(pub(crate) Outcome);

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

impl std::error::Error for Ending {}

impl From<Outcome> for Ending {
    fn from(outcome: Outcome) -> Self {
        Self(outcome)
    }
}

/// The outcome that a service's answer stands for.
pub(crate) fn outcome(answer: Result<(), BoxError>) -> Outcome {
    let Err(error) = answer else { return Outcome::Complete };
    let error = match error.downcast::<Ending>() {
        Ok(ending) => return ending.0,
        Err(other) => other,
    };
    match error.downcast::<JoinError>() {
        // The tokio task was aborted by nobody here: the runtime is shutting down.
        Ok(join) if join.is_cancelled() => Outcome::Released,
        Ok(join) => Outcome::Panicked(panic_text(&*join.into_panic())),
        Err(other) => Outcome::Failed(Failure::retry(other)),
    }
}

/// What an ending means for an attempt that was told to stop: a handler that fails then fails
/// because of it, and that spends no attempt.
pub(crate) fn after_stop(attempt: &Attempt, ending: Outcome) -> Outcome {
    match ending {
        Outcome::Complete => Outcome::Complete,
        _ if attempt.called_off() => Outcome::Cancelled,
        Outcome::Failed(Failure { verdict: Verdict::Retry { .. }, .. }) => Outcome::Released,
        other => other,
    }
}

/// The text that a panic was raised with.
pub(crate) fn panic_text(payload: &(dyn std::any::Any + Send)) -> String {
    payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a text".to_owned())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn boxed(outcome: Outcome) -> Result<(), BoxError> {
        Err(Box::new(Ending(outcome)))
    }

    #[test]
    fn a_good_answer_is_a_completion() {
        assert!(matches!(outcome(Ok(())), Outcome::Complete));
    }

    #[test]
    fn an_ending_passes_the_layers_unchanged() {
        let verdict = Verdict::Snooze { after: Duration::from_secs(3) };
        let Outcome::Failed(failure) = outcome(boxed(Outcome::Failed(Failure::new(verdict, "x"))))
        else {
            panic!("the ending was changed on its way");
        };
        assert_eq!(failure.verdict, verdict);
        assert_eq!(failure.message(), "x");
        assert!(matches!(outcome(boxed(Outcome::TimedOut)), Outcome::TimedOut));
    }

    #[test]
    fn a_foreign_error_is_a_failure_to_retry() {
        let Outcome::Failed(failure) = outcome(Err("from some layer".into())) else {
            panic!("a foreign error is a failure");
        };
        assert_eq!(failure.verdict, Verdict::Retry { after: None });
        assert_eq!(failure.message(), "from some layer");
    }

    #[tokio::test]
    async fn a_job_whose_tokio_task_was_aborted_is_released() {
        let running = tokio::spawn(std::future::pending::<()>());
        running.abort();
        let error = running.await.unwrap_err();
        assert!(matches!(outcome(Err(Box::new(error))), Outcome::Released));
    }

    #[tokio::test]
    async fn a_panic_that_escapes_its_layer_keeps_its_text() {
        let error = tokio::spawn(async { panic!("escaped {}", 1) }).await.unwrap_err();
        let Outcome::Panicked(text) = outcome(Err(Box::new(error))) else {
            panic!("a panic is an outcome");
        };
        assert_eq!(text, "escaped 1");
    }

    #[test]
    fn each_ending_has_the_name_that_its_row_has() {
        let endings = [
            (Outcome::Complete, "completed"),
            (Outcome::Failed(Failure::retry("x")), "failed"),
            (Outcome::Failed(Failure::discard("x")), "discarded"),
            (Outcome::Failed(Failure::throttle("x")), "throttled"),
            (Outcome::Failed(Failure::snooze(Duration::ZERO, "x")), "snoozed"),
            (Outcome::Panicked("x".to_owned()), "panicked"),
            (Outcome::TimedOut, "timed_out"),
            (Outcome::Undecodable("x".to_owned()), "undecodable"),
            (Outcome::Cancelled, "cancelled"),
            (Outcome::Released, "released"),
        ];
        for (outcome, name) in endings {
            assert_eq!(outcome.as_str(), name);
        }
    }

    #[test]
    fn a_panic_without_a_text_says_so() {
        assert_eq!(panic_text(&"plain"), "plain");
        assert_eq!(panic_text(&"owned".to_owned()), "owned");
        assert_eq!(panic_text(&7_u8), "a panic without a text");
    }
}
