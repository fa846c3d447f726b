//! Answers that requests share for a short time, so that frequent requests cost one statement.

use std::time::Duration;

use tokio::{sync::Mutex, time::Instant};

/// The last answer, and the time when it was made. While one request makes the next, others wait
/// for it.
pub(crate) struct Cached<T> {
    keep: Duration,
    last: Mutex<Option<(Instant, T)>>,
}

impl<T: Clone> Cached<T> {
    pub(crate) fn new(keep: Duration) -> Self {
        Self { keep, last: Mutex::new(None) }
    }

    /// Returns the last answer if it is recent enough, otherwise a new one.
    pub(crate) async fn get(&self, make: impl Future<Output = T>) -> T {
        let mut last = self.last.lock().await;
        if let Some((at, answer)) = &*last
            && at.elapsed() < self.keep
        {
            return answer.clone();
        }
        let answer = make.await;
        *last = Some((Instant::now(), answer.clone()));
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_made_again_only_once_it_is_old() {
        let cached = Cached::new(Duration::from_secs(1));
        assert_eq!(cached.get(async { 1 }).await, 1);
        assert_eq!(cached.get(async { 2 }).await, 1);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(cached.get(async { 3 }).await, 3);
    }
}
