//! News search as NewsAPI documents it: quotes, `+`, `-`, AND, OR, NOT, parentheses.

use crate::world::searchable;

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Search {
    /// A phrase: words in sequence.
    Phrase(String),
    Not(Box<Self>),
    All(Vec<Self>),
    Any(Vec<Self>),
}

#[derive(Debug, PartialEq, Eq)]
enum Token {
    Open,
    Close,
    And,
    Or,
    Not,
    Phrase(String),
}

impl Search {
    pub(crate) fn parse(query: &str) -> Result<Self, &'static str> {
        let tokens = tokens(query)?;
        let mut rest = tokens.as_slice();
        let search = any(&mut rest)?;
        if rest.is_empty() { Ok(search) } else { Err("a parenthesis closes what none has opened") }
    }

    /// Returns true if the texts, made searchable, match the query; a phrase lies within one text.
    pub(crate) fn finds(&self, texts: &[&str]) -> bool {
        match self {
            Self::Phrase(phrase) => texts.iter().any(|text| text.contains(phrase.as_str())),
            Self::Not(inner) => !inner.finds(texts),
            Self::All(parts) => parts.iter().all(|part| part.finds(texts)),
            Self::Any(parts) => parts.iter().any(|part| part.finds(texts)),
        }
    }
}

fn tokens(query: &str) -> Result<Vec<Token>, &'static str> {
    let mut tokens = Vec::new();
    let mut rest = query.trim_start();
    while let Some(first) = rest.chars().next() {
        let used = match first {
            '(' => {
                tokens.push(Token::Open);
                1
            }
            ')' => {
                tokens.push(Token::Close);
                1
            }
            '-' => {
                tokens.push(Token::Not);
                1
            }
            // all terms are required anyway
            '+' | ',' => 1,
            '"' => {
                let end = rest[1..].find('"').ok_or("a quotation mark is not closed")?;
                tokens.push(Token::Phrase(searchable(&rest[1..=end])));
                end + 2
            }
            _ => {
                let stop = |c: char| c.is_whitespace() || "()\",".contains(c);
                let end = rest.find(stop).unwrap_or(rest.len());
                tokens.push(match &rest[..end] {
                    "AND" => Token::And,
                    "OR" => Token::Or,
                    "NOT" => Token::Not,
                    word => Token::Phrase(searchable(word)),
                });
                end
            }
        };
        rest = rest[used..].trim_start();
    }
    Ok(tokens)
}

fn any(rest: &mut &[Token]) -> Result<Search, &'static str> {
    let mut parts = vec![all(rest)?];
    while let Some((Token::Or, after)) = rest.split_first() {
        *rest = after;
        parts.push(all(rest)?);
    }
    Ok(single(parts, Search::Any))
}

fn all(rest: &mut &[Token]) -> Result<Search, &'static str> {
    let mut parts = vec![one(rest)?];
    loop {
        match rest.split_first() {
            None | Some((Token::Or | Token::Close, _)) => break,
            Some((Token::And, after)) => *rest = after,
            Some(_) => {}
        }
        parts.push(one(rest)?);
    }
    Ok(single(parts, Search::All))
}

fn one(rest: &mut &[Token]) -> Result<Search, &'static str> {
    let Some((token, after)) = rest.split_first() else {
        return Err("the query ends where a word is expected");
    };
    *rest = after;
    match token {
        Token::Phrase(phrase) => Ok(Search::Phrase(phrase.clone())),
        Token::Not => Ok(Search::Not(Box::new(one(rest)?))),
        Token::Open => {
            let inner = any(rest)?;
            let Some((Token::Close, after)) = rest.split_first() else {
                return Err("a parenthesis is not closed");
            };
            *rest = after;
            Ok(inner)
        }
        Token::Close | Token::And | Token::Or => Err("a word is missing beside an operator"),
    }
}

fn single(mut parts: Vec<Search>, group: fn(Vec<Search>) -> Search) -> Search {
    if parts.len() == 1 { parts.remove(0) } else { group(parts) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finds(query: &str, text: &str) -> bool {
        Search::parse(query).expect("a good query").finds(&[searchable(text).as_str()])
    }

    #[test]
    fn operators_bind_as_documented() {
        assert!(finds("apple OR tesla", "Tesla recalls cars"));
        assert!(finds("\"Apple Inc.\" OR (tesla AND recall)", "Shares of Apple Inc rose"));
        assert!(!finds("\"Apple Inc\"", "Inc. Magazine on Apple"));
        assert!(!finds("apple -fruit", "Apple, the fruit"));
        assert!(!finds("apple NOT fruit", "apple fruit"));
        assert!(finds("+apple +profit", "profit of Apple"));
        assert!(!finds("apple profit", "Apple falls"));
        assert!(!finds("app", "Apple falls"));
    }

    #[test]
    fn broken_queries_are_refused() {
        for query in ["\"apple", "(apple", "apple)", "OR apple", "apple AND", ""] {
            assert!(Search::parse(query).is_err(), "{query}");
        }
    }
}
