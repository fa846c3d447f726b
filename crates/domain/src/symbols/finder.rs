//! Finds companies in a text: listings first, then names, the longest first, then bare symbols.

use std::collections::{BTreeMap, HashSet};

use super::context::{is_ambiguous, is_business, is_common, means_another};
use super::dictionary::{Dictionary, Name};
use super::listing::listings;
use super::passing::is_in_passing;
use super::token::{Token, tokens};
use super::{LINK, Mention};

const CERTAIN: f64 = 1.0;
const LEGAL: f64 = 0.9;
const BARE: f64 = 0.8;
const SHORT: f64 = 0.6;
/// Relevance of a short name that is no word, in a text about anything.
const ALONE: f64 = 0.5;
/// Relevance of a company that is named but not the subject: below [`LINK`].
const PASSING: f64 = 0.2;

/// A name found in the text.
struct Found {
    company: usize,
    from: usize,
    to: usize,
    relevance: f64,
}

pub(super) fn find(dictionary: &Dictionary, text: &str) -> Vec<Mention> {
    let tokens = tokens(text);
    let listed = listings(dictionary, text, &tokens);
    let mut found = names(dictionary, &tokens, &listed.taken, &listed.foreign);
    let mut taken = listed.taken;
    for name in &found {
        taken[name.from..name.to].fill(true);
    }
    found.extend(bare_symbols(dictionary, text, &tokens, &taken));

    let named: HashSet<usize> = found
        .iter()
        .filter(|f| f.relevance >= LINK)
        .map(|f| f.company)
        .chain(listed.certain.iter().copied())
        .collect();
    let mut best: BTreeMap<usize, f64> = BTreeMap::new();
    let mut note = |company, relevance: f64| {
        let so_far = best.entry(company).or_insert(0.0);
        *so_far = so_far.max(relevance);
    };
    for company in listed.certain {
        note(company, CERTAIN);
    }
    for name in found {
        let symbol = dictionary.symbols[name.company].as_str();
        let another = named.iter().any(|c| *c != name.company);
        let passing = is_in_passing(symbol, &tokens, name.from, name.to, another);
        note(name.company, if passing { PASSING.min(name.relevance) } else { name.relevance });
    }
    let mut mentions: Vec<Mention> = best
        .into_iter()
        .map(|(company, relevance)| Mention {
            symbol: dictionary.symbols[company].clone(),
            relevance,
        })
        .collect();
    mentions
        .sort_by(|a, b| b.relevance.total_cmp(&a.relevance).then_with(|| a.symbol.cmp(&b.symbol)));
    mentions
}

pub(super) fn named_words(dictionary: &Dictionary, text: &str) -> HashSet<String> {
    let tokens = tokens(text);
    let none = vec![false; tokens.len()];
    names(dictionary, &tokens, &none, &none)
        .into_iter()
        .flat_map(|f| f.from..f.to)
        .map(|n| tokens[n].lower.clone())
        .collect()
}

fn names(
    dictionary: &Dictionary,
    tokens: &[Token<'_>],
    taken: &[bool],
    foreign: &[bool],
) -> Vec<Found> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let hit = dictionary.names.get(&tokens[at].lower).and_then(|names| {
            names.iter().find(|name| {
                let to = at + name.words.len();
                to <= tokens.len()
                    && !taken[at..to].contains(&true)
                    && tokens[at..to].iter().zip(&name.words).all(|(t, w)| t.lower == *w)
                    && is_written_as_name(name, &tokens[at..to])
            })
        });
        let Some(name) = hit else {
            at += 1;
            continue;
        };
        let to = at + name.words.len();
        let is_foreign = foreign[at..to].contains(&true);
        let relevance = if is_foreign { 0.0 } else { relevance(name, tokens, at, to) };
        if !is_foreign {
            found.push(Found { company: name.company, from: at, to, relevance });
        }
        at = to;
    }
    found
}

/// A name needs capital letters; an abbreviation is written in capitals.
fn is_written_as_name(name: &Name, tokens: &[Token<'_>]) -> bool {
    let short = name.words.len() == 1;
    let letters = |t: &Token<'_>| t.text.chars().filter(|c| c.is_alphabetic()).count();
    if short && name.is_upper && letters(&tokens[0]) <= 4 {
        return !tokens[0]
            .text
            .trim_end_matches("'s")
            .trim_end_matches("’s")
            .chars()
            .any(char::is_lowercase);
    }
    tokens.iter().any(|t| t.text.chars().any(char::is_uppercase))
        || (short && !is_ambiguous(&name.words[0]) && name.words[0].len() >= 5)
}

fn relevance(name: &Name, tokens: &[Token<'_>], from: usize, to: usize) -> f64 {
    if name.is_legal {
        return LEGAL;
    }
    let business = is_business(tokens, from, to);
    if means_another(tokens, from, to) {
        PASSING
    } else if business {
        SHORT
    } else if name.words.len() == 1 && is_ambiguous(&name.words[0]) {
        PASSING
    } else {
        ALONE
    }
}

/// Symbols in capitals that are no words; in parentheses they are a listing in short.
fn bare_symbols(
    dictionary: &Dictionary,
    text: &str,
    tokens: &[Token<'_>],
    taken: &[bool],
) -> Vec<Found> {
    let shouts =
        tokens.iter().filter(|t| t.text.len() > 3).all(|t| t.text == t.text.to_uppercase());
    tokens
        .iter()
        .enumerate()
        .filter(|(n, token)| !taken[*n] && !is_common(&token.text.to_lowercase()))
        .filter_map(|(n, token)| {
            let company = *dictionary.by_symbol.get(token.text)?;
            let enclosed = text[..token.start].ends_with('(') && text[token.end..].starts_with(')');
            let business = is_business(tokens, n, n + 1);
            // Two letters are a state, a unit or a title at least as often as a symbol.
            let relevance = match token.text.len() {
                _ if enclosed => LEGAL,
                0..=2 => PASSING,
                _ if shouts && !business => PASSING,
                _ => BARE,
            };
            Some(Found { company, from: n, to: n + 1, relevance })
        })
        .collect()
}
