//! Quality of signals and analyzers, as the binary reports it.

use std::{
    io::Write,
    process::{Command, Output, Stdio},
};

use bellwether_domain::calendar::{self, Session};
use bellwether_queue::MIGRATOR;
use bellwether_sandbox::{Options, Sandbox};
use bellwether_testing::database;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde_json::Value;
use sqlx::PgPool;

use crate::support::{bellwether, get, items, output, stderr, stdout};

/// So many that each day is ranked by itself.
const SYMBOLS: usize = 12;

/// Uniform in -1..1, the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }
}

fn sessions(n: usize) -> Vec<Session> {
    let first: NaiveDate = "2025-02-03".parse().expect("a day");
    first.iter_days().filter_map(calendar::session).take(n).collect()
}

/// Prices, and before each open a signal that knows a part of what the session will bring.
async fn plant(pool: &PgPool, days: usize) {
    let sessions = sessions(days);
    let mut dice = Dice(4_711);
    let (mut symbol, mut day, mut open, mut close) = (vec![], vec![], vec![], vec![]);
    let (mut seen, mut at, mut score, mut through) = (vec![], vec![], vec![], vec![]);
    for no in 0..SYMBOLS {
        let mut price = 100.0;
        for pair in sessions.windows(2) {
            let (before, session) = (&pair[0], &pair[1]);
            let news = dice.roll();
            let change = 0.01 * (0.4 * news + dice.roll());
            symbol.push(format!("S{no}"));
            day.push(session.day);
            open.push(price);
            price *= f64::exp(change);
            close.push(price);
            seen.push(session.closes + TimeDelta::hours(1));
            at.push(session.opens - TimeDelta::hours(1));
            score.push(news);
            through.push(before.day);
        }
    }
    sqlx::query("insert into instrument (symbol) select distinct unnest($1::text[])")
        .bind(&symbol)
        .execute(pool)
        .await
        .expect("instruments");
    sqlx::query(
        "insert into bar (symbol, day, open, high, low, close, volume, provider, first_seen_at)
         select s, d, o, greatest(o, c), least(o, c), c, 1, 'test', t
         from unnest($1::text[], $2::date[], $3::float8[]::numeric[], $4::float8[]::numeric[], $5::timestamptz[]) x(s, d, o, c, t)",
    )
    .bind(&symbol)
    .bind(&day)
    .bind(&open)
    .bind(&close)
    .bind(&seen)
    .execute(pool)
    .await
    .expect("bars");
    sqlx::query(
        "insert into signal (symbol, at, state, label, c, p, s, q, terms, inputs, formula_version, cause)
         select s, t, 'ok', case when c > 0.25 then 'BUY' when c < -0.25 then 'SELL' else 'HOLD' end, c, c, 0, 0.5,
            '{}', jsonb_build_object('bars', jsonb_build_object('through', d), 'quote', null, 'clusters', '[]'::jsonb),
            'composite/1', 'test/' || d
         from unnest($1::text[], $2::timestamptz[], $3::float8[], $4::date[]) x(s, t, c, d)",
    )
    .bind(&symbol)
    .bind(&at)
    .bind(&score)
    .bind(&through)
    .execute(pool)
    .await
    .expect("signals");
}

async fn run(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || output(&mut command)).await.expect("it ends")
}

async fn evaluate(url: &str, args: &[&str]) -> Output {
    let mut command = bellwether(&["evaluate"]);
    command.args(args).env("DATABASE_URL", url);
    run(command).await
}

#[tokio::test]
async fn evaluate_finds_what_was_planted_and_a_placebo_does_not() {
    let db = database(&[&MIGRATOR, &bellwether_store::MIGRATOR]).await;
    plant(&db.pool(), 61).await;

    let ended = evaluate(&db.url, &["--json"]).await;
    assert!(ended.status.success(), "{}", stderr(&ended));
    let found: Value = serde_json::from_str(&stdout(&ended)).expect("JSON");
    let of = &found["formulas"][0];
    assert_eq!((of["formula"].as_str(), of["symbols"].as_u64()), (Some("composite/1"), Some(12)));
    assert_eq!(of["points"], 720);
    assert_eq!(of["coverage"], 1.0);
    assert_eq!(of["not_enough"], Value::Null);
    let next = &of["horizons"][0];
    let number = |value: &Value| value.as_f64().unwrap_or_else(|| panic!("a number: {next}"));
    assert_eq!(next["composite"]["method"], "cross_section");
    assert!(number(&next["composite"]["mean"]) > 0.2, "{next}");
    assert!(number(&next["composite"]["low"]) > 0.1, "{next}");
    let placebo = &next["placebo"];
    assert!(number(&placebo["low"]) < 0.0 && number(&placebo["high"]) > 0.0, "{placebo}");
    assert_eq!(next["sentiment"]["mean"], Value::Null, "S never varied");
    let buy = next["labels"].as_array().and_then(|l| l.iter().find(|r| r["label"] == "BUY"));
    assert!(number(&buy.expect("a row")["hit_rate"]) > 0.55, "{next}");

    let again = evaluate(&db.url, &["--json"]).await;
    assert_eq!(stdout(&again), stdout(&ended), "equal seeds give equal reports");
    let table = stdout(&evaluate(&db.url, &[]).await);
    for words in ["composite/1: 720 signals of 12 symbols", "After 1 session", "placebo", "BUY"] {
        assert!(table.contains(words), "{words}: {table}");
    }
    let part = stdout(&evaluate(&db.url, &["--symbols", "S1,S2", "--from", "2025-03-03"]).await);
    assert!(part.contains("Not enough data") && part.contains("of 2 symbols"), "{part}");
    let unknown = evaluate(&db.url, &["--formula", "composite/9"]).await;
    assert_eq!(unknown.status.code(), Some(1));
    assert!(stderr(&unknown).contains("composite/9"), "{}", stderr(&unknown));
    let unknown = evaluate(&db.url, &["--symbols", "ZZZZ"]).await;
    assert_eq!(unknown.status.code(), Some(2), "wrong usage");
    assert!(stderr(&unknown).contains("ZZZZ is not known here"), "{}", stderr(&unknown));
}

#[tokio::test]
async fn evaluate_fails_on_a_signal_that_knew_too_much() {
    let db = database(&[&MIGRATOR, &bellwether_store::MIGRATOR]).await;
    plant(&db.pool(), 61).await;
    let day = sessions(61)[10].day;
    let late: DateTime<Utc> = sessions(61)[20].opens;
    sqlx::query("update bar set first_seen_at = $2 where symbol = 'S3' and day = $1")
        .bind(day)
        .bind(late)
        .execute(&db.pool())
        .await
        .expect("a late bar");
    let ended = evaluate(&db.url, &[]).await;
    assert_eq!(ended.status.code(), Some(1), "{}", stdout(&ended));
    let said = stdout(&ended);
    assert!(said.contains("LOOK-AHEAD: 1 signals left out, the first of S3"), "{said}");
    assert!(said.contains("719 signals"), "{said}");
}

#[tokio::test]
async fn evaluate_says_when_there_is_too_little() {
    let db = database(&[&MIGRATOR, &bellwether_store::MIGRATOR]).await;
    let ended = evaluate(&db.url, &[]).await;
    assert!(ended.status.success(), "{}", stderr(&ended));
    assert!(stdout(&ended).contains("Not enough data: there is no signal yet"));
    plant(&db.pool(), 11).await;
    let ended = evaluate(&db.url, &[]).await;
    assert!(ended.status.success(), "{}", stderr(&ended));
    let said = stdout(&ended);
    assert!(
        said.contains("Not enough data: 120 signals") && said.contains("at least 400"),
        "{said}"
    );
    assert!(!said.contains("After 1 session"), "no number is shown: {said}");
}

fn dataset(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(text.as_bytes()).expect("its rows");
    file
}

#[tokio::test]
async fn sentiment_eval_scores_the_lexicon_and_names_bad_rows() {
    let file = dataset(
        "text,label\nProfit soars after the company beats estimates,positive\n\
         \"Shares plunge, the outlook is cut\",negative\nThe meeting is on Tuesday,neutral\n\
         Profit soars after the company beats estimates,negative\nwhatever,bullish\n",
    );
    let path = file.path().to_str().expect("a path");
    let ended = run(bellwether(&["sentiment-eval", "--dataset", path, "--json"])).await;
    assert_eq!(ended.status.code(), Some(1), "a row was left out: {}", stderr(&ended));
    let found: Value = serde_json::from_str(&stdout(&ended)).expect("JSON");
    assert_eq!((found["analyzer"].as_str(), found["texts"].as_u64()), (Some("lexicon/1"), Some(4)));
    assert_eq!(found["accuracy"], 0.75);
    assert_eq!(found["confusion"], serde_json::json!([[1, 0, 1], [0, 1, 0], [0, 0, 1]]));
    assert_eq!(found["opposite"], 0.25);
    // F1: negative 2/3, neutral 1, positive 2/3
    let f1 = found["macro_f1"].as_f64().expect("a number");
    assert!((f1 - 7.0 / 9.0).abs() < 1e-9, "{f1}");
    assert_eq!(found["bad_rows"][0]["line"], 6);
    assert!(found["bad_rows"][0]["error"].as_str().is_some_and(|e| e.contains("bullish")));

    let table = run(bellwether(&["sentiment-eval", "--dataset", path])).await;
    for words in ["accuracy       0.7500", "macro-F1       0.7778", "line 6 left out"] {
        assert!(stdout(&table).contains(words), "{words}: {}", stdout(&table));
    }
    let mut piped = bellwether(&["sentiment-eval", "--dataset", "-"]);
    piped.stdin(std::fs::File::open(path).expect("the rows"));
    assert_eq!(stdout(&run(piped).await), stdout(&table));
    let missing = run(bellwether(&["sentiment-eval", "--dataset", "/nowhere.csv"])).await;
    assert_eq!(missing.status.code(), Some(1));
    assert!(stderr(&missing).contains("/nowhere.csv"), "{}", stderr(&missing));
    assert_eq!(run(bellwether(&["sentiment-eval"])).await.status.code(), Some(2), "wrong usage");
}

#[tokio::test]
async fn a_model_is_asked_once_for_each_text() {
    let sandbox = Sandbox::start(Options::default()).await.expect("the sandbox starts");
    let with = |args: &[&str]| {
        let mut command = bellwether(args);
        command
            .env("GEMINI_API_KEY", "test")
            .env("GEMINI_BASE_URL", format!("{}/gemini", sandbox.url()))
            .env("OPENAI_BASE_URL", format!("{}/openai/v1", sandbox.url()))
            .env("OPENAI_API_KEY", "test")
            .env("OPENAI_MODEL", "gpt-test");
        command
    };
    let calls = async |provider: &str| {
        let ledger = format!("{}/_sandbox/ledger?provider={provider}", sandbox.url());
        items(&get(&ledger).await.1).len()
    };

    let mut asked = with(&["try", "sentiment", "--analyzer", "gemini"]);
    let asked = tokio::task::spawn_blocking(move || {
        let mut child = asked
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let lines =
            b"{\"text\":\"Apple beats estimates\"}\nnot json\n{\"text\":\"Tesla recalls cars\"}\n";
        child.stdin.take().expect("piped").write_all(lines).expect("lines");
        child.wait_with_output().expect("it ends")
    })
    .await
    .expect("it ends");
    let answers: Vec<Value> = stdout(&asked)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")))
        .collect();
    assert_eq!(answers.len(), 3, "{}", stderr(&asked));
    for answer in [&answers[0], &answers[2]] {
        assert_eq!(answer["analyzer"], "gemini/gemini-3.5-flash-lite/1", "{answer}");
        assert!(answer["score"].as_f64().is_some_and(|s| s.abs() <= 1.0), "{answer}");
        assert!(answer["flags"].is_array() && answer["label"].is_string(), "{answer}");
    }
    assert_eq!(answers[1]["line"], 2);
    assert_eq!(asked.status.code(), Some(1), "a line did not fit");
    assert_eq!(calls("gemini").await, 2, "once for each text");

    let file = dataset("text,label\nApple beats estimates,positive\nTesla recalls cars,negative\n");
    let path = file.path().to_str().expect("a path");
    let evaluated =
        run(with(&["sentiment-eval", "--analyzer", "openai", "--json", "--dataset", path])).await;
    assert!(evaluated.status.success(), "{}", stderr(&evaluated));
    let found: Value = serde_json::from_str(&stdout(&evaluated)).expect("JSON");
    assert_eq!(
        (found["analyzer"].as_str(), found["texts"].as_u64()),
        (Some("openai/gpt-test/1"), Some(2))
    );
    assert_eq!(calls("openai").await, 2);

    let unset =
        run(bellwether(&["sentiment-eval", "--analyzer", "gemini", "--dataset", path])).await;
    assert_eq!(unset.status.code(), Some(1));
    assert!(stderr(&unset).contains("GEMINI_API_KEY"), "{}", stderr(&unset));
}
