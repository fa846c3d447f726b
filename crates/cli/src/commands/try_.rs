//! `bellwether try`: one decision of the pipeline for each line of JSON, nothing stored.

use std::io::{BufRead, IsTerminal, Write};
use std::path::PathBuf;

use anyhow::Context;
use bellwether_domain::SignalLabel;
use bellwether_domain::alert::{Script, replay};
use bellwether_domain::clean::clean;
use bellwether_domain::cluster::{Story, canonical_url, fingerprint, number};
use bellwether_domain::signal::{ClusterInput, Inputs, derive};
use bellwether_domain::symbols::{Dictionary, Mention};
use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::analyzer::{Reader, Which};
use crate::args::ProviderArgs;

/// Decision to make.
#[derive(clap::Subcommand)]
pub(crate) enum What {
    /// Sentiment of {"text"} by the lexicon or a model.
    Sentiment(Box<SentimentArgs>),
    /// Symbols that {"text"} is about.
    Symbols {
        /// Dictionary with the columns symbol,name,aliases instead of the built-in one.
        #[arg(long, env = "BELLWETHER_TRY_DICTIONARY", value_name = "FILE")]
        dictionary: Option<PathBuf>,
    },
    /// {"text"} cleaned for an analyzer, and the findings.
    Clean,
    /// Stories of the reports {"title","description","url","source","published_at"}.
    Cluster,
    /// Signal of {"closes","clusters","price_fresh","previous"}, with its terms.
    Signal,
    /// Alerts and messages for {"rules","notify","events","until"}.
    Alert,
}

#[derive(clap::Args)]
pub(crate) struct SentimentArgs {
    /// Analyzer of the texts; a model is called once for each
    #[arg(long, env = "BELLWETHER_TRY_ANALYZER", value_enum, default_value_t)]
    analyzer: Which,
    #[command(flatten)]
    providers: ProviderArgs,
}

#[derive(Deserialize)]
struct Text {
    text: String,
}

#[derive(Serialize)]
struct Symbols {
    symbols: Vec<Mention>,
}

#[derive(Deserialize)]
struct Report {
    title: String,
    description: Option<String>,
    url: Url,
    source: Option<String>,
    published_at: DateTime<Utc>,
}

#[derive(Serialize)]
struct Clustered {
    cluster: usize,
    canonical_url: String,
}

#[derive(Deserialize)]
struct Evidence {
    closes: Vec<f64>,
    #[serde(default)]
    clusters: Vec<Cluster>,
    #[serde(default = "yes")]
    price_fresh: bool,
    previous: Option<SignalLabel>,
}

#[derive(Deserialize)]
struct Cluster {
    id: Option<i64>,
    s: f64,
    r: f64,
    kappa: f64,
    q: f64,
    #[serde(default)]
    k: u32,
    age_h: f64,
    #[serde(default)]
    source: String,
}

#[derive(Serialize)]
struct Bad {
    error: String,
    line: usize,
}

const fn yes() -> bool {
    true
}

/// Answers the lines of stdin. A user at a terminal is told that the command waits for them.
pub(crate) async fn on_stdin(what: What) -> anyhow::Result<bool> {
    if std::io::stdin().is_terminal() {
        eprintln!("bellwether: reading lines of JSON from the terminal; Ctrl-D ends them");
    }
    let (input, output) = (std::io::stdin().lock(), std::io::stdout().lock());
    match what {
        What::Sentiment(args) => sentiment(&args, input, output).await,
        other => run(other, input, output),
    }
}

/// Answers every line in order; returns true if all were valid.
///
/// Blank lines are skipped and counted. Fails only if reading or writing fails.
pub(crate) fn run(what: What, input: impl BufRead, output: impl Write) -> anyhow::Result<bool> {
    match what {
        What::Sentiment(_) => anyhow::bail!("a reading may have to wait for its provider"),
        What::Symbols { dictionary } => {
            let dictionary = match dictionary {
                None => Dictionary::builtin(),
                Some(path) => {
                    let csv = std::fs::read_to_string(&path)
                        .with_context(|| format!("cannot read {}", path.display()))?;
                    Dictionary::parse_csv(&csv).with_context(|| path.display().to_string())?
                }
            };
            each(input, output, |Text { text }| Ok(Symbols { symbols: dictionary.find(&text) }))
        }
        What::Clean => each(input, output, |Text { text }| Ok(clean(&text))),
        What::Cluster => cluster(input, output),
        What::Signal => each(input, output, |evidence: Evidence| {
            let inputs = inputs(evidence);
            inputs.check().map_err(|e| e.to_string())?;
            Ok(derive(&inputs))
        }),
        What::Alert => {
            each(input, output, |script: Script| replay(&script).map_err(|e| e.to_string()))
        }
    }
}

/// Sentiments of every line by the named analyzer, in their order; as [`run`].
pub(crate) async fn sentiment(
    args: &SentimentArgs,
    input: impl BufRead,
    mut output: impl Write,
) -> anyhow::Result<bool> {
    let reader = Reader::open(args.analyzer, &args.providers)?;
    let mut all_fit = true;
    for line in lines(input) {
        let (number, line) = line?;
        let opinion = match parse::<Text>(&line) {
            Ok(Text { text }) => reader.read(&text).await,
            Err(error) => Err(error),
        };
        match opinion {
            Ok(opinion) => put(&mut output, &opinion)?,
            Err(error) => {
                all_fit = false;
                put(&mut output, &Bad { error, line: number })?;
            }
        }
        output.flush()?;
    }
    Ok(all_fit)
}

/// Clusters without an id are numbered as they come.
fn inputs(evidence: Evidence) -> Inputs {
    let clusters = evidence.clusters.into_iter().enumerate().map(|(n, c)| ClusterInput {
        id: c.id.unwrap_or(n as i64 + 1),
        s: c.s,
        r: c.r,
        kappa: c.kappa,
        q: c.q,
        k: c.k,
        age_h: c.age_h,
        source: c.source,
    });
    Inputs {
        closes: evidence.closes,
        clusters: clusters.collect(),
        price_fresh: evidence.price_fresh,
        previous: evidence.previous,
    }
}

/// Later lines can change a line's story, so all are read before the first answer.
fn cluster(input: impl BufRead, mut output: impl Write) -> anyhow::Result<bool> {
    let mut stories = Vec::new();
    let mut answers = Vec::new();
    for line in lines(input) {
        let (number, line) = line?;
        let report = parse::<Report>(&line).map_err(|error| Bad { error, line: number });
        answers.push(report.map(|report| {
            stories.push(Story {
                title: report.title,
                description: report.description.unwrap_or_default(),
                url: report.url,
                source: report.source.unwrap_or_default(),
                published_at: report.published_at,
            });
        }));
    }
    let prints: Vec<_> = stories.iter().map(fingerprint).collect();
    let mut clusters = number(&prints).into_iter().zip(&stories);
    let mut all_fit = true;
    for answer in answers {
        match answer {
            Ok(()) => {
                let (cluster, story) = clusters.next().context("every story has a cluster")?;
                let canonical_url = canonical_url(&story.url);
                put(&mut output, &Clustered { cluster: cluster + 1, canonical_url })?;
            }
            Err(bad) => {
                all_fit = false;
                put(&mut output, &bad)?;
            }
        }
    }
    output.flush()?;
    Ok(all_fit)
}

fn each<I: DeserializeOwned, O: Serialize>(
    input: impl BufRead,
    mut output: impl Write,
    decide: impl Fn(I) -> Result<O, String>,
) -> anyhow::Result<bool> {
    let mut all_fit = true;
    for line in lines(input) {
        let (number, line) = line?;
        match parse(&line).and_then(&decide) {
            Ok(answer) => put(&mut output, &answer)?,
            Err(error) => {
                all_fit = false;
                put(&mut output, &Bad { error, line: number })?;
            }
        }
    }
    output.flush()?;
    Ok(all_fit)
}

/// Lines with their numbers from 1, without blank ones.
fn lines(input: impl BufRead) -> impl Iterator<Item = std::io::Result<(usize, Vec<u8>)>> {
    input.split(b'\n').enumerate().map(|(n, line)| line.map(|line| (n + 1, line))).filter(|line| {
        line.as_ref().map_or(true, |(_, line)| !line.iter().all(u8::is_ascii_whitespace))
    })
}

fn parse<T: DeserializeOwned>(line: &[u8]) -> Result<T, String> {
    // serde would accept a list for the fields in their order
    if line.trim_ascii_start().first() == Some(&b'[') {
        return Err("a line is a JSON object, not a list".to_owned());
    }
    serde_json::from_slice(line).map_err(|e| e.to_string())
}

fn put(output: &mut impl Write, answer: &impl Serialize) -> anyhow::Result<()> {
    serde_json::to_writer(&mut *output, answer)?;
    output.write_all(b"\n")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use serde_json::{Value, json};

    use crate::args::Command;

    use super::*;

    fn answers(what: What, lines: &str) -> (bool, Vec<Value>) {
        let mut out = Vec::new();
        let all_fit = run(what, lines.as_bytes(), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        (all_fit, text.lines().map(|l| serde_json::from_str(l).unwrap()).collect())
    }

    #[tokio::test]
    async fn a_line_that_does_not_fit_is_answered_in_its_place() {
        let lines = "{\"text\":\"Profit soars\"}\n{\"txt\":1}\n\nnot json\n{\"text\":\"\"}\n";
        let cli = crate::args::Cli::parse_from(["bellwether", "try", "sentiment"]);
        let Command::Try(What::Sentiment(args)) = cli.command else { panic!("it was asked for") };
        let mut out = Vec::new();
        let all_fit = sentiment(&args, lines.as_bytes(), &mut out).await.unwrap();
        let text = String::from_utf8(out).unwrap();
        let found: Vec<Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        assert!(!all_fit);
        assert_eq!(found.len(), 4);
        assert_eq!(found[0]["label"], "positive");
        assert_eq!(found[0]["analyzer"], "lexicon/1");
        assert_eq!((&found[1]["line"], &found[2]["line"]), (&json!(2), &json!(4)));
        assert_eq!(found[3]["label"], "neutral");
    }

    #[test]
    fn clusters_count_from_one_in_order_of_first_appearance() {
        let report = |title: &str, n: u8| {
            format!(
                "{{\"title\":\"{title}\",\"url\":\"https://www.x.com/{n}?utm_source=a\",\
                 \"published_at\":\"2026-11-20T1{n}:00:00Z\"}}\n"
            )
        };
        let lines = [report("Tesla misses delivery estimates", 2), "{}\n".to_owned()].concat()
            + &report("Apple beats estimates", 1)
            + &report("Tesla misses delivery estimates", 0);
        let (all_fit, found) = answers(What::Cluster, &lines);
        assert!(!all_fit);
        assert_eq!(found[0], json!({"cluster": 1, "canonical_url": "https://x.com/2"}));
        assert_eq!(found[1]["line"], 2);
        assert_eq!((&found[2]["cluster"], &found[3]["cluster"]), (&json!(2), &json!(1)));
    }

    #[test]
    fn a_signal_names_its_terms_as_the_formula_does() {
        let (all_fit, found) =
            answers(What::Signal, "{\"closes\":[1,2],\"clusters\":[],\"price_fresh\":true}\n");
        assert!(all_fit);
        assert_eq!(found[0]["state"], "insufficient_data");
        for term in ["sigma", "M", "T", "D", "RSI", "K", "P", "S", "C", "Q", "label"] {
            assert!(found[0].get(term).is_some(), "{term}");
        }
        assert!(!answers(What::Signal, "{\"closes\":[-1]}\n").0);
    }

    #[test]
    fn an_alert_script_is_played_to_its_end() {
        let script = json!({
            "rules": [{"id": "r1", "kind": "data_stale", "symbol": "ACME", "max_age_s": 60,
                       "calendar": "NYSE"}],
            "events": [{"at": "2026-11-23T15:00:00Z", "do": "observe", "symbol": "ACME",
                        "trading_day": "2026-11-23", "values": {"price": 1}}],
            "until": "2026-11-23T15:10:00Z"
        });
        let (all_fit, found) = answers(What::Alert, &format!("{script}\n"));
        assert!(all_fit, "{found:?}");
        assert_eq!(found[0]["transitions"][0]["to"], "firing");
        assert_eq!(found[0]["notifications"][0]["kind"], "firing");
    }

    #[test]
    fn symbols_and_clean_answer_too() {
        let (_, found) = answers(What::Symbols { dictionary: None }, "{\"text\":\"$AAPL up\"}");
        assert_eq!(found[0], json!({"symbols": [{"symbol": "AAPL", "relevance": 1.0}]}));
        let (_, found) = answers(What::Clean, "{\"text\":\"<b>a</b>\"}");
        assert_eq!(found[0], json!({"text": "a", "flags": ["html"]}));
    }
}
