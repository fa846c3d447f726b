//! Scores a text without a model: VADER's engine under a finance overlay.
//!
//! Words that the overlay understands are taken out of the sentence before the general lexicon
//! reads the rest, at a lower weight: most of its errors on headlines come from words that mean
//! something else in finance.

mod overlay;

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use vader_sentimental::SentimentIntensityAnalyzer;

use crate::Label;
use crate::clean::clean;

pub const ANALYZER: &str = "lexicon/1";
/// Largest confidence: a word count must not outrank a model.
pub const MOST_CONFIDENCE: f64 = 0.6;

/// Weight of the general lexicon's valence beside the overlay's.
const GENERAL: f64 = 0.35;
/// General valence below this is noise.
const LEAST_GENERAL: f64 = 1.5;
/// VADER's: the square of the valence at which the score is about 0.7.
const ALPHA: f64 = 15.0;
const NEGATIONS: &[&str] = &[
    "not", "no", "never", "without", "isn't", "doesn't", "don't", "didn't", "won't", "wasn't",
    "hasn't", "can't", "denies", "unlikely", "neither", "nor",
];
/// Words that concede: the part of a sentence after one of them counts less than the rest.
const CONCESSIONS: &[&str] = &["despite", "defying", "notwithstanding", "shrugging"];

static GENERAL_LEXICON: LazyLock<SentimentIntensityAnalyzer<'static>> =
    LazyLock::new(SentimentIntensityAnalyzer::new);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    pub label: Label,
    /// -1..=1, four decimals.
    pub score: f64,
    /// 0..=[`MOST_CONFIDENCE`]: grows with the number of matches, falls with contradictions between
    /// them.
    pub confidence: f64,
    /// Findings of [`clean`].
    pub flags: Vec<String>,
}

/// Cleans a text and scores it. Equal texts have equal results.
pub fn read(text: &str) -> Reading {
    let cleaned = clean(text);
    let flags = cleaned.flags.iter().map(|f| f.as_str().to_owned()).collect();
    let (mut sum, mut mass, mut sentences) = (0.0, 0.0, 0.0_f64);
    for sentence in sentences_of(&cleaned.text) {
        let (pull, weight) = weigh(sentence);
        if weight > 0.0 {
            sum += pull;
            mass += weight;
            sentences += 1.0;
        }
    }
    let pull = sum / sentences.max(1.0).sqrt();
    let score = rounded(pull / (pull * pull + ALPHA).sqrt());
    let coherence = if mass > 0.0 { sum.abs() / mass } else { 0.0 };
    let evidence = mass / (mass + 2.0);
    let confidence = if cleaned.text.is_empty() {
        0.0
    } else {
        rounded((0.1 + 0.7 * evidence * (0.4 + 0.6 * coherence)).min(MOST_CONFIDENCE))
    };
    Reading { label: Label::of(score), score, confidence, flags }
}

/// Returns true if the overlay knows a lower-case word: then it is no name.
pub(crate) fn knows(word: &str) -> bool {
    overlay::knows(word)
}

/// The sum of a sentence's valences, and of their sizes.
fn weigh(sentence: &str) -> (f64, f64) {
    let lower = sentence.to_lowercase().replace('’', "'");
    let words = words_of(&lower);
    let hits = overlay::hits(&words);
    let mut taken = vec![false; words.len()];
    let (mut sum, mut mass) = (0.0, 0.0);
    for hit in &hits {
        for at in &hit.at {
            taken[*at] = true;
        }
        let valence = hit.valence * context(&words, hit.at[0]);
        sum += valence;
        mass += valence.abs();
    }
    let rest: Vec<&str> = words
        .iter()
        .zip(&taken)
        .filter(|(w, taken)| !**taken && **w != ",")
        .map(|(w, _)| *w)
        .collect();
    let compound = GENERAL_LEXICON.polarity_scores(&rest.join(" ")).compound;
    // Inverts VADER's normalisation to get the valence.
    let general = compound * (ALPHA / (1.0 - compound * compound).max(1e-6)).sqrt();
    if general.abs() >= LEAST_GENERAL {
        sum += GENERAL * general;
        mass += GENERAL * general.abs();
    }
    (sum, mass)
}

/// Factor by which the words before a pattern change its weight.
fn context(words: &[&str], start: usize) -> f64 {
    let clause = words[..start].iter().rposition(|w| *w == ",").map_or(0, |comma| comma + 1);
    let before = &words[clause..start];
    if before.iter().rev().take(6).any(|w| CONCESSIONS.contains(w)) {
        0.25
    } else if before.iter().rev().take(3).any(|w| NEGATIONS.contains(w)) {
        -0.6
    } else {
        1.0
    }
}

fn sentences_of(text: &str) -> impl Iterator<Item = &str> {
    text.split(['\n', ';', '!', '?']).flat_map(|line| line.split(". ")).filter(|s| !s.is_empty())
}

/// Words without their punctuation, commas as words of their own.
fn words_of(sentence: &str) -> Vec<&str> {
    let mut words = Vec::new();
    for piece in sentence.split_whitespace() {
        let word = piece.trim_matches(|c: char| !(c.is_alphanumeric() || "%$&".contains(c)));
        let word = word.strip_suffix("'s").filter(|w| !w.is_empty()).unwrap_or(word);
        if !word.is_empty() {
            words.push(word);
        }
        if piece.ends_with([',', ':']) {
            words.push(",");
        }
    }
    words
}

/// Rounds to four decimals, as VADER does: the engine adds in no fixed order.
fn rounded(x: f64) -> f64 {
    (x * 1e4).round() / 1e4 + 0.0
}
