//! The finance overlay: patterns of words with a valence, read from `data/finance.txt`.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::LazyLock;

/// One part of a pattern: a word of a set, after at most `gap` other words.
struct Element {
    gap: usize,
    words: HashSet<&'static str>,
}

struct Rule {
    valence: f64,
    elements: Vec<Element>,
}

#[derive(Default)]
struct Overlay {
    rules: Vec<Rule>,
    /// The rules, in their order, that begin with a word.
    by_first: HashMap<&'static str, Vec<usize>>,
    words: HashSet<&'static str>,
}

/// One pattern found in a sentence.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Hit {
    pub(super) valence: f64,
    /// Indexes of its words, ascending.
    pub(super) at: Vec<usize>,
}

static OVERLAY: LazyLock<Overlay> = LazyLock::new(|| parse(include_str!("../../data/finance.txt")));

fn parse(table: &'static str) -> Overlay {
    let mut classes: BTreeMap<&str, Vec<&'static str>> = BTreeMap::new();
    let mut overlay = Overlay::default();
    for line in table.lines().filter(|l| !l.is_empty() && !l.starts_with('#')) {
        let mut words = line.split_ascii_whitespace();
        let first = words.next().expect("a line that is not empty has a word");
        if first == "class" {
            let name = words.next().expect("a class has a name");
            classes.insert(name, words.collect());
            continue;
        }
        let valence = first.parse().expect("a rule begins with its valence");
        let (mut elements, mut gap) = (Vec::new(), 0);
        for word in words {
            if let Some(n) = word.strip_prefix("..") {
                gap = n.parse().expect("a gap is a number of words");
                continue;
            }
            let words = word
                .split('|')
                .flat_map(|w| match w.strip_prefix('{').and_then(|w| w.strip_suffix('}')) {
                    Some(class) => classes[class].clone(),
                    None => vec![w],
                })
                .collect();
            elements.push(Element { gap, words });
            gap = 0;
        }
        overlay.words.extend(elements.iter().flat_map(|e: &Element| e.words.iter().copied()));
        let number = overlay.rules.len();
        for word in &elements[0].words {
            let rules = overlay.by_first.entry(word).or_default();
            if rules.last() != Some(&number) {
                rules.push(number);
            }
        }
        overlay.rules.push(Rule { valence, elements });
    }
    overlay
}

/// Returns true if a lower-case word occurs in any pattern.
pub(super) fn knows(word: &str) -> bool {
    OVERLAY.words.contains(word)
}

/// The patterns in a sentence of lower-case words; each word serves at most one.
pub(super) fn hits(words: &[&str]) -> Vec<Hit> {
    let mut starts: Vec<(usize, usize)> = words
        .iter()
        .enumerate()
        .filter_map(|(at, word)| OVERLAY.by_first.get(word).map(|rules| (at, rules)))
        .flat_map(|(at, rules)| rules.iter().map(move |rule| (*rule, at)))
        .collect();
    starts.sort_unstable();
    let mut free = vec![true; words.len()];
    let mut found = Vec::new();
    for (rule, start) in starts {
        if !free[start] {
            continue;
        }
        let Rule { valence, elements } = &OVERLAY.rules[rule];
        if let Some(at) = follow(&elements[1..], words, &free, start) {
            for place in &at {
                free[*place] = false;
            }
            found.push(Hit { valence: *valence, at });
        }
    }
    found
}

fn follow(elements: &[Element], words: &[&str], free: &[bool], start: usize) -> Option<Vec<usize>> {
    let mut at = vec![start];
    let mut last = start;
    for element in elements {
        last = (last + 1..words.len().min(last + 2 + element.gap))
            // A comma ends a clause, and with it the reach of a verb.
            .take_while(|n| words[*n] != ",")
            .find(|n| free[*n] && element.words.contains(words[*n]))?;
        at.push(last);
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn valence(text: &str) -> f64 {
        let words: Vec<&str> = text.split(' ').collect();
        hits(&words).iter().map(|h| h.valence).sum()
    }

    #[test]
    fn the_sign_is_that_of_the_verb_times_its_metric() {
        assert!(valence("ford narrows loss") > 0.0);
        assert!(valence("airline cuts costs") > 0.0);
        assert!(valence("intel cuts its guidance") < 0.0);
        assert!(valence("retailer raises debt") < 0.0);
    }

    #[test]
    fn false_friends_weigh_nothing() {
        assert_eq!(valence("gross interest and capital"), 0.0);
    }
}
