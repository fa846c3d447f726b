//! Explicit listings: `$AAPL`, `(NASDAQ: AAPL)`, `AAPL.O`.

use super::dictionary::Dictionary;
use super::token::Token;

const OURS: &[&str] = &["nasdaq", "nyse", "nasdaqgs", "nasdaqgm", "nasdaqcm", "amex", "nysearca"];
/// Words between the name of a known exchange and its colon.
const TIERS: &[&str] =
    &["american", "arca", "gs", "gm", "cm", "global", "select", "market", "mkt", "capital"];
const FOREIGN: &[&str] = &[
    "tsx", "tsxv", "tsx.v", "v", "cse", "cnsx", "neo", "lse", "lon", "aim", "asx", "hkex", "hkg",
    "sehk", "hk", "tyo", "tse", "jpx", "fra", "etr", "xetra", "fwb", "epa", "ams", "bme", "bit",
    "six", "swx", "nse", "bse", "jse", "krx", "kospi", "kosdaq", "sgx", "nzx", "nzse", "omx",
    "sto", "cph", "hel", "osl", "bvmf", "b3", "sha", "she", "sse", "szse", "tase", "tlv",
    "euronext", "otc", "otcqb", "otcqx", "otcmkts", "otcpk", "tpe", "twse", "bmv", "wse", "vie",
    "ise", "ist", "bkk", "idx", "mex", "ebr", "eli", "par", "mil",
];

pub(super) struct Listings {
    /// Companies listed by their symbol.
    pub(super) certain: Vec<usize>,
    /// Tokens that are part of a listing, on a known or another exchange.
    pub(super) taken: Vec<bool>,
    /// Tokens in front of a listing on another exchange: the name there is no known company.
    pub(super) foreign: Vec<bool>,
}

pub(super) fn listings(dictionary: &Dictionary, text: &str, tokens: &[Token<'_>]) -> Listings {
    let mut found = Listings {
        certain: Vec::new(),
        taken: vec![false; tokens.len()],
        foreign: vec![false; tokens.len()],
    };
    let company = |t: &Token<'_>| dictionary.by_symbol.get(t.text).copied();
    for (n, token) in tokens.iter().enumerate() {
        if text[..token.start].ends_with('$') {
            // "$5" and "US$ABC" are money.
            let before = text[..token.start - 1].chars().next_back();
            if before.is_none_or(|c| !c.is_alphanumeric())
                && !token.text.starts_with(|c: char| c.is_ascii_digit())
            {
                found.taken[n] = true;
                let upper = token.lower.to_uppercase();
                found.certain.extend(dictionary.by_symbol.get(&upper).copied());
            }
            continue;
        }
        let exchange = token.lower.as_str();
        if OURS.contains(&exchange) {
            let mut at = n + 1;
            let is_tier = |at: usize, t: &Token<'_>| {
                TIERS.contains(&t.lower.as_str()) && !is_colon(text, &tokens[at - 1], t)
            };
            while tokens.get(at).is_some_and(|t| is_tier(at, t)) {
                at += 1;
            }
            if at < tokens.len() && is_colon(text, &tokens[at - 1], &tokens[at]) {
                found.taken[n..at].fill(true);
                take_list(text, tokens, at, &mut found, company);
            }
        } else if (FOREIGN.contains(&exchange) || is_code(token))
            && tokens.get(n + 1).is_some_and(|next| is_colon(text, token, next) && is_code(next))
            && (FOREIGN.contains(&exchange) || text[..token.start].ends_with('('))
        {
            found.taken[n] = true;
            found.taken[n + 1] = true;
            let sentence = token.sentence;
            let from = n.saturating_sub(5);
            for (is_foreign, before) in found.foreign[from..n].iter_mut().zip(&tokens[from..n]) {
                *is_foreign |= before.sentence == sentence;
            }
        } else if let Some((symbol, "O" | "OQ" | "N")) = token.text.rsplit_once('.')
            && let Some(&company) = dictionary.by_symbol.get(symbol)
        {
            found.taken[n] = true;
            found.certain.push(company);
        }
    }
    // "(LSE: SHEL, NYSE: SHEL)" is a listing on a known exchange all the same.
    if !found.certain.is_empty() {
        let certain = &found.certain;
        for names in dictionary.names.values().flatten().filter(|n| certain.contains(&n.company)) {
            for (n, token) in tokens.iter().enumerate() {
                if names.words.contains(&token.lower) {
                    found.foreign[n] = false;
                }
            }
        }
    }
    found
}

/// `AAPL`, or `GOOGL, GOOG` and `GOOGL and GOOG`.
fn take_list(
    text: &str,
    tokens: &[Token<'_>],
    from: usize,
    found: &mut Listings,
    company: impl Fn(&Token<'_>) -> Option<usize>,
) {
    for at in from..tokens.len() {
        let between =
            if at == from { "," } else { text[tokens[at - 1].end..tokens[at].start].trim() };
        if tokens[at].lower == "and" && between.is_empty() {
            continue;
        }
        let after_and = at > from && tokens[at - 1].lower == "and";
        let listed = company(&tokens[at]);
        if !(matches!(between, "," | "/" | ";") || after_and) || (at > from && listed.is_none()) {
            break;
        }
        found.taken[at] = true;
        found.certain.extend(listed);
    }
}

fn is_colon(text: &str, before: &Token<'_>, after: &Token<'_>) -> bool {
    text[before.end..after.start].trim() == ":"
}

fn is_code(token: &Token<'_>) -> bool {
    token.text.len() <= 8
        && token.text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '.')
}
