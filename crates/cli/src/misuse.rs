//! Wrong usage: exit 2, where a failure is exit 1.

/// Wrong usage of a command, an option or a variable. Prints as one line that says what to do.
#[derive(Debug)]
pub(crate) struct Misuse(pub(crate) String);

impl std::fmt::Display for Misuse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Misuse {}

/// As `anyhow::bail!`, for wrong usage.
macro_rules! misused {
    ($($words:tt)*) => {
        return Err($crate::misuse::Misuse(format!($($words)*)).into())
    };
}
pub(crate) use misused;
