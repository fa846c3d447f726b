//! Lines of a backup file, their digest and their compression.

use std::io::{self, BufRead, BufReader, Read, Write};

use anyhow::{Context, bail};
use flate2::{Compression, read::MultiGzDecoder, write::GzEncoder};
use sha2::{Digest, Sha256};

use super::{FORMAT, Header, Trailer};

/// Longest first and last lines.
const LONGEST: u64 = 64 << 20;
const DIGEST: &str = "sha256 ";

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Compresses and digests what is written.
pub(crate) struct Writer<W: Write> {
    out: GzEncoder<W>,
    hash: Sha256,
}

impl<W: Write> Writer<W> {
    pub(crate) fn new(out: W) -> Self {
        Self { out: GzEncoder::new(out, Compression::fast()), hash: Sha256::new() }
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hash.update(bytes);
        self.out.write_all(bytes)
    }

    pub(super) fn line(&mut self, line: &str) -> io::Result<()> {
        self.write(line.as_bytes())?;
        self.write(b"\n")
    }

    /// Ends the file; returns its writer.
    pub(super) fn finish(mut self, trailer: &Trailer) -> anyhow::Result<W> {
        self.line(&serde_json::to_string(trailer)?)?;
        let digest = hex(&self.hash.finalize());
        self.out.write_all(format!("{DIGEST}{digest}\n").as_bytes())?;
        let mut out = self.out.finish()?;
        out.flush()?;
        Ok(out)
    }
}

/// Decompresses and digests what is read.
pub(crate) struct Reader<R: Read> {
    lines: BufReader<MultiGzDecoder<R>>,
    hash: Sha256,
}

impl<R: Read> Reader<R> {
    /// Begins to read a backup; refuses a file of another kind.
    pub(crate) fn open(file: R) -> anyhow::Result<(Self, Header)> {
        let lines = BufReader::with_capacity(1 << 16, MultiGzDecoder::new(file));
        let mut reader = Self { lines, hash: Sha256::new() };
        let mut first = Vec::new();
        let read = (&mut reader.lines).take(LONGEST).read_until(b'\n', &mut first);
        let begins = serde_json::from_slice::<serde_json::Value>(&first).ok();
        let is_backup = begins.as_ref().is_some_and(|header| header["format"] == FORMAT);
        if read.is_err() || !is_backup {
            bail!("it is not a backup of Bellwether, or it is damaged");
        }
        reader.hash.update(&first);
        let header = begins.map(serde_json::from_value::<Header>).transpose();
        match header {
            Ok(Some(header)) => Ok((reader, header)),
            _ => bail!("its first line cannot be read: another release has to restore it"),
        }
    }

    /// The next line with its end, appended to `line`.
    pub(super) fn line(&mut self, line: &mut Vec<u8>) -> anyhow::Result<()> {
        let from = line.len();
        self.lines.read_until(b'\n', line).map_err(|_| damaged())?;
        if line.len() == from || !line.ends_with(b"\n") {
            return Err(damaged());
        }
        self.hash.update(&line[from..]);
        Ok(())
    }

    /// Reads the end, and compares the digest with what was read.
    pub(super) fn finish(mut self) -> anyhow::Result<Trailer> {
        let mut line = Vec::new();
        self.line(&mut line)?;
        let trailer: Trailer = serde_json::from_slice(&line).map_err(|_| damaged())?;
        let expected = format!("{DIGEST}{}\n", hex(&self.hash.finalize()));
        let mut rest = Vec::new();
        // to the end, which checks the compression's own sums too
        (&mut self.lines).take(LONGEST).read_to_end(&mut rest).map_err(|_| damaged())?;
        if rest != expected.as_bytes() {
            return Err(damaged());
        }
        Ok(trailer)
    }
}

pub(super) fn damaged() -> anyhow::Error {
    anyhow::anyhow!("the backup is cut short or has been altered; nothing was changed")
}

impl Header {
    pub(super) fn line(&self) -> anyhow::Result<String> {
        serde_json::to_string(self).context("the header")
    }
}
