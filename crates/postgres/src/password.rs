//! The password of the cluster: generated once, kept in a file that only its owner can read.

use std::io::Write;

use rand::distr::{Alphanumeric, SampleString};
use rustix::fs::OFlags;
use secrecy::{ExposeSecret, SecretString};

use crate::Error;
use crate::folder::Folder;

pub(crate) const FILE: &str = "password";

/// The password in the folder, if there is one.
pub(crate) fn find(folder: &Folder) -> Result<Option<SecretString>, Error> {
    let text = folder.dir.read(FILE)?.unwrap_or_default();
    Ok(fits(text.trim()).then(|| text.trim().into()))
}

/// letters and digits only, so that nothing needs quoting
pub(crate) fn new() -> SecretString {
    Alphanumeric.sample_string(&mut rand::rng(), 32).into()
}

/// Writes it into the folder.
pub(crate) fn keep(folder: &Folder, password: &SecretString) -> Result<(), Error> {
    let path = folder.path(FILE);
    let mut file = folder.dir.create(FILE, OFlags::WRONLY)?;
    folder.run_as.own(&file, &path)?;
    file.set_len(0)
        .and_then(|()| writeln!(file, "{}", password.expose_secret()))
        .map_err(Error::io("write", &path))
}

/// Returns true if `text` has the form of a generated password.
pub(crate) fn fits(text: &str) -> bool {
    text.len() >= 16 && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}
