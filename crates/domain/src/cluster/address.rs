//! Canonical address of an article, whichever link led to it.

use url::Url;

/// Subdomains with the same article for another screen.
const SCREENS: &[&str] = &["www.", "m.", "mobile.", "amp.", "touch."];
/// Parameters that track the origin of a reader.
const TRACKERS: &[&str] = &[
    "fbclid",
    "gclid",
    "gclsrc",
    "dclid",
    "msclkid",
    "yclid",
    "twclid",
    "igshid",
    "mc_cid",
    "mc_eid",
    "_hsenc",
    "_hsmi",
    "ref",
    "ref_src",
    "ref_url",
    "refid",
    "referrer",
    "source",
    "src",
    "cmpid",
    "cmp",
    "ncid",
    "icid",
    "cid",
    "soc_src",
    "soc_trk",
    "guccounter",
    "guce_referrer",
    "guce_referrer_sig",
    "tsrc",
    ".tsrc",
    "siteid",
    "yptr",
    "ito",
    "smid",
    "smtyp",
    "mod",
    "partner",
    "feed",
    "ftag",
    "taid",
    "sh",
    "sref",
    "srnd",
    "leadsource",
    "amp",
    "outputtype",
    "share",
    "via",
    "at_medium",
    "at_campaign",
    "xtor",
    "ocid",
    "rss",
    "spm",
    "trk",
    "wt.mc_id",
];

/// Without scheme, screen, tracking, fragment and trailing slash; parameters sorted.
pub fn canonical_url(url: &Url) -> String {
    if let Some(original) = behind_cache(url) {
        return canonical_url(&original);
    }
    let mut host = url.host_str().unwrap_or_default().trim_end_matches('.').to_lowercase();
    while let Some(rest) = SCREENS.iter().find_map(|s| host.strip_prefix(s)) {
        if !rest.contains('.') {
            break;
        }
        host = rest.to_owned();
    }
    let port = url.port().map(|p| format!(":{p}")).unwrap_or_default();

    let mut pairs: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(name, _)| {
            let name = name.to_lowercase();
            !name.starts_with("utm_") && !TRACKERS.contains(&name.as_str())
        })
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    pairs.sort();
    let mut out = format!("https://{host}{port}{}", path(url.path()));
    if !pairs.is_empty() {
        let query =
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        out.push('?');
        out.push_str(&query);
    }
    out
}

fn path(path: &str) -> String {
    let mut parts: Vec<&str> = path.split('/').filter(|p| !p.is_empty() && *p != "amp").collect();
    if matches!(parts.last(), Some(&("index.html" | "index.htm" | "index.php"))) {
        parts.pop();
    }
    let last = parts.pop().map(|last| {
        let bare = last.strip_suffix(".amp.html").map(|l| format!("{l}.html"));
        bare.unwrap_or_else(|| last.strip_suffix(".amp").unwrap_or(last).to_owned())
    });
    let mut out = String::new();
    for part in parts.into_iter().map(str::to_owned).chain(last) {
        out.push('/');
        out.push_str(&part);
    }
    if out.is_empty() { "/".to_owned() } else { out }
}

/// The address behind `google.com/amp/s/…` and `….cdn.ampproject.org/c/s/…`.
fn behind_cache(url: &Url) -> Option<Url> {
    let host = url.host_str()?;
    let rest = if host.ends_with("google.com") {
        url.path().strip_prefix("/amp/")?
    } else if host.ends_with(".cdn.ampproject.org") {
        url.path().strip_prefix("/c/").or_else(|| url.path().strip_prefix("/v/"))?
    } else {
        return None;
    };
    let rest = rest.strip_prefix("s/").unwrap_or(rest);
    let query = url.query().map(|q| format!("?{q}")).unwrap_or_default();
    Url::parse(&format!("https://{rest}{query}")).ok().filter(|u| u.host_str() != Some(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_an_article_is_one_address() {
        for way in [
            "https://www.example.com/news/apple-beats?utm_source=x&id=7",
            "http://m.example.com/news/apple-beats/?id=7&fbclid=abc#top",
            "https://amp.example.com/news/apple-beats/amp?id=7",
            "https://EXAMPLE.com:443/amp/news/apple-beats?id=7&ref=rss",
            "https://www.google.com/amp/s/www.example.com/news/apple-beats?id=7",
            "https://www-example-com.cdn.ampproject.org/c/s/example.com/news/apple-beats?id=7",
        ] {
            let url = Url::parse(way).unwrap();
            assert_eq!(canonical_url(&url), "https://example.com/news/apple-beats?id=7", "{way}");
        }
    }

    #[test]
    fn what_names_the_article_stays() {
        let url = Url::parse("https://example.com/story?page=2&id=9").unwrap();
        assert_eq!(canonical_url(&url), "https://example.com/story?id=9&page=2");
        let root = Url::parse("https://www.example.com").unwrap();
        assert_eq!(canonical_url(&root), "https://example.com/");
    }
}
