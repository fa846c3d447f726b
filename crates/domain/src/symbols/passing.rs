//! Brokers and data sources that are named as the source of a statement about another company.

use super::token::Token;

/// Companies whose opinions and figures are quoted in other companies' news, by symbol.
const VOICES: &[&str] = &[
    "GS", "MS", "JPM", "BAC", "C", "WFC", "SCHW", "SPGI", "MCO", "NDAQ", "MSCI", "FDS", "MORN",
    "UBS", "DB", "BCS", "RY", "TD", "JEF", "RJF", "EVR", "PIPR", "SF", "OPY", "KEY", "USB", "IT",
    "BLK", "NMR", "TRI", "HSBC", "COWN", "BMO",
];

/// Words before a company that is only the source of a statement.
const BEFORE: &[&[&str]] = &[
    &["analysts", "at"],
    &["analyst", "at"],
    &["strategists", "at"],
    &["economists", "at"],
    &["strategist", "at"],
    &["economist", "at"],
    &["according", "to"],
    &["data", "from"],
    &["data", "by"],
    &["survey", "by"],
    &["figures", "from"],
    &["compiled", "by"],
    &["surveyed", "by"],
    &["upgraded", "by"],
    &["downgraded", "by"],
    &["advised", "by"],
    &["underwritten", "by"],
];

/// Words of a third party's opinion, within three words in front.
const OPINIONS_BEFORE: &[&str] = &[
    "upgraded",
    "downgraded",
    "upgrade",
    "downgrade",
    "buy",
    "sell",
    "hold",
    "neutral",
    "overweight",
    "underweight",
    "outperform",
    "rating",
    "target",
    "initiated",
    "reiterated",
];

/// Verbs of speech, within four words behind.
const OPINIONS_AFTER: &[&str] = &[
    "analyst",
    "analysts",
    "strategist",
    "strategists",
    "economist",
    "economists",
    "upgrades",
    "upgraded",
    "downgrades",
    "downgraded",
    "reiterates",
    "reiterated",
    "initiates",
    "initiated",
    "maintains",
    "target",
    "overweight",
    "underweight",
    "note",
    "survey",
    "conference",
    "index",
    "research",
    "data",
    "intelligence",
];

/// Words after a source that introduce the company it speaks of.
const SPEAKS: &[&str] = &[
    "says",
    "said",
    "sees",
    "expects",
    "predicts",
    "warns",
    "names",
    "calls",
    "recommends",
    "adds",
    "removes",
    "cuts",
    "raises",
    "lifts",
    "trims",
    "lowers",
    "boosts",
    "hikes",
    "advised",
    "advises",
    "estimates",
    "forecasts",
];

/// Returns true if the company named by `tokens[from..to]` is only the source of a statement.
pub(super) fn is_in_passing(
    symbol: &str,
    tokens: &[Token<'_>],
    from: usize,
    to: usize,
    names_another: bool,
) -> bool {
    if !VOICES.contains(&symbol) {
        return false;
    }
    let sentence = tokens[from].sentence;
    let before: Vec<&str> = tokens[..from]
        .iter()
        .rev()
        .take_while(|t| t.sentence == sentence)
        .take(4)
        .map(|t| t.lower.as_str())
        .collect();
    let after: Vec<&str> = tokens[to..]
        .iter()
        .take_while(|t| t.sentence == sentence)
        .take(5)
        .map(|t| t.lower.as_str())
        .collect();
    let led_by = |phrase: &[&str]| {
        phrase.iter().rev().enumerate().all(|(n, word)| before.get(n) == Some(word))
    };
    let led = BEFORE.iter().any(|phrase| led_by(phrase))
        || matches!(before.first(), Some(&("at" | "by" | "from")))
            && before.iter().any(|w| OPINIONS_BEFORE.contains(w));
    let speaks_of_another = names_another
        && (after.first().is_some_and(|w| SPEAKS.contains(w))
            || matches!(before.first(), Some(&("at" | "by" | "says" | "said" | "with")))
            || after.get(1) == Some(&"conference"));
    let analyst = after.iter().take(2).any(|w| OPINIONS_AFTER.contains(w))
        || names_another && after.iter().any(|w| OPINIONS_AFTER.contains(w));
    led || analyst || speaks_of_another
}
