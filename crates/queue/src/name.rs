//! Rules for names. The tables enforce the same rules; these checks say which name breaks which
//! rule.

use crate::Error;

/// Rule for the name of a queue, as an error states it.
pub(crate) const QUEUE: &str = "the name of a queue has 1 to 40 of a-z, 0-9 and _, \
    a letter first; `cancel` is reserved";
/// Rule for the name of a lane.
pub(crate) const LANE: &str =
    "the name of a lane has 1 to 80 of a-z, 0-9, _, ., / and -, a letter first";
/// Rule for a unique key.
pub(crate) const UNIQUE_KEY: &str = "a unique key has 1 to 400 characters";

/// True for `[a-z][a-z0-9_]{0,39}` except `cancel`: the channel of that name announces
/// cancellations.
pub(crate) const fn is_queue(name: &str) -> bool {
    is_name(name, 40, b"_") && !matches!(name.as_bytes(), b"cancel")
}

/// True for `[a-z][a-z0-9_./-]{0,79}`.
pub(crate) const fn is_lane(name: &str) -> bool {
    is_name(name, 80, b"_./-")
}

pub(crate) fn check_queue(name: &str) -> Result<(), Error> {
    if is_queue(name) { Ok(()) } else { Err(Error::Name { name: name.to_owned(), reason: QUEUE }) }
}

pub(crate) fn check_lane(name: &str) -> Result<(), Error> {
    if is_lane(name) { Ok(()) } else { Err(Error::Name { name: name.to_owned(), reason: LANE }) }
}

const fn is_name(name: &str, most: usize, others: &[u8]) -> bool {
    let name = name.as_bytes();
    if name.is_empty() || name.len() > most || !name[0].is_ascii_lowercase() {
        return false;
    }
    let mut i = 0;
    while i < name.len() {
        if !(name[i].is_ascii_lowercase() || name[i].is_ascii_digit() || holds(others, name[i])) {
            return false;
        }
        i += 1;
    }
    true
}

const fn holds(bytes: &[u8], wanted: u8) -> bool {
    let mut i = 0;
    while i < bytes.len() {
        if bytes[i] == wanted {
            return true;
        }
        i += 1;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_accepted_as_the_tables_accept_them() {
        for good in ["a", "mail_out2", &"q".repeat(40)] {
            assert!(is_queue(good), "{good}");
        }
        for bad in ["", "mail-out", "Mail", "2mail", "_mail", "cancel", "é", &"q".repeat(41)] {
            assert!(!is_queue(bad), "{bad}");
        }
        for good in ["a", "gemini/flash-2.5_x", &"l".repeat(80)] {
            assert!(is_lane(good), "{good}");
        }
        for bad in ["", "-a", "a b", "A", &"l".repeat(81)] {
            assert!(!is_lane(bad), "{bad}");
        }
    }
}
