//! Wrong tokens: counted by the address that sent them, so that guessing one takes too long.

use std::{
    collections::{HashMap, HashSet},
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// Delay of the answer to a wrong token.
pub(crate) const DELAY: Duration = Duration::from_millis(500);
/// Different wrong tokens that an address may send within [`WINDOW`].
const MOST: usize = 20;
const WINDOW: Duration = Duration::from_mins(10);
/// Addresses that are remembered at a time.
const ADDRESSES: usize = 10_000;

/// The wrong tokens of the last minutes. A repeated one, as of a page that was left open while the
/// tokens changed, counts once.
#[derive(Default)]
pub(crate) struct Failures(Mutex<HashMap<IpAddr, Wrong>>);

struct Wrong {
    since: Instant,
    /// Truncated digests.
    tokens: HashSet<u64>,
}

impl Failures {
    /// `Err`: the time until this address may send a token again.
    pub(crate) fn check(&self, address: IpAddr) -> Result<(), Duration> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match known.get(&address) {
            Some(wrong) if wrong.tokens.len() >= MOST => {
                match WINDOW.checked_sub(wrong.since.elapsed()) {
                    Some(left) if !left.is_zero() => Err(left),
                    _ => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }

    /// Counts a wrong token, and logs an address's first and last one of a window.
    pub(crate) fn add(&self, address: IpAddr, digest: u64) {
        metrics::counter!("bellwether_http_wrong_tokens_total").increment(1);
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= ADDRESSES && !known.contains_key(&address) {
            known.retain(|_, wrong| wrong.since.elapsed() < WINDOW);
            if known.len() >= ADDRESSES {
                known.clear();
            }
        }
        let fresh = || Wrong { since: Instant::now(), tokens: HashSet::new() };
        let wrong = known.entry(address).or_insert_with(fresh);
        if wrong.since.elapsed() >= WINDOW {
            *wrong = fresh();
        }
        let new = wrong.tokens.insert(digest);
        match wrong.tokens.len() {
            1 if new => tracing::warn!(client = %address, "a client sent an unknown token"),
            MOST if new => tracing::warn!(
                client = %address,
                tokens = MOST,
                blocked_s = WINDOW.saturating_sub(wrong.since.elapsed()).as_secs(),
                "a client sent too many unknown tokens: its requests with a token are refused"
            ),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_address_that_guesses_is_refused_for_a_while() {
        let failures = Failures::default();
        let [one, other] = ["192.0.2.1", "192.0.2.2"].map(|ip| ip.parse::<IpAddr>().unwrap());
        for _ in 0..1000 {
            failures.add(one, 0);
        }
        assert_eq!(failures.check(one), Ok(()), "the same token is no guess");
        for digest in 1..MOST as u64 {
            failures.add(one, digest);
        }
        assert_eq!(failures.check(one), Err(WINDOW));
        assert_eq!(failures.check(other), Ok(()));
        tokio::time::advance(WINDOW).await;
        assert_eq!(failures.check(one), Ok(()));
        failures.add(one, 1);
        assert_eq!(failures.check(one), Ok(()), "a new window has begun");
    }
}
