//! Quotas under fire: five workers that are killed and frozen at random, tight windows, and the
//! provider sandbox's own count as the referee. `just rehearse quota [SECONDS]` runs it.

#[path = "../binary/support.rs"]
#[expect(dead_code, reason = "the other tests of the binary use the rest")]
mod support;

mod estimates;
mod fire;
mod head_of_line;
mod referee;
mod report;
mod stage;
mod word;

use std::time::Duration;

use report::Report;
use stage::Stage;

/// Time for which workers are killed and frozen; a calm phase follows.
fn length() -> Duration {
    #[expect(clippy::disallowed_methods, reason = "the recipe's argument")]
    let seconds = std::env::var("REHEARSE_SECONDS").ok().and_then(|s| s.parse().ok());
    Duration::from_secs(seconds.unwrap_or(30))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_provider_sees_more_than_its_windows_allow_and_little_is_left_unused() {
    let length = length();
    let mut report = Report::new(length);
    let mut stage = Stage::set(length).await;
    let fire = fire::burn(&mut stage, length).await;
    report.fire(&fire);
    fire::cool(&stage).await;
    let estimates = estimates::sample(&stage, report::calm(length)).await;
    report.estimates(&estimates);
    let verdicts = referee::judge(&stage).await;
    report.verdicts(&verdicts);
    let remaining = referee::compare_remaining(&stage).await;
    report.remaining(&remaining);
    let word = word::spoken(&stage).await;
    report.word(&word);
    stage.strike().await;
    report.write();
    report.assert();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exhausted_keys_backlog_delays_no_other_key() {
    let line = head_of_line::measure().await;
    report::head_of_line(&line);
    // of the medians: the slowest of 300 are those that another program on the machine delayed
    assert!(line.behind_p50 <= line.alone_p50 * 1.2 + 2.0, "{line:?}");
}
