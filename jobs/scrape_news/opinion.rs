//! Sentiments that a source attaches to its own stories: kept beside those of our analyzers, as one
//! more analyzer.

use bellwether_domain::{Label, Symbol};
use bellwether_providers as providers;
use bellwether_store::{
    self as store,
    sentiment::{NewSentiment, Scored},
};
use sqlx::PgConnection;

use super::reading::Found;
use crate::Error;

/// Rank below the lexicon's: it is shown beside our readings and counts in no score.
const RANK: i16 = 5;
/// The source gives the strength of a score and no confidence.
const CONFIDENCE: f64 = 0.5;

/// As the source gives it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Opinion {
    pub(super) overall: Option<f64>,
    pub(super) of: Vec<providers::Opinion>,
}

impl Opinion {
    /// The score for the linked symbol that the article is most about; the market's score if the
    /// source has none for them.
    fn score(&self, mentions: &[(Symbol, f64)]) -> Option<(f64, Option<f64>)> {
        let linked = |o: &&providers::Opinion| {
            mentions.iter().any(|(symbol, _)| symbol.as_str() == o.ticker)
        };
        let most =
            |a: &&providers::Opinion, b: &&providers::Opinion| a.relevance.total_cmp(&b.relevance);
        let own = self.of.iter().filter(linked).max_by(most);
        own.map(|o| (o.score, Some(o.relevance))).or_else(|| Some((self.overall?, None)))
    }
}

/// Stores the opinions about these stored articles under the name of their source; returns how many
/// are new.
pub(super) async fn keep(
    tx: &mut PgConnection,
    found: &[Found],
    scorer: Option<&str>,
) -> Result<usize, Error> {
    let Some(scorer) = scorer else { return Ok(0) };
    let opined: Vec<_> = found
        .iter()
        .filter_map(|one| Some((one, one.opinion.score(&one.article.mentions)?)))
        .collect();
    let urls: Vec<String> =
        opined.iter().map(|(one, _)| one.article.print.canonical_url.clone()).collect();
    let known = store::article::find_known(&mut *tx, &urls).await?;
    let mut new = 0;
    for (one, (score, relevance)) in opined {
        let id = known
            .iter()
            .find(|(url, _)| *url == one.article.print.canonical_url)
            .map(|(_, id)| *id);
        let Some(article_id) = id else { continue };
        let reading = NewSentiment {
            article_id,
            analyzer: scorer.to_owned(),
            rank: RANK,
            scored: Some(Scored {
                score,
                label: Label::of(score),
                confidence: CONFIDENCE,
                calibrated: CONFIDENCE,
            }),
            relevance,
            input_hash: format!("simhash:{:016x}", one.article.print.simhash),
            ..NewSentiment::default()
        };
        if store::sentiment::add(&mut *tx, &reading).await?.is_some() {
            new += 1;
        }
    }
    Ok(new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_that_an_article_is_most_about_gives_the_score() {
        let of = |ticker: &str, relevance, score| providers::Opinion {
            ticker: ticker.to_owned(),
            relevance,
            score,
        };
        let opinion = Opinion {
            overall: Some(0.1),
            of: vec![of("AAPL", 0.3, -0.2), of("MSFT", 0.6, 0.4), of("TSLA", 0.9, 0.9)],
        };
        let about = |symbols: &[&str]| {
            let mentions: Vec<_> = symbols.iter().map(|s| (s.parse().unwrap(), 0.5)).collect();
            opinion.score(&mentions)
        };
        assert_eq!(about(&["AAPL", "MSFT"]), Some((0.4, Some(0.6))));
        assert_eq!(about(&["IBM"]), Some((0.1, None)));
        assert_eq!(Opinion { overall: None, of: vec![] }.score(&[]), None);
    }
}
