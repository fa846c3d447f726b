//! Readings as they are kept: validated, calibrated, and named after the analyzer that made them.

use bellwether_domain::{EventType, Label, lexicon};
use bellwether_providers::{Prompt, Reading};
use bellwether_store::{
    article::Article,
    sentiment::{NewSentiment, Scored},
};

use crate::{Analyzer, Services};

/// Takes a reading out of every score until an operator has checked it.
pub(super) const QUARANTINED: &str = "quarantined";
/// A model that differs this much from the lexicon is not believed.
const MOST_APART: f64 = 1.2;
/// The same for an article with words addressed to a model.
const MOST_APART_IF_INSTRUCTED: f64 = 0.6;
/// Factor from a model's confidence to its accuracy: in a published study of financial texts,
/// models that claimed to be nearly certain were right some 19 points less often.
const CALIBRATION: f64 = 0.8;

/// The part of an article that an analyzer reads below the title.
pub(super) fn text(article: &Article) -> String {
    let parts = [article.description.as_deref(), article.content.as_deref()];
    parts.into_iter().flatten().collect::<Vec<_>>().join("\n")
}

pub(super) fn of_lexicon(cx: &Services, article: &Article) -> NewSentiment {
    let whole = format!("{}.\n{}", article.title, text(article));
    let reading = lexicon::read(&whole);
    NewSentiment {
        article_id: article.id,
        analyzer: lexicon::ANALYZER.to_owned(),
        rank: cx.analyzers.rank(cx.analyzers.lexicon()),
        scored: Some(Scored {
            score: reading.score.clamp(-1.0, 1.0),
            label: reading.label,
            confidence: reading.confidence.clamp(0.0, 1.0),
            // its confidence is capped, so that a model outranks it
            calibrated: reading.confidence.clamp(0.0, 1.0),
        }),
        flags: reading.flags,
        input_hash: hash(&whole),
        ..NewSentiment::default()
    }
}

/// `control` is the lexicon's reading of the same article.
pub(super) fn of_model(
    cx: &Services,
    by: &Analyzer,
    article: &Article,
    prompt: &Prompt,
    reading: &Reading,
    control: &NewSentiment,
) -> NewSentiment {
    let score = reading.sentiment.clamp(-1.0, 1.0);
    let confidence = reading.confidence.clamp(0.0, 1.0);
    let apart = control.scored.map_or(0.0, |lexicon| (lexicon.score - score).abs());
    let instructed = article.flags.iter().any(|flag| flag == "instruction_like");
    let mut flags = article.flags.clone();
    if apart > MOST_APART || (instructed && apart > MOST_APART_IF_INSTRUCTED) {
        flags.push(QUARANTINED.to_owned());
    }
    NewSentiment {
        model_version: Some(reading.model_version.clone()),
        scored: Some(Scored {
            score,
            label: reading.label.as_str().parse().unwrap_or_else(|_| Label::of(score)),
            confidence,
            calibrated: CALIBRATION * confidence,
        }),
        relevance: Some(reading.relevance.clamp(0.0, 1.0)),
        impact: Some(reading.impact.as_str().to_owned()),
        event_type: Some(reading.event.parse().unwrap_or(EventType::Other)),
        key_points: reading.key_points.clone(),
        summary: Some(reading.summary.clone()),
        flags,
        input_tokens: i64::try_from(reading.usage.input).ok(),
        output_tokens: i64::try_from(reading.usage.output.saturating_add(reading.usage.thoughts))
            .ok(),
        latency_ms: i64::try_from(reading.latency.as_millis()).ok(),
        ..of_nobody(cx, by, article, prompt)
    }
}

/// The result for an article that a model refused or failed to read.
pub(super) fn unread(
    cx: &Services,
    by: &Analyzer,
    article: &Article,
    prompt: &Prompt,
    reason: &str,
) -> NewSentiment {
    NewSentiment { blocked_reason: Some(reason.to_owned()), ..of_nobody(cx, by, article, prompt) }
}

/// The fields that all readings by a model share.
fn of_nobody(cx: &Services, by: &Analyzer, article: &Article, prompt: &Prompt) -> NewSentiment {
    NewSentiment {
        article_id: article.id,
        analyzer: by.name(),
        rank: cx.analyzers.rank(by),
        model: by.client().map(|(_, client)| client.model().to_owned()),
        prompt_version: Some(Analyzer::prompt_version().to_owned()),
        input_hash: hash(&format!(
            "{}\n{}\n{}",
            prompt.symbols.join(","),
            prompt.title,
            prompt.text
        )),
        ..NewSentiment::default()
    }
}

/// FNV-1a in 128 bits: a digest of texts that is the same on every machine and in every version.
fn hash(text: &str) -> String {
    const BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0100_0000_0000_0000_0000_013b;
    let step = |hash: u128, byte: u8| (hash ^ u128::from(byte)).wrapping_mul(PRIME);
    format!("fnv1a:{:032x}", text.bytes().fold(BASIS, step))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_the_published_function() {
        assert_eq!(hash(""), "fnv1a:6c62272e07bb014262b821756295c58d");
        assert_eq!(hash("a"), "fnv1a:d228cb696f1a8caf78912b704e4a8964");
    }
}
