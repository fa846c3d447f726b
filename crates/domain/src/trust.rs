//! Trust in a source before its text is read.

/// Regulators' filings, the wires through which companies publish, and news agencies.
const WIRES: &[&str] = &[
    "sec",
    "edgar",
    "sec.gov",
    "business wire",
    "businesswire",
    "businesswire.com",
    "pr newswire",
    "prnewswire",
    "prnewswire.com",
    "globenewswire",
    "globenewswire.com",
    "accesswire",
    "reuters",
    "reuters.com",
    "associated press",
    "ap news",
    "apnews.com",
    "dow jones newswires",
    "bloomberg",
    "bloomberg.com",
];

const PRESS: &[&str] = &[
    "the wall street journal",
    "wall street journal",
    "wsj",
    "wsj.com",
    "financial times",
    "ft.com",
    "cnbc",
    "cnbc.com",
    "barron's",
    "barrons",
    "barrons.com",
    "the new york times",
    "nytimes.com",
    "the washington post",
    "washingtonpost.com",
    "the economist",
    "economist.com",
    "marketwatch",
    "marketwatch.com",
    "bbc news",
    "bbc.com",
    "bbc.co.uk",
    "the guardian",
    "theguardian.com",
    "forbes",
    "forbes.com",
    "fortune",
    "fortune.com",
    "cnn",
    "cnn.com",
    "nikkei asia",
    "axios",
    "axios.com",
    "yahoo finance",
    "finance.yahoo.com",
    "business insider",
    "businessinsider.com",
    "the verge",
    "theverge.com",
    "techcrunch",
    "techcrunch.com",
];

/// `q` of the formula: 1 for filings and wires, 0.75 for major press, 0.5 for all other sources.
/// Names and host names are compared without case, `www.` and a `-id` spelling.
pub fn source_trust(source: &str) -> f64 {
    let name = source.trim().to_lowercase().replace('-', " ");
    let name = name.strip_prefix("www.").unwrap_or(&name);
    if WIRES.contains(&name) {
        1.0
    } else if PRESS.contains(&name) {
        0.75
    } else {
        0.5
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trust_falls_from_wires_to_press_to_the_rest() {
        assert_eq!(source_trust("PR Newswire"), 1.0);
        assert_eq!(source_trust("www.cnbc.com"), 0.75);
        assert_eq!(source_trust("business-insider"), 0.75);
        assert_eq!(source_trust("hot-stock-tips.biz"), 0.5);
    }
}
