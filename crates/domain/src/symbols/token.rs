//! A text as words with their positions.

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token<'a> {
    pub(super) text: &'a str,
    /// Lower case, without a possessive ending.
    pub(super) lower: String,
    /// Byte positions in the text.
    pub(super) start: usize,
    pub(super) end: usize,
    /// Index of its sentence.
    pub(super) sentence: usize,
}

/// Words are letters and digits, joined by `&`, `.` and an apostrophe; a hyphen parts words.
pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut found: Vec<Token<'_>> = Vec::new();
    let mut sentence = 0;
    let mut start = None;
    let joins = |c: char| matches!(c, '&' | '.' | '\'' | '’');
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        if c.is_alphanumeric() || (start.is_some() && joins(c)) {
            start.get_or_insert(at);
            continue;
        }
        if let Some(from) = start.take() {
            let word = text[from..at].trim_end_matches(joins);
            found.push(Token {
                text: word,
                lower: lower(word),
                start: from,
                end: from + word.len(),
                sentence,
            });
            // A period before a blank ends a sentence, unless it belongs to "U.S." or "Inc.".
            let pointed = text[from..at].ends_with('.');
            let short = word.contains('.') || word.len() <= 4;
            sentence += usize::from(pointed && !short);
        }
        sentence += usize::from(matches!(c, '\n' | '!' | '?' | ';'));
    }
    found
}

pub(super) fn lower(word: &str) -> String {
    let word = word.to_lowercase().replace('’', "'");
    match word.strip_suffix("'s") {
        Some(bare) => bare.to_owned(),
        None => word.trim_end_matches('\'').to_owned(),
    }
}
