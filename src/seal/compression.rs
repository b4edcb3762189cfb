//! Which program's form the stored files have.

use std::fmt;
use std::io::{self, BufRead, BufReader, Write};

use flate2::bufread::MultiGzDecoder;
use flate2::write::GzEncoder;

use super::SEALED;

/// The form of compressed files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Method {
    /// Frames that `zstd` reads.
    #[default]
    Zstd,
    /// Members that `gzip` reads, and nearly every machine.
    Gzip,
}

/// How files are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compression {
    /// The form.
    pub method: Method,
    /// Of zstd as it is; of gzip 1 to 9, and what lies outside counts as the nearest of them.
    pub level: i32,
}

impl From<i32> for Compression {
    fn from(level: i32) -> Self {
        Self { method: Method::Zstd, level }
    }
}

impl Compression {
    /// Whether it is gzip.
    pub fn is_gzip(self) -> bool {
        self.method == Method::Gzip
    }
}

impl Method {
    /// What names of files in this form end in.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Zstd => ".zst",
            Self::Gzip => ".gz",
        }
    }

    /// The form that a stored file's name tells, sealed or not; `None`: it is not compressed.
    pub fn of(name: &str) -> Option<Self> {
        let name = name.strip_suffix(SEALED).unwrap_or(name);
        [Self::Zstd, Self::Gzip].into_iter().find(|method| name.ends_with(method.ending()))
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
        })
    }
}

/// Whether a stored file is compressed: its name says so.
pub fn is_compressed(name: &str) -> bool {
    Method::of(name).is_some()
}

/// One member of gzip behind what is in `buffer`.
pub(super) fn gzip(raw: &[u8], level: i32, buffer: Vec<u8>) -> io::Result<Vec<u8>> {
    let level = flate2::Compression::new(level.clamp(1, 9).unsigned_abs());
    let mut encoder = GzEncoder::new(buffer, level);
    encoder.write_all(raw)?;
    encoder.finish()
}

/// The text of any number of members.
pub(super) fn gunzip(compressed: Box<dyn BufRead + Send>) -> Box<dyn BufRead + Send> {
    Box::new(BufReader::with_capacity(256 << 10, MultiGzDecoder::new(compressed)))
}
