//! `bellwether sentiment-eval`: accuracy of an analyzer on labelled texts.

use std::{
    fmt::Write as _,
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use bellwether_domain::{
    Label,
    evaluation::{ClassScore, Confusion},
};
use clap::Args;
use serde::Serialize;

use crate::{
    analyzer::{Reader, Which},
    args::ProviderArgs,
    csv,
    out::say,
};

/// A row that does not count, and its reason.
#[derive(Debug, PartialEq, Serialize)]
struct Bad {
    line: usize,
    error: String,
}

#[derive(Serialize)]
struct Outcome<'a> {
    analyzer: &'a str,
    texts: u64,
    accuracy: f64,
    macro_f1: f64,
    /// Texts that were given the opposite of their label.
    opposite: f64,
    labels: [ClassScore; 3],
    /// By truth, then by answer: negative, neutral, positive.
    confusion: [[u64; 3]; 3],
    bad_rows: &'a [Bad],
    unanswered: &'a [Bad],
}

#[derive(Args)]
pub(crate) struct SentimentEvalArgs {
    /// CSV file with the columns text and label: negative, neutral or positive; `-` is stdin
    #[arg(long, env = "BELLWETHER_SENTIMENT_EVAL_DATASET", value_name = "CSV")]
    dataset: PathBuf,
    /// Analyzer of the texts
    #[arg(long, env = "BELLWETHER_SENTIMENT_EVAL_ANALYZER", value_enum, default_value_t)]
    analyzer: Which,
    /// One JSON document instead of text
    #[arg(long, env = "BELLWETHER_SENTIMENT_EVAL_JSON")]
    json: bool,
    #[command(flatten)]
    providers: ProviderArgs,
}

/// Returns true if every row was read and answered.
pub(crate) async fn run(args: SentimentEvalArgs) -> anyhow::Result<bool> {
    let bytes = if args.dataset.as_os_str() == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes).context("cannot read stdin")?;
        bytes
    } else {
        std::fs::read(&args.dataset)
            .with_context(|| format!("cannot read {}", args.dataset.display()))?
    };
    let reader = Reader::open(args.analyzer, &args.providers)?;
    let (texts, bad_rows) = texts(&bytes, &args.dataset)?;
    for bad in &bad_rows {
        tracing::warn!(line = bad.line, "{}", bad.error);
    }
    let mut confusion = Confusion::default();
    let mut unanswered = Vec::new();
    for (line, text, truth) in &texts {
        match reader.read(text).await {
            Ok(opinion) => confusion.add(*truth, opinion.label),
            Err(error) => {
                tracing::warn!(line, "{error}");
                unanswered.push(Bad { line: *line, error });
            }
        }
    }
    let outcome = Outcome {
        analyzer: reader.name(),
        texts: confusion.total(),
        accuracy: confusion.accuracy(),
        macro_f1: confusion.macro_f1(),
        opposite: confusion.opposite(),
        labels: confusion.classes(),
        confusion: confusion.counts(),
        bad_rows: &bad_rows,
        unanswered: &unanswered,
    };
    if args.json {
        say!("{}", serde_json::to_string_pretty(&outcome)?)?;
    } else {
        std::io::stdout().lock().write_all(table(&outcome)?.as_bytes())?;
    }
    Ok(bad_rows.is_empty() && unanswered.is_empty())
}

type Texts = Vec<(usize, String, Label)>;

/// The valid rows, and the invalid ones.
fn texts(bytes: &[u8], path: &Path) -> anyhow::Result<(Texts, Vec<Bad>)> {
    let mut rows = csv::rows(bytes).into_iter().peekable();
    let is_head = |cells: &[String]| {
        let has = |name: &str| cells.iter().any(|cell| cell.trim().eq_ignore_ascii_case(name));
        has("text") && has("label")
    };
    let head = rows.next_if(|(_, cells)| cells.as_ref().is_ok_and(|cells| is_head(cells)));
    let head = head.and_then(|(_, cells)| cells.ok());
    let place = |name: &str, default: usize| {
        let at = |head: &Vec<String>| {
            head.iter().position(|cell| cell.trim().eq_ignore_ascii_case(name))
        };
        head.as_ref().and_then(at).unwrap_or(default)
    };
    let (text_at, label_at) = (place("text", 0), place("label", 1));
    let (mut texts, mut bad) = (Vec::new(), Vec::new());
    for (line, cells) in rows {
        match row(cells, text_at, label_at) {
            Ok((text, label)) => texts.push((line, text, label)),
            Err(error) => bad.push(Bad { line, error }),
        }
    }
    if texts.is_empty() {
        let first = bad.first().map(|b| format!(": line {}: {}", b.line, b.error));
        bail!("{} has no row of text,label{}", path.display(), first.unwrap_or_default());
    }
    Ok((texts, bad))
}

fn row(
    cells: Result<Vec<String>, &'static str>,
    text_at: usize,
    label_at: usize,
) -> Result<(String, Label), String> {
    let cells = cells?;
    let cell = |at: usize, name: &str| {
        cells.get(at).ok_or_else(|| format!("{} columns, and none is the {name}", cells.len()))
    };
    let (text, label) = (cell(text_at, "text")?, cell(label_at, "label")?);
    if text.trim().is_empty() {
        return Err("the text is empty".to_owned());
    }
    let label = label
        .trim()
        .to_lowercase()
        .parse()
        .map_err(|_| format!("{label:?} is no label: negative, neutral or positive"))?;
    Ok((text.clone(), label))
}

fn table(outcome: &Outcome<'_>) -> Result<String, std::fmt::Error> {
    let mut out = String::new();
    writeln!(out, "{}: {} texts", outcome.analyzer, outcome.texts)?;
    writeln!(out, "accuracy       {:.4}", outcome.accuracy)?;
    writeln!(out, "macro-F1       {:.4}", outcome.macro_f1)?;
    writeln!(out, "opposite sign  {:.4}", outcome.opposite)?;
    writeln!(out)?;
    writeln!(
        out,
        "{:<10} {:>8} {:>10} {:>8} {:>8}",
        "label", "texts", "precision", "recall", "F1"
    )?;
    for of in &outcome.labels {
        writeln!(
            out,
            "{:<10} {:>8} {:>10.4} {:>8.4} {:>8.4}",
            of.label.as_str(),
            of.support,
            of.precision,
            of.recall,
            of.f1
        )?;
    }
    writeln!(out)?;
    writeln!(out, "{:<10} {:>10} {:>10} {:>10}", "is \\ said", "negative", "neutral", "positive")?;
    for (of, counts) in outcome.labels.iter().zip(outcome.confusion) {
        let [negative, neutral, positive] = counts;
        writeln!(out, "{:<10} {negative:>10} {neutral:>10} {positive:>10}", of.label.as_str())?;
    }
    for (bad, what) in [(outcome.bad_rows, "left out"), (outcome.unanswered, "not answered")] {
        for row in bad {
            writeln!(out, "line {} {what}: {}", row.line, row.error)?;
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Texts, Vec<Bad>) {
        texts(text.as_bytes(), Path::new("x.csv")).unwrap()
    }

    #[test]
    fn columns_are_found_by_their_names_in_any_order() {
        let (found, bad) = read("Label,id,Text\nPOSITIVE,1,profit soars\n");
        assert_eq!(found, [(2, "profit soars".to_owned(), Label::Positive)]);
        assert!(bad.is_empty());
        let (found, _) = read("profit soars,positive\n");
        assert_eq!(found[0].0, 1, "without a head, text comes first");
    }

    #[test]
    fn a_row_that_does_not_fit_is_named_by_its_line() {
        let (found, bad) = read("text,label\nok,neutral\nx,bullish\n  ,neutral\nalone\n\"a\"b,c\n");
        assert_eq!(found.len(), 1);
        let lines: Vec<usize> = bad.iter().map(|b| b.line).collect();
        assert_eq!(lines, [3, 4, 5, 6]);
        assert!(bad[0].error.contains("bullish"), "{}", bad[0].error);
        assert!(texts(b"text,label\n", Path::new("x.csv")).is_err());
    }
}
