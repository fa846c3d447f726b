//! Results on stdout, whose reader may leave before the end.

use std::io::{Error, ErrorKind};

/// `println!`, but a reader that has left is an error and no panic.
macro_rules! say {
    ($($words:tt)*) => {{
        use std::io::Write as _;
        writeln!(std::io::stdout().lock(), $($words)*)
    }};
}
pub(crate) use say;

/// Whether a command ended because nobody reads its results any more, as `head` does once it has
/// enough: nothing that anybody has to be told. A connection that breaks has other errors around it.
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
