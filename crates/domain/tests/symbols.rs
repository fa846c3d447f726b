//! The symbol finder against texts whose companies were written down beside them.

use std::collections::BTreeSet;

use bellwether_domain::symbols::{Dictionary, LINK};

fn linked(text: &str) -> BTreeSet<String> {
    let mentions = Dictionary::builtin().find(text);
    mentions.iter().filter(|m| m.relevance >= LINK).map(|m| m.symbol.to_string()).collect()
}

fn relevance(text: &str, symbol: &str) -> f64 {
    let mentions = Dictionary::builtin().find(text);
    mentions.iter().find(|m| m.symbol.as_str() == symbol).map_or(0.0, |m| m.relevance)
}

#[test]
fn links_are_right_and_few_are_missed() {
    let (mut right, mut wrong, mut missed) = (0_u32, 0_u32, 0_u32);
    for line in include_str!("symbols.txt").lines().filter(|l| !l.starts_with('#')) {
        let (text, expected) = line.split_once("=>").unwrap();
        let expected: BTreeSet<String> = expected.split_whitespace().map(str::to_owned).collect();
        let found = linked(text.trim());
        right += found.intersection(&expected).count() as u32;
        wrong += found.difference(&expected).count() as u32;
        missed += expected.difference(&found).count() as u32;
        if found != expected {
            println!("{text}: expected {expected:?}, found {found:?}");
        }
    }
    let precision = f64::from(right) / f64::from(right + wrong);
    let recall = f64::from(right) / f64::from(right + missed);
    println!("precision {precision}, recall {recall}");
    assert!(precision >= 0.95, "precision {precision}");
    assert!(recall >= 0.85, "recall {recall}");
}

#[test]
fn relevance_says_how_the_company_was_named() {
    assert_eq!(relevance("$AAPL", "AAPL"), 1.0);
    assert_eq!(relevance("Something (NASDAQ: AAPL) happened", "AAPL"), 1.0);
    assert_eq!(relevance("The bank (NYSE: GS) said so", "GS"), 1.0);
    assert_eq!(relevance("The maker (NYSE American: GE) said so", "GE"), 1.0);
    assert_eq!(relevance("Apple Inc. said so", "AAPL"), 0.9);
    assert_eq!(relevance("Apple shares rise", "AAPL"), 0.6);
    assert!(relevance("Tesla downgraded to hold at JPMorgan", "JPM") < LINK);
}

#[test]
fn the_best_comes_first() {
    let found = Dictionary::builtin().find("Apple shares rise, $MSFT falls");
    let symbols: Vec<_> = found.iter().map(|m| m.symbol.as_str()).collect();
    assert_eq!(symbols, ["MSFT", "AAPL"]);
}
