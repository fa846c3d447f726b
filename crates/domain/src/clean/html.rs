//! Markup out of a text: tags, comments, what an element hides, and entities.

/// Elements whose content no reader sees.
const UNSEEN: &[&str] = &[
    "script", "style", "template", "noscript", "iframe", "object", "svg", "head", "title", "select",
];
/// Elements that end a word.
const BLOCKS: &[&str] = &[
    "p",
    "br",
    "div",
    "li",
    "ul",
    "ol",
    "tr",
    "td",
    "th",
    "table",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "section",
    "article",
    "blockquote",
    "img",
    "figure",
];

const ENTITIES: &[(&str, &str)] = &[
    ("amp", "&"),
    ("lt", "<"),
    ("gt", ">"),
    ("quot", "\""),
    ("apos", "'"),
    ("nbsp", " "),
    ("ndash", "–"),
    ("mdash", "—"),
    ("lsquo", "‘"),
    ("rsquo", "’"),
    ("ldquo", "“"),
    ("rdquo", "”"),
    ("hellip", "…"),
    ("bull", "•"),
    ("copy", "©"),
    ("reg", "®"),
    ("trade", "™"),
    ("euro", "€"),
    ("pound", "£"),
    ("zwnj", "\u{200c}"),
    ("zwj", "\u{200d}"),
    ("shy", "\u{ad}"),
    ("lrm", "\u{200e}"),
    ("rlm", "\u{200f}"),
];

/// The text without markup, and whether there was any. Entities alone are none.
pub(super) fn strip(text: &str) -> (String, bool) {
    let (bare, had_markup) = without_tags(text);
    (decoded(&bare), had_markup)
}

fn without_tags(text: &str) -> (String, bool) {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut had_markup = false;
    while let Some(at) = rest.find('<') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let Some(tag) = Tag::parse(rest) else {
            out.push('<');
            rest = &rest[1..];
            continue;
        };
        had_markup = true;
        rest = &rest[tag.len..];
        if tag.hides() {
            rest = after_element(rest, &tag.name);
        }
        if BLOCKS.contains(&tag.name.as_str()) {
            out.push(' ');
        }
    }
    out.push_str(rest);
    (out, had_markup)
}

struct Tag {
    name: String,
    attributes: String,
    opens: bool,
    len: usize,
}

impl Tag {
    /// The tag or comment at the start of `text`, if it is one.
    fn parse(text: &str) -> Option<Self> {
        let void = |len| Self { name: String::new(), attributes: String::new(), opens: false, len };
        if text.starts_with("<!--") {
            return Some(void(text.find("-->").map_or(text.len(), |end| end + 3)));
        }
        if text.starts_with("<!") || text.starts_with("<?") {
            return text.find('>').map(|end| void(end + 1));
        }
        let end = text.find('>')?;
        let inside = &text[1..end];
        let (opens, inside) = match inside.strip_prefix('/') {
            Some(inside) => (false, inside),
            None => (true, inside),
        };
        if !inside.starts_with(|c: char| c.is_ascii_alphabetic()) || inside.contains('<') {
            return None;
        }
        let name: String = inside
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .collect::<String>()
            .to_lowercase();
        let attributes = inside[name.len()..].to_lowercase();
        let ends_name = attributes.is_empty()
            || attributes.starts_with(|c: char| c.is_whitespace() || "/:-".contains(c));
        let opens = opens && !attributes.ends_with('/');
        ends_name.then_some(Self { name, attributes, opens, len: end + 1 })
    }

    fn hides(&self) -> bool {
        let style: String = self.attributes.chars().filter(|c| !c.is_whitespace()).collect();
        self.opens
            && (UNSEEN.contains(&self.name.as_str())
                || self
                    .attributes
                    .split(|c: char| c.is_whitespace() || c == '=')
                    .any(|a| a == "hidden")
                || [
                    "display:none",
                    "visibility:hidden",
                    "font-size:0",
                    "opacity:0;",
                    "opacity:0\"",
                    "aria-hidden=\"true\"",
                    "color:transparent",
                ]
                .iter()
                .any(|hides| style.contains(hides)))
            && !["br", "img", "hr", "input", "meta", "link"].contains(&self.name.as_str())
    }
}

/// What follows the end of the element that has just been opened; everything, if it never ends.
fn after_element<'a>(text: &'a str, name: &str) -> &'a str {
    let mut depth = 1;
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        rest = &rest[at..];
        match Tag::parse(rest) {
            Some(tag) => {
                if tag.name == name {
                    depth += if tag.opens { 1 } else { -1 };
                }
                rest = &rest[tag.len..];
                if depth == 0 {
                    return rest;
                }
            }
            None => rest = &rest[1..],
        }
    }
    ""
}

fn decoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let entity = rest
            .char_indices()
            .take(10)
            .find(|(_, c)| *c == ';')
            .and_then(|(end, _)| Some((character(&rest[..end])?, end + 1)));
        match entity {
            Some((c, len)) => {
                out.push_str(&c);
                rest = &rest[len..];
            }
            None => out.push('&'),
        }
    }
    out.push_str(rest);
    out
}

fn character(entity: &str) -> Option<String> {
    if let Some(number) = entity.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        return char::from_u32(code).map(String::from);
    }
    ENTITIES.iter().find(|(name, _)| *name == entity).map(|(_, c)| (*c).to_owned())
}
