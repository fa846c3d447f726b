//! Meaning of a short name, by the words around it.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::token::Token;

/// Distance from a name, in words, within which other meanings are looked for.
const NEAR: usize = 6;

struct Context {
    finance: HashSet<&'static str>,
    others: HashMap<&'static str, HashSet<&'static str>>,
}

static CONTEXT: LazyLock<Context> = LazyLock::new(|| {
    let mut context = Context { finance: HashSet::new(), others: HashMap::new() };
    for line in include_str!("../../data/context.txt").lines() {
        let mut words = line.split_ascii_whitespace();
        match words.next() {
            Some("finance") => context.finance = words.collect(),
            Some("not") => {
                let name = words.next().expect("a line of other meanings names its word");
                context.others.insert(name, words.collect());
            }
            _ => {}
        }
    }
    context
});

static COMMON: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| include_str!("../../data/words.txt").split_ascii_whitespace().collect());

/// Words that follow a short name where it is part of another name.
const OTHER_BODIES: &[&str] = &[
    "hospitality",
    "foundation",
    "records",
    "university",
    "county",
    "street",
    "stadium",
    "park",
    "hospital",
    "museum",
    "institute",
    "farms",
    "resources",
    "mining",
    "therapeutics",
    "valley",
    "daily",
    "theatre",
    "theater",
    "school",
    "college",
    "church",
    "airport",
    "martini",
];

pub(super) fn is_common(lower: &str) -> bool {
    lower.chars().count() == 1 || COMMON.contains(lower)
}

/// Names that are words or other names as well, whatever the dictionary.
pub(super) fn is_ambiguous(lower: &str) -> bool {
    is_common(lower) || CONTEXT.others.contains_key(lower)
}

/// Returns true if the text is about business, the name's own words aside.
pub(super) fn is_business(tokens: &[Token<'_>], from: usize, to: usize) -> bool {
    let sentence = tokens[from].sentence;
    let speaks = |t: &Token<'_>| {
        CONTEXT.finance.contains(t.lower.as_str())
            || t.lower.contains('$')
            || t.lower.ends_with("bn")
                && t.lower.len() > 2
                && t.lower.starts_with(|c: char| c.is_ascii_digit())
    };
    tokens
        .iter()
        .enumerate()
        .filter(|(n, t)| (*n < from || *n >= to) && t.sentence.abs_diff(sentence) <= 1)
        .any(|(_, t)| speaks(t))
}

/// Returns true if the words around a name show that it means something else.
pub(super) fn means_another(tokens: &[Token<'_>], from: usize, to: usize) -> bool {
    if tokens.get(to).is_some_and(|next| {
        OTHER_BODIES.contains(&next.lower.as_str()) && next.text.starts_with(char::is_uppercase)
    }) {
        return true;
    }
    let name = &tokens[from];
    let Some(others) = CONTEXT.others.get(name.lower.as_str()).filter(|_| to == from + 1) else {
        return false;
    };
    tokens[from.saturating_sub(NEAR)..tokens.len().min(to + NEAR)]
        .iter()
        .filter(|t| t.sentence == name.sentence && t.start != name.start)
        .any(|t| others.contains(t.lower.as_str()))
}
