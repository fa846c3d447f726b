//! Messages about variables, files and options that are wrong or unused.

use std::process::Command;

use crate::support::{Running, bellwether, folder, output, stderr};

/// Nothing listens there.
const NOWHERE: &str = "postgres://bellwether@127.0.0.1:1/x";

fn up() -> Command {
    let mut command = bellwether(&["up"]);
    for name in ["BELLWETHER_HTTP_ADDR", "BELLWETHER_SANDBOX_ADDR", "BELLWETHER_SANDBOX_SMTP_ADDR"]
    {
        command.env(name, "127.0.0.1:0");
    }
    command.env("DATABASE_URL", NOWHERE);
    command
}

#[test]
fn a_service_with_some_of_its_variables_is_wrong_usage_and_names_those_that_lack() {
    for (variable, value, said) in [
        (
            "SMTP_URL",
            "smtps://u:hunter2@mail.example.com",
            "SMTP_URL is set, ALERT_EMAIL_FROM and ALERT_EMAIL_TO are not",
        ),
        ("SMTP_URL", "nope", "SMTP_URL is set, ALERT_EMAIL_FROM and ALERT_EMAIL_TO are not"),
        (
            "TWILIO_ACCOUNT_SID",
            "AC1",
            "TWILIO_ACCOUNT_SID is set, TWILIO_AUTH_TOKEN, TWILIO_FROM and ALERT_SMS_TO are not",
        ),
        ("OPENAI_BASE_URL", "http://127.0.0.1:9/v1", "OPENAI_BASE_URL is set, OPENAI_MODEL is not"),
        ("ALERT_EMAIL_TO", "you@example.com", "ALERT_EMAIL_TO is set, SMTP_URL and"),
    ] {
        let ended = output(up().env(variable, value));
        assert_eq!(ended.status.code(), Some(2), "{variable}: {}", stderr(&ended));
        let text = stderr(&ended);
        assert!(text.contains(said) && !text.contains("hunter2"), "{text}");
    }
}

#[test]
fn a_value_that_does_not_fit_is_wrong_usage_by_the_name_of_its_variable() {
    for (variable, value, said) in [
        ("ALPHA_VANTAGE_BASE_URL", "ftp://x", "must begin with https://"),
        ("ALERT_EMAIL_TO", "notanaddress", "you@example.com"),
        ("BELLWETHER_HTTP_ADDR", "nope", "127.0.0.1:3000"),
        ("BELLWETHER_CONCURRENCY", "0", "1..=1000"),
        ("BELLWETHER_GRACE", "never", "expected number"),
    ] {
        let ended = output(up().env(variable, value));
        assert_eq!(ended.status.code(), Some(2), "{variable}: {}", stderr(&ended));
        let text = stderr(&ended);
        assert!(text.contains(&format!("'{variable} (--")) && text.contains(said), "{text}");
    }
    let flag = output(up().args(["--http-addr", "nope"]));
    let said = "for '--http-addr <HTTP_ADDR> (BELLWETHER_HTTP_ADDR)'";
    assert!(stderr(&flag).contains(said), "{}", stderr(&flag));
}

#[test]
fn an_option_that_is_missing_or_excluded_is_named_with_its_variable() {
    for (args, said) in [
        (&["sentiment-eval"][..], "--dataset <CSV> (BELLWETHER_SENTIMENT_EVAL_DATASET)"),
        (
            &["enqueue", "prune", "--slot", "30m", "--unique-key", "k"],
            "--unique-key <UNIQUE_KEY> (BELLWETHER_ENQUEUE_UNIQUE_KEY)",
        ),
        (
            &["enqueue", "prune", "--slot", "30m", "--unique-key", "k"],
            "--slot <SLOT> (BELLWETHER_ENQUEUE_SLOT)",
        ),
    ] {
        let ended = output(&mut bellwether(args));
        assert_eq!(ended.status.code(), Some(2));
        assert!(stderr(&ended).contains(said), "{}", stderr(&ended));
    }
}

#[test]
fn the_usage_line_has_nothing_of_the_environment_in_it() {
    let mut worker = bellwether(&["worker"]);
    let ended = output(worker.env("BELLWETHER_DATA_DIR", "/tmp"));
    assert_eq!(ended.status.code(), Some(2));
    let text = stderr(&ended);
    assert!(text.contains("Usage: bellwether worker [OPTIONS] <ROLE>"), "{text}");
}

#[test]
fn localhost_is_an_address() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let ended = output(up().env("BELLWETHER_HTTP_ADDR", format!("localhost:{port}")));
    assert_eq!(ended.status.code(), Some(1));
    let said = format!("cannot listen on 127.0.0.1:{port}");
    assert!(stderr(&ended).contains(&said), "{}", stderr(&ended));
}

#[test]
fn a_variable_that_nothing_reads_is_warned_of() {
    let mut command = bellwether(&["openapi"]);
    let ended = output(command.env("BELLWETHER_SYMBOLZ", "A").env("NEWS_API_KEY", "hunter2"));
    assert!(ended.status.success());
    let text = stderr(&ended);
    for said in [
        "BELLWETHER_SYMBOLZ is set and not used: is BELLWETHER_SYMBOLS meant?",
        "NEWS_API_KEY is set and not used: is NEWSAPI_API_KEY meant?",
    ] {
        assert!(text.contains(said), "{text}");
    }
    assert!(!text.contains("hunter2"), "{text}");
}

#[test]
fn an_env_file_that_is_no_text_is_one_clear_line_without_its_values() {
    let wide: Vec<u8> = "A=hunter2\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for bytes in [&b"A=hunter2\x00B\n"[..], &wide, &[&b"\xff\xfe"[..], &wide].concat()] {
        let folder = folder();
        std::fs::write(folder.path().join(".env"), bytes).unwrap();
        let ended = output(bellwether(&["openapi"]).current_dir(folder.path()));
        assert_eq!(ended.status.code(), Some(1));
        let text = stderr(&ended);
        assert!(text.contains("cannot read .env: it is not UTF-8 text"), "{text}");
        assert!(!text.contains("hunter") && text.trim().lines().count() == 1, "{text}");
    }
}

#[test]
fn a_secret_comes_from_the_file_that_its_variable_names() {
    let folder = folder();
    let file = folder.path().join("url");
    std::fs::write(&file, "postgres://boss:hunter2@127.0.0.1:2/x\n").unwrap();
    let run =
        |set: &[(&str, &str)]| output(bellwether(&["migrate", "status"]).envs(set.iter().copied()));
    let file = file.to_str().unwrap();
    let ended = run(&[("DATABASE_URL_FILE", file)]);
    assert!(stderr(&ended).contains("cannot reach 127.0.0.1:2"), "{}", stderr(&ended));

    let both = run(&[("DATABASE_URL_FILE", file), ("DATABASE_URL", NOWHERE)]);
    assert_eq!(both.status.code(), Some(2));
    let said = "DATABASE_URL and DATABASE_URL_FILE are both set";
    assert!(stderr(&both).contains(said), "{}", stderr(&both));

    let missing = run(&[("DATABASE_URL_FILE", "/nowhere/at-all")]);
    assert_eq!(missing.status.code(), Some(2));
    let said = "DATABASE_URL_FILE: cannot read /nowhere/at-all: No such file";
    assert!(stderr(&missing).contains(said), "{}", stderr(&missing));

    let tokens = folder.path().join("tokens");
    std::fs::write(&tokens, "viewer:hunter2,hunter3\n").unwrap();
    let wrong = output(bellwether(&["api"]).env("BELLWETHER_API_TOKENS_FILE", &tokens));
    assert_eq!(wrong.status.code(), Some(2));
    let text = stderr(&wrong);
    assert!(text.contains("BELLWETHER_API_TOKENS_FILE") && !text.contains("hunter"), "{text}");
}

#[test]
fn a_secret_on_the_command_line_is_warned_of() {
    let secret = "postgres://boss:hunter2@127.0.0.1:1/x";
    let ended = output(&mut bellwether(&["migrate", "status", "--database-url", secret]));
    let text = stderr(&ended);
    assert!(text.contains("set DATABASE_URL, or DATABASE_URL_FILE"), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
    let plain = output(&mut bellwether(&["migrate", "status", "--database-url", NOWHERE]));
    assert!(!stderr(&plain).contains("DATABASE_URL_FILE"), "{}", stderr(&plain));
}

#[test]
fn a_database_elsewhere_without_tls_is_warned_of() {
    let run = |url: &str| stderr(&output(bellwether(&["jobs", "list"]).env("DATABASE_URL", url)));
    // not a loopback address, though it leads here
    let text = run("postgres://u:hunter2@0.0.0.0:1/x");
    assert!(text.contains("sslmode=verify-full") && !text.contains("hunter2"), "{text}");
    for quiet in ["postgres://u@0.0.0.0:1/x?sslmode=require", NOWHERE] {
        assert!(!run(quiet).contains("sslmode"), "{quiet}");
    }
}

#[tokio::test]
async fn a_worker_reports_the_services_that_it_reaches_and_what_it_waits_for() {
    let mut command = bellwether(&["worker", "alert", "--http-addr", "127.0.0.1:0"]);
    command.env("DATABASE_URL", NOWHERE);
    let mut worker = Running::start(command);
    worker.until_said("waiting: cannot reach 127.0.0.1:1 (DATABASE_URL): Connection refused").await;
    let said = worker.said();
    assert!(said.contains("TWILIO_ACCOUNT_SID is not set") && said.contains("SMTP_URL"), "{said}");
    assert!(!said.contains("NEWSAPI") && !said.contains("GEMINI"), "{said}");
    worker.signal("HUP");
    assert_eq!(worker.ended(std::time::Duration::from_secs(20)).await, Some(0));
}

#[tokio::test]
async fn the_api_says_which_database_it_waits_for() {
    let mut command = bellwether(&["api", "--http-addr", "127.0.0.1:0"]);
    command.env("DATABASE_URL", NOWHERE);
    let mut api = Running::start(command);
    api.until_said("waiting: cannot reach 127.0.0.1:1 (DATABASE_URL): Connection refused").await;
}
