//! Texts of providers, made fit to be logged, stored and shown.

use secrecy::{ExposeSecret, SecretString};

const DETAIL_CHARS: usize = 500;
/// What introduces a credential in texts of providers, and the shortest word taken for one there.
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

/// Makes a provider's text fit to be logged, stored and shown: without `secrets`, without whatever
/// follows "API key as", "Bearer" and their like, without control characters, and cut to 500
/// characters after that, so that no half of a key survives the cut.
pub fn redact(text: &str, secrets: &[SecretString]) -> String {
    let mut text = text.to_owned();
    for secret in secrets.iter().map(ExposeSecret::expose_secret).filter(|s| s.len() > 2) {
        text = text.replace(secret, REDACTED);
        // as many servers write a slash within JSON
        text = text.replace(&secret.replace('/', "\\/"), REDACTED);
        let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        if encoded != *secret {
            text = text.replace(&encoded, REDACTED);
        }
    }
    for (marker, shortest) in MARKERS {
        text = mask_after(&text, marker, shortest);
    }
    mask_userinfo(&text)
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(DETAIL_CHARS)
        .collect()
}

/// Replaces the word after each `marker` (lower case) if it has at least `shortest` bytes.
fn mask_after(text: &str, marker: &str, shortest: usize) -> String {
    let lower = text.to_ascii_lowercase();
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    while let Some(at) = lower[from..].find(marker) {
        let begin = from + at + marker.len();
        let begin = begin
            + (text[begin..].len() - text[begin..].trim_start_matches([' ', '"', '\'', '<']).len());
        let word = text[begin..]
            .find(|c: char| !(c.is_ascii_alphanumeric() || "-._~+/=%*".contains(c)))
            .unwrap_or(text.len() - begin);
        out.push_str(&text[from..begin]);
        if word >= shortest {
            out.push_str(REDACTED);
        } else {
            out.push_str(&text[begin..begin + word]);
        }
        from = begin + word;
    }
    out.push_str(&text[from..]);
    out
}

/// Removes the user and password of addresses.
fn mask_userinfo(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        let end = after.find(|c: char| c == '/' || c.is_whitespace()).unwrap_or(after.len());
        rest = match after[..end].rfind('@') {
            Some(at) => {
                out.push_str(REDACTED);
                &after[at..]
            }
            None => after,
        };
    }
    out.push_str(rest);
    out
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
}
