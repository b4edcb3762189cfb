//! Compress, encrypt and hash on the way to a store, and back: zstd → age → SHA-256 of what is stored.
//! Encryption is age's alone (<https://age-encryption.org/v1>): whatever is sealed here opens with the
//! stock `age` and `zstd` programs. Everything happens in memory.
//!
//! One part is one or more zstd frames (RFC 8878), each with its size and its content checksum. Frames
//! are made one by one where rows are written, so that all cores take part; they concatenate, so
//! `zstd -dc *.zst` reads any number of parts. A part that is short by one byte does not open.

mod anew;
mod compression;
mod identities;
mod recipients;
mod sealing;

use std::io::{self, BufRead, BufReader, Write};

use age::stream::StreamWriter;
use bytes::Bytes;
use sha2::{Digest as _, Sha256};

pub use anew::{Press, anew};
pub use compression::{Compression, Method, is_compressed};
pub use identities::{Identities, Unopened};
pub use recipients::{Recipient, Recipients};
pub use sealing::{SEALED, Sealing, is_sealed};

/// A part as it is stored.
#[derive(Debug, Clone)]
pub struct Sealed {
    /// The stored bytes.
    pub bytes: Bytes,
    /// SHA-256 of the stored bytes, in hex.
    pub sha256: String,
    /// Bytes before compression.
    pub raw_size: u64,
}

/// Rows of a part, compressed.
#[derive(Debug, Clone)]
pub struct Frame {
    bytes: Vec<u8>,
    raw_size: u64,
}

/// A frame holds at most so much raw text: it is compressed in one go, from memory into memory.
const LARGEST_FRAME: usize = 4 << 20;

/// Makes frames. Its tables are made once.
pub struct Framer {
    kind: Kind,
}

enum Kind {
    Zstd(zstd::bulk::Compressor<'static>),
    /// Of this level.
    Gzip(i32),
}

impl std::fmt::Debug for Framer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Framer").finish_non_exhaustive()
    }
}

impl Framer {
    /// A level alone is one of zstd: 1 is fast, 19 is small, negative is faster still.
    pub fn new(compression: impl Into<Compression>) -> io::Result<Self> {
        let Compression { method, level } = compression.into();
        let kind = match method {
            Method::Gzip => Kind::Gzip(level),
            Method::Zstd => {
                let mut compressor = zstd::bulk::Compressor::new(level)?;
                compressor.include_checksum(true)?;
                Kind::Zstd(compressor)
            }
        };
        Ok(Self { kind })
    }

    /// Compresses `raw` into `buffer`, which is emptied first.
    pub fn frame(&mut self, raw: &[u8], mut buffer: Vec<u8>) -> io::Result<Frame> {
        buffer.clear();
        for piece in raw.chunks(LARGEST_FRAME) {
            let compressor = match &mut self.kind {
                Kind::Gzip(level) => {
                    buffer = compression::gzip(piece, *level, buffer)?;
                    continue;
                }
                Kind::Zstd(compressor) => compressor,
            };
            let end = buffer.len();
            buffer.reserve(zstd::zstd_safe::compress_bound(piece.len()));
            let mut rest = io::Cursor::new(&mut buffer);
            rest.set_position(end as u64);
            compressor.compress_to_buffer(piece, &mut rest)?;
        }
        Ok(Frame { bytes: buffer, raw_size: raw.len() as u64 })
    }
}

impl Frame {
    /// The buffer that it was made in, to be used again.
    pub fn into_buffer(self) -> Vec<u8> {
        self.bytes
    }
}

/// Puts a part together from frames; [`Sealer::finish`] must be called, or there is no part.
pub struct Sealer {
    out: Out,
    raw_size: u64,
}

/// Compressed bytes go to the store as they are, or through age.
enum Out {
    Plain(Hashed),
    Sealed(Box<StreamWriter<Hashed>>),
}

/// Bytes as they are stored, and their hash.
struct Hashed {
    bytes: Vec<u8>,
    hash: Sha256,
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.hash.update(bytes);
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(hashed) => hashed.write(bytes),
            Self::Sealed(writer) => writer.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(hashed) => hashed.flush(),
            Self::Sealed(writer) => writer.flush(),
        }
    }
}

impl Out {
    fn new(buffer: Vec<u8>, sealing: Option<&Sealing>) -> io::Result<Self> {
        let hashed = Hashed { bytes: buffer, hash: Sha256::new() };
        Ok(match sealing {
            None => Self::Plain(hashed),
            Some(sealing) => Self::Sealed(Box::new(sealing.encryptor()?.wrap_output(hashed)?)),
        })
    }

    fn finish(self, raw_size: u64) -> io::Result<Sealed> {
        let hashed = match self {
            Self::Plain(hashed) => hashed,
            Self::Sealed(writer) => writer.finish()?,
        };
        Ok(Sealed { sha256: hex(&hashed.hash.finalize()), bytes: Bytes::from(hashed.bytes), raw_size })
    }
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sealer").field("raw_size", &self.raw_size).finish_non_exhaustive()
    }
}

impl Sealer {
    /// The stored bytes go into `buffer`, which is emptied first; encrypted, if there is a `sealing`.
    pub fn new(mut buffer: Vec<u8>, sealing: Option<&Sealing>) -> io::Result<Self> {
        buffer.clear();
        Ok(Self { out: Out::new(buffer, sealing)?, raw_size: 0 })
    }

    /// Adds what is compressed.
    pub fn add(&mut self, frame: &Frame) -> io::Result<()> {
        self.raw_size += frame.raw_size;
        self.out.write_all(&frame.bytes)
    }

    /// Raw bytes so far.
    pub fn raw_size(&self) -> u64 {
        self.raw_size
    }

    /// Ends the part.
    pub fn finish(self) -> io::Result<Sealed> {
        self.out.finish(self.raw_size)
    }
}

/// The raw bytes of a stored file, streamed: decrypted if its name says that it is sealed, and
/// decompressed. Only what was read to its end is proven, by age's and the frames' checksums.
pub fn open(name: &str, stored: Bytes, identities: &Identities) -> io::Result<Box<dyn BufRead + Send>> {
    let compressed: Box<dyn BufRead + Send> = if is_sealed(name) {
        Box::new(BufReader::with_capacity(128 << 10, identities.decrypt(stored)?))
    } else {
        Box::new(io::Cursor::new(stored))
    };
    if Method::of(name) == Some(Method::Gzip) {
        return Ok(compression::gunzip(compressed));
    }
    let decoder = zstd::stream::read::Decoder::with_buffer(compressed)?;
    Ok(Box::new(BufReader::with_capacity(256 << 10, decoder)))
}

/// SHA-256 in lower-case hex, as `sha256sum` prints it.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn what_was_sealed_opens_and_a_part_short_by_one_byte_does_not() -> io::Result<()> {
        let raw: Vec<u8> = (0..200_000_u32).flat_map(|n| n.to_string().into_bytes()).collect();
        let sealing = Sealing::new(&sealing::tests::recipients(2), false).ok_or_else(|| io::Error::other("none"))?;
        let own = sealing.own();
        for (name, sealing) in
            [("x.zst", None), ("x.zst.age", Some(&sealing)), ("x.gz", None), ("x.gz.age", Some(&sealing))]
        {
            let method = Method::of(name).ok_or_else(|| io::Error::other("none"))?;
            let framer = Framer::new(Compression { method, level: 1 })?;
            let (mut framer, mut sealer) = (framer, Sealer::new(vec![1, 2, 3], sealing)?);
            for piece in raw.chunks(7000) {
                sealer.add(&framer.frame(piece, Vec::new())?)?;
            }
            let sealed = sealer.finish()?;
            assert_eq!(sealed.raw_size, raw.len() as u64);
            assert_eq!(sealed.sha256, sha256_hex(&sealed.bytes), "{name}");
            let read = |bytes: Bytes| -> io::Result<Vec<u8>> {
                let mut back = Vec::new();
                open(name, bytes, &own)?.read_to_end(&mut back)?;
                Ok(back)
            };
            assert_eq!(read(sealed.bytes.clone())?, raw);
            for cut in [1, 4, 100, 64 << 10] {
                assert!(read(sealed.bytes.slice(..sealed.bytes.len() - cut)).is_err(), "{name} short by {cut}");
            }
            let mut flipped = sealed.bytes.to_vec();
            let middle = flipped.len() / 2;
            flipped[middle] ^= 1;
            assert!(read(Bytes::from(flipped)).is_err(), "{name}");
        }
        Ok(())
    }
}
