//! Results on stdout, whose reader may close it early.

use std::io::{BufRead, Error, ErrorKind, IsTerminal, Write};

use anyhow::{Context, bail};
use serde::Serialize;
use serde_json::Value;

use crate::misuse::misused;

/// `println!` that returns an error instead of a panic if the reader has closed the pipe.
macro_rules! say {
    ($($words:tt)*) => {{
        use std::io::Write as _;
        writeln!(std::io::stdout().lock(), $($words)*)
    }};
}
pub(crate) use say;

/// Text of another origin, made safe for a terminal: characters that move the cursor, change colors
/// or hide text are escaped.
pub(crate) fn plain(text: &str) -> std::borrow::Cow<'_, str> {
    let acts =
        |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if !text.contains(acts) {
        return text.into();
    }
    let escape = |c: char| if acts(c) { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(escape).collect::<String>().into()
}

/// Lays out rows under a head, each column as wide as its widest cell.
pub(crate) fn table(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut lines = vec![head.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()];
    lines.extend(rows.into_iter().map(|row| row.iter().map(|c| plain(c).into_owned()).collect()));
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max();
    let widths: Vec<usize> = (0..head.len()).map(|n| width(n).unwrap_or(0)).collect();
    let mut text = String::new();
    for line in &lines {
        let cells = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// Returns the item of that name; fails with the names that there are.
pub(crate) fn named<T>(
    mut items: Vec<T>,
    what: &str,
    name: &str,
    name_of: impl Fn(&T) -> &str,
) -> anyhow::Result<T> {
    let Some(at) = items.iter().position(|item| name_of(item) == name) else {
        let known: Vec<&str> = items.iter().map(name_of).collect();
        bail!("there is no {what} {name:?}; known are {}", known.join(", "));
    };
    Ok(items.swap_remove(at))
}

/// Returns the item of that name from a list of the API.
pub(crate) fn item(page: &impl Serialize, name: &str) -> anyhow::Result<Value> {
    let mut page = serde_json::to_value(page)?;
    let items = page["items"].as_array_mut().context("a list of the API has items")?;
    let at = items.iter().position(|item| item["name"] == name);
    Ok(items.swap_remove(at.with_context(|| format!("{name} is gone"))?))
}

/// Asks the user at the terminal to confirm `what`; without a terminal `--yes` is required, whose
/// variable is `variable`.
pub(crate) fn confirm(what: &str, variable: &str) -> anyhow::Result<()> {
    if !std::io::stdin().is_terminal() {
        misused!("{what}: add --yes ({variable}) if that is meant");
    }
    eprint!("{what}. Type yes to go on: ");
    std::io::stderr().flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    if answer.trim() != "yes" {
        bail!("nothing was changed");
    }
    Ok(())
}

/// Returns true if a command ended because its reader closed the pipe, as `head` does once it has
/// enough lines: that is no error. A connection that breaks has other errors around it.
pub(crate) fn is_left(e: &anyhow::Error) -> bool {
    let by_hand = e.downcast_ref::<Error>().map(Error::kind);
    let by_serde = || e.downcast_ref::<serde_json::Error>()?.io_error_kind();
    by_hand.or_else(by_serde) == Some(ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn what_would_act_on_a_terminal_is_written_as_an_escape() {
        assert_eq!(plain("naïve — 5 %"), "naïve — 5 %");
        assert_eq!(plain("a\u{1b}[2Jb\nc\u{202e}d"), "a\\u{1b}[2Jb\\nc\\u{202e}d");
    }

    #[test]
    fn a_table_is_as_wide_as_its_cells_and_hides_control_characters() {
        let rows =
            [vec!["1".to_owned(), "a\u{1b}".to_owned()], vec!["22".to_owned(), String::new()]];
        assert_eq!(table(&["ID", "TEXT"], rows), "ID  TEXT\n1   a\\u{1b}\n22\n");
    }

    #[test]
    fn only_the_reader_of_the_results_may_leave_without_a_word() {
        let broken = || Error::from(ErrorKind::BrokenPipe);
        assert!(is_left(&broken().into()));
        assert!(is_left(&serde_json::Error::io(broken()).into()));
        assert!(!is_left(&Error::from(ErrorKind::NotFound).into()));
        assert!(!is_left(&sqlx::Error::Io(broken()).into()));
        let database = Err::<(), _>(sqlx::Error::Io(broken())).context("cannot connect");
        assert!(!is_left(&database.unwrap_err()));
    }
}
