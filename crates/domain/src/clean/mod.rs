//! Cleans a text to its visible form: hidden, disguised or machine-directed parts are removed or
//! flagged.

mod html;
mod instruction;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

/// Longer texts are cut, in characters after cleaning.
pub const LONGEST: usize = 8_000;

/// Markup inside entities inside markup: no honest text is nested more deeply.
const PASSES: usize = 4;

/// A finding in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flag {
    /// Characters without width: removed.
    ZeroWidth,
    /// Controls of the text's direction: removed.
    Bidi,
    /// A word with letters of several look-alike alphabets: kept.
    MixedScript,
    /// Tags, comments and hidden elements: removed.
    Html,
    /// Other control characters: removed.
    Control,
    /// Cut at [`LONGEST`].
    TooLong,
    /// Words that are addressed to a model, not to a reader: kept.
    InstructionLike,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cleaned {
    pub text: String,
    /// In order of the enum, each once.
    pub flags: Vec<Flag>,
}

impl Flag {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ZeroWidth => "zero_width",
            Self::Bidi => "bidi",
            Self::MixedScript => "mixed_script",
            Self::Html => "html",
            Self::Control => "control",
            Self::TooLong => "too_long",
            Self::InstructionLike => "instruction_like",
        }
    }
}

/// Returns the normal form KC without markup, invisible characters and controls, white space
/// collapsed. Hidden text is removed with the element that hides it. Cleaning twice has the same
/// result as once.
pub fn clean(text: &str) -> Cleaned {
    let mut flags = BTreeSet::new();
    // the part beyond the limit is not normalised
    let mut text: String = text.chars().take(LONGEST * 8).collect();
    for _ in 0..PASSES {
        let seen: String = visible(&text, &mut flags).nfkc().collect();
        let (bare, had_markup) = html::strip(&seen);
        if had_markup {
            flags.insert(Flag::Html);
        }
        let done = bare == text;
        text = bare;
        if done {
            break;
        }
    }
    let mut text = collapsed(&visible(&text, &mut flags));
    if let Some((cut, _)) = text.char_indices().nth(LONGEST) {
        flags.insert(Flag::TooLong);
        text.truncate(cut);
        text.truncate(text.trim_end().len());
    }
    if text.split(|c: char| !c.is_alphanumeric()).any(is_mixed_script) {
        flags.insert(Flag::MixedScript);
    }
    if instruction::is_in(&text) {
        flags.insert(Flag::InstructionLike);
    }
    Cleaned { text, flags: flags.into_iter().collect() }
}

fn visible(text: &str, flags: &mut BTreeSet<Flag>) -> String {
    text.chars()
        .filter(|c| {
            let flag = hidden(*c);
            flags.extend(flag);
            // Variation selectors choose the form of an emoji: they are removed without a flag.
            flag.is_none() && !('\u{fe00}'..='\u{fe0f}').contains(c)
        })
        .collect()
}

/// The flag of an invisible character.
fn hidden(c: char) -> Option<Flag> {
    match c {
        '\n' | '\t' | '\r' => None,
        '\u{061c}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}' => Some(Flag::Bidi),
        '\u{00ad}'
        | '\u{034f}'
        | '\u{115f}'
        | '\u{1160}'
        | '\u{17b4}'
        | '\u{17b5}'
        | '\u{180b}'..='\u{180e}'
        | '\u{200b}'..='\u{200d}'
        | '\u{2060}'..='\u{2065}'
        | '\u{206a}'..='\u{206f}'
        | '\u{3164}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{e0000}'..='\u{e0fff}' => Some(Flag::ZeroWidth),
        c if c.is_control() || matches!(c, '\u{fff9}'..='\u{fffb}') => Some(Flag::Control),
        _ => None,
    }
}

fn collapsed(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split(['\n', '\r', '\u{2028}', '\u{2029}']) {
        let start = out.len();
        for word in line.split_whitespace() {
            if out.len() > start {
                out.push(' ');
            } else if start > 0 {
                out.push('\n');
            }
            out.push_str(word);
        }
    }
    out
}

/// Latin letters among those of an alphabet with look-alikes, in one word.
fn is_mixed_script(word: &str) -> bool {
    let latin = word.chars().any(|c| c.is_ascii_alphabetic() || ('\u{c0}'..'\u{250}').contains(&c));
    let alike = word.chars().any(|c| {
        // The micro sign becomes a Greek letter in normal form KC, and occurs in units.
        c != 'μ'
            && matches!(c, '\u{370}'..='\u{3ff}' | '\u{400}'..='\u{52f}' | '\u{530}'..='\u{58f}'
                | '\u{13a0}'..='\u{13ff}' | '\u{1f00}'..='\u{1fff}' | '\u{ab70}'..='\u{abbf}')
    });
    latin && alike
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_trick_is_removed_or_reported() {
        for (text, expected, flags) in [
            ("Apple beats estimates", "Apple beats estimates", vec![]),
            ("App\u{200b}le b\u{2060}eats", "Apple beats", vec![Flag::ZeroWidth]),
            ("Apple \u{202e}staeb\u{202c}", "Apple staeb", vec![Flag::Bidi]),
            ("\u{410}pple beats", "\u{410}pple beats", vec![Flag::MixedScript]),
            ("<p>Apple <b>beats</b></p><p>Yes</p>", "Apple beats Yes", vec![Flag::Html]),
            ("AT&amp;T &quot;up&quot; 5 &lt; 6", "AT&T \"up\" 5 < 6", vec![]),
            ("Apple<span style=\"display:none\">crash</span> up", "Apple up", vec![Flag::Html]),
            ("&lt;script&gt;x()&lt;/script&gt;Apple", "Apple", vec![Flag::Html]),
            ("Apple\u{7} up\u{0}", "Apple up", vec![Flag::Control]),
            ("Ａｐｐｌｅ  up\n\n  now", "Apple up\nnow", vec![]),
            ("Tag\u{e0041}s", "Tags", vec![Flag::ZeroWidth]),
        ] {
            let cleaned = clean(text);
            assert_eq!(cleaned.text, expected);
            assert_eq!(cleaned.flags, flags, "{text:?}");
        }
    }

    #[test]
    fn a_long_text_is_cut_and_said_to_be() {
        let cleaned = clean(&"word ".repeat(4_000));
        assert!(cleaned.text.chars().count() <= LONGEST);
        assert_eq!(cleaned.flags, [Flag::TooLong]);
    }

    #[test]
    fn one_foreign_word_is_no_mixture() {
        assert_eq!(clean("Газпром shares, 5 µm, naïve café").flags, []);
    }

    proptest! {
        #[test]
        fn cleaning_twice_is_cleaning_once(text in "[ -~а-яα-ω\u{200b}\u{202e}<>&;#\n]{0,80}") {
            let once = clean(&text).text;
            prop_assert_eq!(clean(&once).text, once);
        }
    }
}
