//! Redacts providers' texts, so that they may be logged, stored and shown.

use std::{
    ops::Range,
    sync::{PoisonError, RwLock},
};

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use secrecy::{ExposeSecret, SecretString};

const DETAIL_CHARS: usize = 500;
/// Bytes of a text that are read.
const READ: usize = 64 * 1024;
/// The shortest secret that is kept out of other clients' errors.
const SHARED: usize = 12;
/// Words before a credential in texts of providers, each with the shortest length that is taken for
/// one after it.
const MARKERS: [(&str, usize); 9] = [
    ("api key as ", 1),
    ("key provided: ", 1),
    ("key=", 1),
    ("key: ", 1),
    ("key\":", 1),
    ("token=", 1),
    ("token\":", 1),
    ("bearer ", 4),
    ("basic ", 12),
];
const REDACTED: &str = "[redacted]";

/// The secrets of every client that this process has built, in each encoding in which a provider
/// may return them: a provider can receive, and repeat, another one's secret.
static KNOWN: RwLock<Vec<SecretString>> = RwLock::new(Vec::new());

/// Adds `secrets` to those that no error of any client shows, unless they are so short that they
/// could be words.
pub(crate) fn remember(secrets: &[SecretString]) {
    let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    let long = secrets.iter().map(ExposeSecret::expose_secret).filter(|s| s.len() >= SHARED);
    for form in long.flat_map(forms) {
        if known.iter().all(|k| k.expose_secret() != form) {
            known.push(form.into());
        }
    }
}

/// Makes a provider's text fit to be logged, stored and shown: without `secrets`, without those of
/// other clients, without whatever follows "API key as", "Bearer" and their like, without control
/// characters, and cut to 500 characters after that, so that no half of a key survives the cut. Of
/// a long text only the first 64 KiB are read.
pub fn redact(text: &str, secrets: &[SecretString]) -> String {
    let own = secrets.iter().map(ExposeSecret::expose_secret).filter(|s| s.len() > 2);
    let own: Vec<String> = own.flat_map(forms).collect();
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    let needles: Vec<&str> = own
        .iter()
        .map(String::as_str)
        .chain(known.iter().map(ExposeSecret::expose_secret))
        .collect();
    // a secret that begins within what is shown is found whole
    let longest = needles.iter().map(|needle| needle.len()).max().unwrap_or_default();
    let piece = cut(text, READ + longest);

    let found = |needle: &&str| {
        let len = needle.len();
        piece.match_indices(*needle).map(|(at, _)| at..at + len).collect::<Vec<_>>()
    };
    let mut hidden: Vec<Range<usize>> = needles.iter().flat_map(found).collect();
    hidden.extend(marked(piece));
    hidden.extend(userinfo(piece));
    hidden.sort_by_key(|range| range.start);
    without(cut(piece, READ), &hidden)
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(DETAIL_CHARS)
        .collect()
}

/// As much of a body as [`redact`] can need, whatever the length of a secret.
pub(super) fn head(text: &str) -> &str {
    cut(text, 2 * READ)
}

fn cut(text: &str, len: usize) -> &str {
    &text[..text.floor_char_boundary(len)]
}

/// `text` with each range, in order of their starts, replaced; one may end after the text.
fn without(text: &str, hidden: &[Range<usize>]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for range in hidden.iter().filter(|range| range.start < text.len()) {
        if range.start >= from {
            out.push_str(&text[from..range.start]);
            out.push_str(REDACTED);
        }
        from = from.max(range.end);
    }
    out.push_str(text.get(from..).unwrap_or_default());
    out
}

/// A secret as it is, and as JSON, addresses, HTML and base64 write it.
fn forms(secret: &str) -> Vec<String> {
    let json = serde_json::to_string(secret).unwrap_or_default();
    let json = json.trim_matches('"');
    let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let html = secret.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let html = html.replace('"', "&quot;");
    let mut forms = vec![
        secret.to_owned(),
        json.to_owned(),
        json.replace('/', "\\/"),
        json.replace('&', "\\u0026").replace('<', "\\u003c").replace('>', "\\u003e"),
        lower_hex(&encoded),
        encoded,
        html.replace('\'', "&#39;"),
        html.replace('\'', "&#x27;").replace('/', "&#x2F;").replace('=', "&#x3D;"),
    ];
    for core in base64(secret.as_bytes()) {
        forms.push(core.replace('+', "-").replace('/', "_"));
        forms.push(core);
    }
    forms.sort();
    forms.dedup();
    forms
}

/// `%2F` as `%2f`.
fn lower_hex(encoded: &str) -> String {
    let mut parts = encoded.split('%');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (hex, rest) = part.split_at(2);
        out.push('%');
        out.push_str(&hex.to_ascii_lowercase());
        out.push_str(rest);
    }
    out
}

/// The base64 of bytes that begin at each place of a group of three, without the characters that
/// depend on the neighbours; too short a rest could be an ordinary word.
fn base64(secret: &[u8]) -> impl Iterator<Item = String> {
    (0..3).filter_map(move |before| {
        let bytes = [&[0; 2][..before], secret].concat();
        let text = STANDARD_NO_PAD.encode(&bytes);
        let (from, upto) = ((before * 8).div_ceil(6), bytes.len() * 8 / 6);
        (upto >= from + SHARED).then(|| text[from..upto].to_owned())
    })
}

/// The word after each marker, if it is long enough for that marker.
fn marked(text: &str) -> Vec<Range<usize>> {
    let lower = text.to_ascii_lowercase();
    let mut words = Vec::new();
    for (marker, shortest) in MARKERS {
        for (at, _) in lower.match_indices(marker) {
            let after = &text[at + marker.len()..];
            let word = after.trim_start_matches([' ', '"', '\'', '<']);
            let begin = text.len() - word.len();
            let len = word
                .find(|c: char| !(c.is_ascii_alphanumeric() || "-._~+/=%*".contains(c)))
                .unwrap_or(word.len());
            if len >= shortest {
                words.push(begin..begin + len);
            }
        }
    }
    words
}

/// The user and password of each address.
fn userinfo(text: &str) -> Vec<Range<usize>> {
    let of = |(at, scheme): (usize, &str)| {
        let begin = at + scheme.len();
        let rest = &text[begin..];
        let end = rest.find(|c: char| c == '/' || c.is_whitespace()).unwrap_or(rest.len());
        rest[..end].rfind('@').map(|at| begin..begin + at)
    };
    text.match_indices("://").filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redacted_text_holds_no_key_and_no_token() {
        let secrets = [SecretString::from("s3cr/et+K3Y")];
        let cases = [
            ("a s3cr/et+K3Y b", "a [redacted] b"),
            ("a?k=s3cr%2Fet%2BK3Y", "a?k=[redacted]"),
            (r#"{"sent":"s3cr\/et+K3Y"}"#, r#"{"sent":"[redacted]"}"#),
            (
                "We have detected your API key as OTHER123 and our standard",
                "We have detected your API key as [redacted] and our standard",
            ),
            ("Authorization: Bearer abc.def-ghi", "Authorization: Bearer [redacted]"),
            ("Basic QUM6dG9rZW4xMjM=", "Basic [redacted]"),
            ("your basic plan", "your basic plan"),
            ("GET /query?apikey=XYZ&symbol=A", "GET /query?apikey=[redacted]&symbol=A"),
            (r#"{"apiKey": "XYZ"}"#, r#"{"apiKey": "[redacted]"}"#),
            ("Incorrect API key provided: sk-1***9.", "Incorrect API key provided: [redacted]"),
            ("smtp://user:pass@mail.example/x", "smtp://[redacted]@mail.example/x"),
            ("nul\0 and\nline", "nul  and line"),
        ];
        for (text, expected) in cases {
            assert_eq!(redact(text, &secrets), expected);
        }
    }

    #[test]
    fn a_text_is_cut_to_500_characters_after_its_keys_are_gone() {
        let secrets = [SecretString::from("KEYKEYKEY")];
        let text = format!("{}KEYKEYKEY{}", "é".repeat(495), "z".repeat(900));
        let cut = redact(&text, &secrets);
        assert_eq!(cut.chars().count(), 500);
        assert!(!cut.contains("KEY"), "{cut}");
    }

    #[test]
    fn a_key_is_found_as_html_json_addresses_and_base64_write_it() {
        let key = "S3cret/K3y&with<odd>'chars=+4711";
        let secrets = [SecretString::from(key)];
        let basic = base64::engine::general_purpose::STANDARD.encode(format!("AC1:{key}:x"));
        for written in [
            "S3cret/K3y&amp;with&lt;odd&gt;&#39;chars=+4711".to_owned(),
            "S3cret&#x2F;K3y&amp;with&lt;odd&gt;&#x27;chars&#x3D;+4711".to_owned(),
            r"S3cret/K3y\u0026with\u003codd\u003e'chars=+4711".to_owned(),
            "S3cret%2fK3y%26with%3codd%3e%27chars%3d%2b4711".to_owned(),
        ] {
            assert_eq!(redact(&format!("<p>{written}</p>"), &secrets), "<p>[redacted]</p>");
        }
        for before in ["", "x", "xy"] {
            let encoded = STANDARD_NO_PAD.encode(format!("{before}{key} and more"));
            let shown = redact(&format!("sent {encoded} here"), &secrets);
            assert!(shown.contains("[redacted]"), "{shown}");
            assert!(!shown.contains(&encoded[8..20]), "{shown}");
        }
        assert!(!redact(&format!("a {basic} b"), &secrets).contains(&basic[12..24]));
    }

    #[test]
    fn a_key_of_one_provider_is_in_no_error_of_another() {
        remember(&["a-key-of-b-4711-0815".into(), "short".into()]);
        let shown = redact("echo a-key-of-b-4711-0815, short", &["a-key-of-a".into()]);
        assert_eq!(shown, "echo [redacted], short");
    }

    #[test]
    fn a_long_text_is_read_to_its_64th_kib_and_no_half_of_a_key_is_left_of_it() {
        let key = "K".repeat(200);
        // what is hidden is short, so the end of what is read is shown
        let text = format!("{} {}", format!("{key} ").repeat(READ / 201), key.repeat(2));
        assert!(text.len() > READ);
        let shown = redact(&text, &[key.as_str().into()]);
        assert!(!shown.contains('K'), "{shown}");
        let far = format!("{}tail", "x y ".repeat(READ));
        assert_eq!(redact(&far, &[]).chars().count(), 500);
        assert!(head(&far).len() <= 2 * READ);
    }
}
