//! One text read by a named analyzer; nothing is stored.

use bellwether_domain::{
    Label, clean, lexicon,
    symbols::{Dictionary, LINK},
};
use bellwether_jobs::Analyzer;
use bellwether_providers::{Error, Free, Prompt, Reading, gemini, openai};
use clap::ValueEnum;
use serde::Serialize;
use std::time::Duration;

use crate::{args::ProviderArgs, providers};

/// Longest wait of a command for a provider: longer than any minute's window. A longer one means
/// another day.
const LONGEST_WAIT: Duration = Duration::from_secs(70);
const TRIES: u32 = 4;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Which {
    /// The built-in rules: no key, no network
    #[default]
    Lexicon,
    /// The model of GEMINI_MODEL
    Gemini,
    /// The model of OPENAI_MODEL
    Openai,
}

/// An analyzer's result for one text.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Opinion {
    pub(crate) label: Label,
    pub(crate) score: f64,
    pub(crate) confidence: f64,
    pub(crate) analyzer: String,
    pub(crate) flags: Vec<String>,
}

/// An analyzer with its settings, as workers have them.
pub(crate) struct Reader {
    analyzer: Analyzer,
    name: String,
    dictionary: Dictionary,
}

impl Reader {
    /// Makes no network calls. Fails if a key or a model is missing.
    pub(crate) fn open(which: Which, args: &ProviderArgs) -> anyhow::Result<Self> {
        let analyzer = match which {
            Which::Lexicon => Analyzer::LEXICON,
            Which::Gemini => providers::model(args, &gemini::ENTRY)?.analyzer()?,
            Which::Openai => providers::model(args, &openai::ENTRY)?.analyzer()?,
        };
        Ok(Self { name: analyzer.name(), analyzer, dictionary: Dictionary::builtin() })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Calls the analyzer; if a provider asks for a short wait, waits and retries up to four times.
    pub(crate) async fn read(&self, text: &str) -> Result<Opinion, String> {
        let mut tries = 0;
        loop {
            tries += 1;
            let Some((_, client)) = self.analyzer.client() else {
                return Ok(self.by_lexicon(text));
            };
            let wait = match client.read(&self.prompt(text).0, 0, &Free).await {
                Ok(reading) => return Ok(self.by_model(text, &reading)),
                Err(Error::Throttled { wait, .. }) if tries < TRIES => {
                    wait.unwrap_or(Duration::from_secs(5)).max(Duration::from_millis(100))
                }
                Err(error) => return Err(error.to_string()),
            };
            if wait > LONGEST_WAIT {
                let wait = humantime::format_duration(Duration::from_secs(wait.as_secs()));
                return Err(format!("{} wants us to wait for {wait}", self.name));
            }
            tracing::info!(seconds = wait.as_secs_f64(), "{} wants us to wait", self.name);
            tokio::time::sleep(wait).await;
        }
    }

    fn by_lexicon(&self, text: &str) -> Opinion {
        let read = lexicon::read(text);
        Opinion {
            label: read.label,
            score: read.score,
            confidence: read.confidence,
            analyzer: self.name.clone(),
            flags: read.flags,
        }
    }

    fn by_model(&self, text: &str, reading: &Reading) -> Opinion {
        let score = reading.sentiment.clamp(-1.0, 1.0);
        Opinion {
            label: reading.label.as_str().parse().unwrap_or_else(|_| Label::of(score)),
            score,
            confidence: reading.confidence.clamp(0.0, 1.0),
            analyzer: self.name.clone(),
            flags: self.prompt(text).1,
        }
    }

    /// A text in the form in which a worker gives it to a model: cleaned, the first line its title,
    /// with its symbols. Also the findings of the cleaning.
    fn prompt(&self, text: &str) -> (Prompt, Vec<String>) {
        let cleaned = clean::clean(text);
        let (title, rest) = cleaned.text.split_once('\n').unwrap_or((&cleaned.text, ""));
        let mentions = self.dictionary.find(&cleaned.text);
        let prompt = Prompt {
            title: title.to_owned(),
            text: rest.to_owned(),
            symbols: mentions
                .iter()
                .filter(|mention| mention.relevance >= LINK)
                .map(|mention| mention.symbol.to_string())
                .collect(),
        };
        let flags = cleaned.flags.iter().map(|flag| flag.as_str().to_owned()).collect();
        (prompt, flags)
    }
}
