//! Runs each example to its end and checks the lines that it prints.
#[path = "support/example.rs"]
mod example;

use bellwether_queue::MIGRATOR;
use bellwether_testing::database;
use example::example;

async fn says(name: &str, wanted: &[&str]) {
    measures(name, &[], wanted).await;
}

async fn measures(name: &str, args: &[&str], wanted: &[&str]) {
    let db = database(&[&MIGRATOR]).await;
    let mut command = example(name);
    command.args(args).env("DATABASE_URL", &db.url);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{errors}");
    for line in wanted {
        assert!(said.contains(line), "{line:?} is missing:\n{said}\n{errors}");
    }
}

#[tokio::test]
async fn tx_enqueue() {
    let wanted = [
        "rolled back: the job never was",
        r#"committed: the job is completed, and there is 1 mail: ["Welcome, Ada"]"#,
        "survey: how do you like it, Ada?",
        "its child example_survey is completed",
    ];
    says("tx_enqueue", &wanted).await;
}

#[tokio::test]
async fn unique() {
    let wanted = [
        "the same job: true, a duplicate: true",
        "in bulk: 3 of 4 were new",
        "a refresh that waits stands for both: true",
        "after its end an invoice is still a duplicate: true",
        "and a refresh is not: true",
    ];
    says("unique", &wanted).await;
}

#[tokio::test]
async fn schedule() {
    let wanted = [
        "later: completed",
        "flaky: completed after 2 failures",
        "hopeless: discarded, because the printer is on fire",
        "example-nightly fires next at Some(",
        "by hand: completed",
    ];
    says("schedule", &wanted).await;
}

#[tokio::test]
async fn batch() {
    let wanted = [
        "album 7: 0 of 20, running",
        "published 19 of 20 pictures",
        "example_publish is completed",
        "album 7: 19 done, 1 failed, failed",
    ];
    says("batch", &wanted).await;
}

#[tokio::test]
async fn limits() {
    let wanted = [
        "the last one waits: limit example/vendor",
        "six were asked, in two rounds: true",
        r#"under Some("example/spare")"#,
        "while it is parked the other key serves: completed",
    ];
    says("limits", &wanted).await;
}

#[tokio::test]
async fn testing() {
    let wanted = [
        "user 7 will be reminded, user 8 will not",
        r#"today: retryable because Some("no answer yet")"#,
        "tomorrow, which took no time: completed at attempt 2",
    ];
    says("testing", &wanted).await;
}

#[tokio::test]
async fn throughput_in_short() {
    measures("throughput", &["600", "1"], &["drain, no limit", "ratio to no limit"]).await;
}

#[tokio::test]
async fn retention_in_short() {
    let wanted = ["3000 jobs gone after", "3000 jobs cleared in", "while it was cleared"];
    measures("retention", &["3000", "50", "1"], &wanted).await;
}

#[tokio::test]
async fn long_reader_in_short() {
    measures("long_reader", &["3", "100", "1"], &["claim p95 ms", "   alone"]).await;
}
