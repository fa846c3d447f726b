//! Results on stdout, whose reader may close it early.

use std::io::{Error, ErrorKind};

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
