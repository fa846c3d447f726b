//! Fingerprints by which two reports are compared.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use super::{Fingerprint, Story, canonical_url};
use crate::clean::clean;
use crate::symbols::{Dictionary, is_common_word};

/// Characters of the text that are compared beside the title.
const READ: usize = 500;
const CORRECTIONS: &[&str] = &["corrected", "correction", "corrects", "refile", "clarification"];
const MARKS: &[&str] = &["exclusive", "breaking", "brief", "wrapup", "video", "live", "watch"];

static COMPANIES: LazyLock<Dictionary> = LazyLock::new(Dictionary::builtin);

pub fn fingerprint(story: &Story) -> Fingerprint {
    let cleaned = clean(&story.title).text;
    let (title, is_correction) = without_marks(without_outlet(&cleaned, &story.source));
    let body: String = clean(&story.description).text.chars().take(READ).collect();
    let title_words = words_of(title);
    let body_words = words_of(&body);
    let all: Vec<String> = title_words.iter().chain(&body_words).cloned().collect();
    let (simhash, shingles) = simhash(&all);
    let (body_simhash, body_shingles) = simhash_of_body(&body_words);
    Fingerprint {
        canonical_url: canonical_url(&story.url),
        published_at: story.published_at,
        title_hash: hash(&title_words.join(" ")),
        simhash,
        shingles,
        body_simhash,
        body_shingles,
        trigrams: trigrams(&title_words),
        numbers: numbers(title),
        names: names(title),
        is_correction,
    }
}

/// News sites append " - Outlet" to a headline.
fn without_outlet<'a>(title: &'a str, source: &str) -> &'a str {
    for separator in [" - ", " | ", " – ", " — "] {
        if let Some((head, tail)) = title.rsplit_once(separator) {
            let is_outlet = tail.eq_ignore_ascii_case(source)
                || (separator != " – "
                    && tail.split(' ').count() <= 4
                    && head.split(' ').count() >= 4);
            if is_outlet {
                return head;
            }
        }
    }
    title
}

/// Editors' marks in front of a headline, such as "UPDATE 2-" and "CORRECTED:".
fn without_marks(title: &str) -> (&str, bool) {
    let (mut rest, mut is_correction) = (title, false);
    while let Some((mark, after)) = rest.split_once([':', '-', '–', '—']) {
        let mark = mark.trim().trim_matches(['[', ']', '(', ')']).to_lowercase();
        let first = mark.split(' ').next().unwrap_or_default();
        let corrects = CORRECTIONS.contains(&first) && mark.split(' ').count() <= 2;
        let updates = (first == "update" || first == "wrapup" || first == "refile")
            && mark.split(' ').skip(1).all(|n| n.parse::<u32>().is_ok());
        if !(corrects || updates || MARKS.contains(&mark.as_str())) {
            break;
        }
        is_correction |= corrects;
        rest = after.trim_start();
    }
    (rest, is_correction)
}

/// Lower case, without possessives and punctuation; numbers keep their decimal point.
fn words_of(text: &str) -> Vec<String> {
    text.to_lowercase()
        .replace('’', "'")
        .split(|c: char| !(c.is_alphanumeric() || c == '.' || c == '\''))
        .map(|w| w.trim_matches(['.', '\'']))
        .map(|w| w.strip_suffix("'s").unwrap_or(w).replace('\'', ""))
        .filter(|w| !w.is_empty())
        .collect()
}

/// FNV-1a with a final mix. Its values are stored, so it must never change.
fn hash(text: &str) -> u64 {
    let fnv = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    let mixed = (fnv ^ (fnv >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn simhash(words: &[String]) -> (u64, u32) {
    let shingles: BTreeSet<u64> = words.windows(3).map(|w| hash(&w.join(" "))).collect();
    let mut votes = [0_i32; 64];
    for shingle in &shingles {
        for (bit, vote) in votes.iter_mut().enumerate() {
            *vote += if shingle >> bit & 1 == 1 { 1 } else { -1 };
        }
    }
    let bits = votes.iter().enumerate().filter(|(_, v)| **v > 0).map(|(bit, _)| 1_u64 << bit);
    (bits.sum(), shingles.len() as u32)
}

/// Feeds cut texts at different lengths: the first words are enough, and easier to compare.
fn simhash_of_body(words: &[String]) -> (u64, u32) {
    simhash(&words[..words.len().min(30)])
}

/// Trigrams as `pg_trgm` counts them: of each word, two blanks in front and one behind.
fn trigrams(words: &[String]) -> Vec<u32> {
    let mut found = BTreeSet::new();
    for word in words {
        let padded: Vec<char> = format!("  {word} ").chars().collect();
        found.extend(padded.windows(3).map(|w| hash(&w.iter().collect::<String>()) as u32));
    }
    found.into_iter().collect()
}

fn numbers(title: &str) -> Vec<String> {
    let joined: String = title.replace(',', "");
    let mut found: Vec<String> = joined
        .split(|c: char| !(c.is_ascii_digit() || c == '.'))
        .map(|n| n.trim_matches('.'))
        .filter(|n| !n.is_empty())
        .map(|n| if n.contains('.') { n.trim_end_matches('0').trim_end_matches('.') } else { n })
        .map(str::to_owned)
        .collect();
    found.sort();
    found.dedup();
    found
}

/// Companies in the title, and its capitalised words that are no common words.
fn names(title: &str) -> Vec<String> {
    let companies = COMPANIES.find(title);
    let mut found: BTreeSet<String> =
        companies.iter().map(|m| m.symbol.as_str().to_lowercase()).collect();
    let spoken = COMPANIES.words_of(title);
    let words: Vec<&str> = title
        .split(|c: char| !(c.is_alphanumeric() || c == '\'' || c == '’' || c == '.'))
        .map(|w| w.trim_matches(['.', '\'', '’']))
        .map(|w| w.strip_suffix("'s").or_else(|| w.strip_suffix("’s")).unwrap_or(w))
        .filter(|w| w.chars().count() > 1 && w.chars().all(char::is_alphabetic))
        .collect();
    let capital = |w: &&str| w.starts_with(char::is_uppercase);
    let capitals = words.iter().filter(|w| capital(w)).count();
    let in_title_case = capitals * 10 > words.len() * 6;
    let first = words.first().copied();
    for word in words.into_iter().filter(capital) {
        let lower = word.to_lowercase();
        let plain = is_common_word(&lower) || crate::lexicon::knows(&lower);
        // In a title in capitals, and at the start, a capital letter means nothing: only an unknown
        // word without a verb's ending is taken for a name.
        let bends = ["s", "ed", "ing", "ly"].iter().any(|end| lower.ends_with(end));
        let weak = in_title_case || Some(word) == first;
        if !(plain || weak && bends || spoken.contains(&lower)) {
            found.insert(lower);
        }
    }
    found.into_iter().collect()
}
