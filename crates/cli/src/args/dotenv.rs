//! `.env` in the working folder: every value as it is written.

use anyhow::{Context, bail};

const FILE: &str = ".env";

/// Sets the variables of `.env`, if there is one, that are not set already.
pub(crate) fn load() -> anyhow::Result<()> {
    let bytes = match std::fs::read(FILE) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        other => other.context("cannot read .env")?,
    };
    // Errors must not repeat a line: a secret may be in it.
    let text = match String::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => literal(&text),
        _ => {
            bail!("cannot read .env: it is not UTF-8 text; save it as UTF-8 without NUL characters")
        }
    };
    match dotenvy::from_read(text.as_bytes()) {
        Err(dotenvy::Error::LineParse(line, _)) => bail!(
            "cannot read .env{}: a line is NAME=value, and a value with spaces or signs is quoted",
            line_of(&text, &line).map(|n| format!(", line {n}")).unwrap_or_default()
        ),
        other => other.context("cannot read .env"),
    }
}

/// The number of the line that could not be parsed, which may begin several lines.
fn line_of(text: &str, line: &str) -> Option<usize> {
    let first = line.lines().next()?.trim_end();
    text.lines().position(|line| line.contains(first)).map(|n| n + 1)
}

/// The text with every `$` escaped that the parser would replace by another variable's value.
fn literal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut quote = None;
    let (mut before, mut comment, mut escaped) = ('\n', false, false);
    for c in text.chars() {
        if comment {
            comment = c != '\n';
        } else if escaped {
            escaped = false;
        } else {
            match (c, quote) {
                ('$', None | Some('"')) => out.push('\\'),
                ('\\', None | Some('"')) => escaped = true,
                ('#', None) if before.is_whitespace() => comment = true,
                ('\'' | '"', None) => quote = Some(c),
                (_, Some(open)) if c == open => quote = None,
                _ => {}
            }
        }
        out.push(c);
        before = c;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Vec<String> {
        let text = literal(text);
        dotenvy::from_read_iter(text.as_bytes()).map(|pair| pair.unwrap().1).collect()
    }

    #[test]
    fn a_dollar_stays_in_every_kind_of_value() {
        let text = "# it's a comment with $HOME\nA=pa$HOMEss\nB=\"x${HOME}y\"\nC='$HOME'\nD=a\\$b # $c\nE=$\n";
        assert_eq!(values(text), ["pa$HOMEss", "x${HOME}y", "$HOME", "a$b", "$"]);
    }

    #[test]
    fn what_is_no_dollar_is_left_alone() {
        assert_eq!(
            values("A=\"two\\nlines\"\nB='a \\ b'\nC=a#b\n"),
            ["two\nlines", "a \\ b", "a#b"]
        );
    }
}
