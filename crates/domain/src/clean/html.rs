//! Removes markup from a text: tags, comments, hidden elements, and entities.

use std::convert::Infallible;

use html5gum::{DefaultEmitter, Error, Readable, Reader, StartTag, State, Token, Tokenizer};

/// Elements whose content no reader sees.
const UNSEEN: &[&[u8]] = &[
    b"script",
    b"style",
    b"template",
    b"noscript",
    b"iframe",
    b"object",
    b"svg",
    b"head",
    b"title",
    b"select",
];
/// Elements that have no content to hide.
const VOID: &[&[u8]] = &[
    b"area", b"base", b"br", b"col", b"embed", b"hr", b"img", b"input", b"link", b"meta",
    b"source", b"track", b"wbr",
];
/// Elements that end a word.
const BLOCKS: &[&[u8]] = &[
    b"p",
    b"br",
    b"div",
    b"li",
    b"ul",
    b"ol",
    b"tr",
    b"td",
    b"th",
    b"table",
    b"h1",
    b"h2",
    b"h3",
    b"h4",
    b"h5",
    b"h6",
    b"hr",
    b"section",
    b"article",
    b"blockquote",
    b"img",
    b"figure",
];

/// Returns the text without markup, and true if there was any. Entities alone are none.
///
/// Each byte is read once, so the time is linear in the length, for any text.
pub(super) fn strip(text: &str) -> (String, bool) {
    // no tag ends after the last `>`: a `<` there is a sign of the text, unless it begins a comment
    let (markup, rest) = text.split_at(text.rfind('>').map_or(0, |at| at + 1));
    let (rest, is_cut) =
        rest.split_once("<!--").map_or((rest, false), |(before, _)| (before, true));
    let mut seen = Seen { had_markup: is_cut, ..Seen::default() };
    seen.read(markup, State::Data);
    if seen.hidden.is_none() && !seen.is_unfinished {
        seen.read(rest, State::RcData);
    }
    (String::from_utf8_lossy(&seen.text).into_owned(), seen.had_markup)
}

/// The visible text so far, and the element that hides the following.
#[derive(Default)]
struct Seen {
    text: Vec<u8>,
    had_markup: bool,
    /// The hiding element, and the number of open elements of its name.
    hidden: Option<(Vec<u8>, usize)>,
    /// The text ended within a tag or a comment.
    is_unfinished: bool,
}

impl Seen {
    fn read<'a, T>(&mut self, text: T, state: State)
    where
        T: Readable<'a>,
        T::Reader: Reader<Error = Infallible>,
    {
        let mut emitter = DefaultEmitter::default();
        // what a script holds is no markup
        emitter.naively_switch_states(true);
        let mut tokens = Tokenizer::new_with_emitter(text, emitter);
        tokens.set_state(state);
        for Ok(token) in tokens {
            self.take(token);
        }
    }

    fn take(&mut self, token: Token) {
        match token {
            Token::String(text) if self.hidden.is_none() => self.text.extend(&**text),
            Token::String(_) => {}
            Token::Comment(_) | Token::Doctype(_) => self.had_markup = true,
            Token::StartTag(tag) => {
                self.had_markup = true;
                match &mut self.hidden {
                    Some((name, open)) if *name == *tag.name && !tag.self_closing => *open += 1,
                    Some(_) => {}
                    None => {
                        self.end_word(&tag.name);
                        if hides(&tag) {
                            self.hidden = Some((tag.name.0, 1));
                        }
                    }
                }
            }
            Token::EndTag(tag) => {
                self.had_markup = true;
                match &mut self.hidden {
                    Some((name, open)) if *name == *tag.name => *open -= 1,
                    Some(_) => {}
                    None => self.end_word(&tag.name),
                }
                self.hidden.take_if(|(_, open)| *open == 0);
            }
            Token::Error(error) => {
                let ends = [Error::EofInTag, Error::EofInComment, Error::EofInDoctype];
                if ends.contains(&error) {
                    self.had_markup = true;
                    self.is_unfinished = true;
                }
            }
        }
    }

    fn end_word(&mut self, name: &[u8]) {
        if BLOCKS.contains(&name) {
            self.text.push(b' ');
        }
    }
}

/// Returns true if the content of the element is invisible.
fn hides(tag: &StartTag<()>) -> bool {
    let name = tag.name.as_slice();
    if tag.self_closing || VOID.contains(&name) {
        return false;
    }
    UNSEEN.contains(&name)
        || tag.attributes.iter().any(|(name, value)| {
            let value = String::from_utf8_lossy(value).to_ascii_lowercase();
            match name.as_slice() {
                b"hidden" => true,
                b"aria-hidden" => value.trim() == "true",
                b"style" => value.split(';').any(conceals),
                _ => false,
            }
        })
}

/// Returns true if a style declaration makes an element invisible.
fn conceals(declaration: &str) -> bool {
    let Some((property, value)) = declaration.split_once(':') else { return false };
    let value = value.trim();
    match property.trim() {
        "display" => value.starts_with("none"),
        "visibility" => value.starts_with("hidden"),
        "color" => value.starts_with("transparent"),
        "font-size" | "opacity" => {
            let number = value.split(|c: char| !(c.is_ascii_digit() || c == '.')).next();
            number.and_then(|n| n.parse::<f64>().ok()) == Some(0.0)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, rc::Rc};

    use html5gum::StringReader;

    use super::*;

    /// Counts the tokenizer's reads of a text: bytes, and look-aheads.
    struct Counting<'a> {
        reader: StringReader<'a>,
        steps: Rc<Cell<usize>>,
    }

    impl Reader for Counting<'_> {
        type Error = Infallible;

        fn read_byte(&mut self) -> Result<Option<u8>, Infallible> {
            self.steps.set(self.steps.get() + 1);
            self.reader.read_byte()
        }

        fn try_read_string(&mut self, text: &[u8], exact: bool) -> Result<bool, Infallible> {
            self.steps.set(self.steps.get() + 1);
            self.reader.try_read_string(text, exact)
        }
    }

    fn steps(text: &str) -> usize {
        let steps = Rc::new(Cell::new(0));
        let mut seen = Seen::default();
        seen.read(Counting { reader: text.to_reader(), steps: Rc::clone(&steps) }, State::Data);
        steps.get()
    }

    #[test]
    fn reading_markup_takes_steps_in_proportion_to_its_length() {
        for unit in [
            "<",
            "<a",
            "<a ",
            "<!",
            "<!--",
            "<?",
            "</",
            "&",
            "&#",
            "&lt",
            "<b>",
            "<p hidden>",
            "<script>",
            "<a title=\"",
            "<a b=c d=e>",
            "<![CDATA[",
            "<!doctype ",
            "text ",
        ] {
            let (short, long) = (steps(&unit.repeat(2_000)), steps(&unit.repeat(8_000)));
            assert!(long <= 4 * short + 400, "{unit}: {short} steps, then {long}");
            assert!(short <= 120 * 2_000 * unit.len(), "{unit}: {short} steps");
        }
    }

    #[test]
    fn a_sign_of_the_text_is_no_markup() {
        for text in ["<".repeat(64_000), "P/E <15".to_owned(), "5 < 6 and <b".to_owned()] {
            assert_eq!(strip(&text), (text, false));
        }
        assert_eq!(strip("a <b>b</b> <c"), ("a b <c".to_owned(), true));
        assert_eq!(strip("a <!-- b"), ("a ".to_owned(), true));
        assert_eq!(strip("a <!-- b > c"), ("a ".to_owned(), true));
        assert_eq!(strip("a <b title=\"> c"), ("a ".to_owned(), true));
    }

    #[test]
    fn what_an_element_hides_goes_with_it() {
        for hidden in [
            "<span style=\"display : NONE !important\">x</span>",
            "<span style='color:red; visibility:hidden'>x</span>",
            "<span style=font-size:0px>x</span>",
            "<span style=\"opacity:.0\">x</span>",
            "<span style=\"display&#58;none\">x</span>",
            "<div hidden>x<div>x</div>x</div>",
            "<span aria-hidden=true>x</span>",
            "<b title=\"a > b\" hidden>x</b>",
            "<script>if (a<b) { x() }</script>",
            "<title>x</title>",
            "<svg><b>x</b></svg>",
        ] {
            let (text, had_markup) = strip(&format!("a{hidden}z"));
            assert_eq!(text.replace(' ', ""), "az", "{hidden}");
            assert!(had_markup);
        }
        for seen in [
            "<span style=\"font-size:0.9em\">x</span>",
            "<span style=\"opacity:0.5\">x</span>",
            "<span style=\"background-color:transparent\">x</span>",
            "<a title=\"display:none\">x</a>",
            "<img hidden>x",
            "<iframe src=\"y\"/>x",
        ] {
            assert_eq!(strip(&format!("a{seen}z")).0.replace(' ', ""), "axz", "{seen}");
        }
    }

    #[test]
    fn every_entity_is_its_character() {
        let (text, had_markup) = strip("Nestl&eacute; &#x20AC;5 &amp; Caf&#233; &nosuch; &copy;");
        assert_eq!(text, "Nestlé €5 & Café &nosuch; ©");
        assert!(!had_markup);
    }
}
