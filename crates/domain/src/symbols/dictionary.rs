//! The known companies, by all their names.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use thiserror::Error;

use super::Mention;
use super::finder;
use super::token::tokens;
use crate::Symbol;

/// A name of a company.
#[derive(Clone, Debug)]
pub(super) struct Name {
    pub(super) words: Vec<String>,
    pub(super) company: usize,
    /// The full legal name.
    pub(super) is_legal: bool,
    /// As written in the dictionary, for names that are symbols too.
    pub(super) is_upper: bool,
}

#[derive(Clone, Debug, Default)]
pub struct Dictionary {
    pub(super) symbols: Vec<Symbol>,
    pub(super) by_symbol: HashMap<String, usize>,
    /// Common name by company; empty if the dictionary has none.
    called: Vec<String>,
    /// By first word, the longest name first.
    pub(super) names: HashMap<String, Vec<Name>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}: {reason}")]
pub struct InvalidDictionary {
    pub line: usize,
    pub reason: String,
}

static BUILTIN: LazyLock<Dictionary> = LazyLock::new(|| {
    Dictionary::parse_csv(include_str!("../../data/companies.csv"))
        .expect("the built-in dictionary is read by a test")
});

/// Legal forms at the end of a name.
const LEGAL: &[&str] = &[
    "inc",
    "incorporated",
    "corp",
    "corporation",
    "co",
    "company",
    "companies",
    "ltd",
    "limited",
    "plc",
    "llc",
    "lp",
    "nv",
    "n.v",
    "sa",
    "s.a",
    "se",
    "ag",
    "holdings",
    "holding",
    "group",
    "class",
    "common",
    "stock",
    "trust",
];

impl Dictionary {
    /// About a hundred large companies of the United States.
    pub fn builtin() -> Self {
        BUILTIN.clone()
    }

    /// Columns `symbol,name,aliases`, the aliases separated by a vertical bar; name and aliases
    /// may be empty. A name that several rows share belongs to the first, but never to GOOG
    /// where GOOGL has it: the company is GOOGL.
    pub fn parse_csv(csv: &str) -> Result<Self, InvalidDictionary> {
        let mut dictionary = Self::default();
        let mut rows = Vec::new();
        for (n, line) in csv.trim_start_matches('\u{feff}').lines().enumerate() {
            let error = |reason: String| InvalidDictionary { line: n + 1, reason };
            let cells = cells(line).map_err(|reason| error(reason.to_owned()))?;
            let is_head = n == 0 && cells[0].trim().eq_ignore_ascii_case("symbol");
            if line.trim().is_empty() || is_head {
                continue;
            }
            if cells.len() > 3 {
                return Err(error("more than three columns".to_owned()));
            }
            let symbol: Symbol =
                cells[0].parse().map_err(|e: crate::InvalidSymbol| error(e.to_string()))?;
            let company = dictionary.symbols.len();
            if dictionary.by_symbol.insert(symbol.to_string(), company).is_some() {
                return Err(error(format!("{symbol} is named twice")));
            }
            dictionary.symbols.push(symbol);
            dictionary.called.push(String::new());
            rows.push((company, cells));
        }
        if dictionary.symbols.is_empty() {
            return Err(InvalidDictionary { line: 1, reason: "there is no company".to_owned() });
        }
        rows.sort_by_key(|(company, _)| dictionary.symbols[*company].as_str() == "GOOG");
        let mut taken = HashSet::new();
        for (company, cells) in rows {
            let legal = cells.get(1).map_or("", |name| name.trim());
            without_ending(legal).clone_into(&mut dictionary.called[company]);
            dictionary.add(&mut taken, company, legal, true);
            dictionary.add(&mut taken, company, without_ending(legal), false);
            for alias in cells.get(2).map_or("", |a| a.as_str()).split('|') {
                dictionary.add(&mut taken, company, alias.trim(), false);
            }
        }
        for names in dictionary.names.values_mut() {
            names.sort_by_key(|name| std::cmp::Reverse(name.words.len()));
        }
        Ok(dictionary)
    }

    fn add(&mut self, taken: &mut HashSet<Vec<String>>, company: usize, name: &str, legal: bool) {
        let words: Vec<String> = tokens(name).into_iter().map(|t| t.lower).collect();
        let Some(first) = words.first().cloned() else { return };
        if !taken.insert(words.clone()) {
            return;
        }
        let is_legal = legal && words.len() > 1;
        let is_upper = !name.chars().any(char::is_lowercase);
        self.names.entry(first).or_default().push(Name { words, company, is_legal, is_upper });
    }

    /// Common name of a company, without the legal form.
    pub fn name(&self, symbol: &Symbol) -> Option<&str> {
        let company = *self.by_symbol.get(symbol.as_str())?;
        Some(self.called[company].as_str()).filter(|name| !name.is_empty())
    }

    /// The companies that a text mentions, the most relevant first, each once.
    pub fn find(&self, text: &str) -> Vec<Mention> {
        finder::find(self, text)
    }

    /// The words of a text, in lower case, by which companies are named.
    pub(crate) fn words_of(&self, text: &str) -> HashSet<String> {
        finder::named_words(self, text)
    }
}

/// The name without its legal form and without a leading article.
fn without_ending(name: &str) -> &str {
    let mut bare = name.strip_prefix("The ").unwrap_or(name).trim();
    loop {
        let (head, last) = bare.rsplit_once(' ').unwrap_or(("", bare));
        let ending = last.trim_matches(['.', ',', '(', ')']).to_lowercase();
        let joined = matches!(last, "&" | "and");
        if head.is_empty() || !(joined || LEGAL.contains(&ending.as_str())) {
            return bare.trim_end_matches(',');
        }
        bare = head.trim_end();
    }
}

/// One line of CSV; a quoted cell may hold commas and doubled quotes.
fn cells(line: &str) -> Result<Vec<String>, &'static str> {
    let mut cells = vec![String::new()];
    let mut quoted = false;
    let mut chars = line.trim_end_matches('\r').chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                cells.last_mut().expect("there is always a cell").push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(String::new()),
            c => cells.last_mut().expect("there is always a cell").push(c),
        }
    }
    if quoted { Err("a quote is not closed") } else { Ok(cells) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_dictionary_has_about_a_hundred_companies() {
        assert!((95..=130).contains(&Dictionary::builtin().symbols.len()));
    }

    #[test]
    fn quoted_names_hold_commas_and_bad_rows_name_their_line() {
        let csv = "symbol,name,aliases\nACME,\"Acme, Inc.\",Acme|Acme Rockets\n";
        let found = Dictionary::parse_csv(csv).unwrap().find("Acme Rockets shares rise");
        assert_eq!(found[0].symbol.as_str(), "ACME");
        let apple = "AAPL".parse().unwrap();
        assert_eq!(Dictionary::builtin().name(&apple), Some("Apple"));
        assert_eq!(Dictionary::parse_csv("symbol,name\n1X,Bad\n").unwrap_err().line, 2);
        assert_eq!(Dictionary::parse_csv("AB,x\nAB,y\n").unwrap_err().line, 2);
    }

    #[test]
    fn endings_that_make_a_name_legal_fall_away() {
        assert_eq!(without_ending("The Goldman Sachs Group, Inc."), "Goldman Sachs");
        assert_eq!(without_ending("Deere & Company"), "Deere");
        assert_eq!(without_ending("Amazon.com, Inc."), "Amazon.com");
    }
}
