//! Compress and hash on the way to a store, and back. (Encryption will sit between the two.)
//!
//! One part is one or more zstd frames (RFC 8878), each with its size and its content checksum. Frames
//! are made one by one where rows are written, so that all cores take part; they concatenate, so
//! `zstd -dc *.zst` reads any number of parts. A part that is short by one byte does not open.

use std::io::{self, BufReader};

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

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
    compressor: zstd::bulk::Compressor<'static>,
}

impl std::fmt::Debug for Framer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Framer").finish_non_exhaustive()
    }
}

impl Framer {
    /// `level` as in zstd: 1 is fast, 19 is small, negative is faster still.
    pub fn new(level: i32) -> io::Result<Self> {
        let mut compressor = zstd::bulk::Compressor::new(level)?;
        compressor.include_checksum(true)?;
        Ok(Self { compressor })
    }

    /// Compresses `raw` into `buffer`, which is emptied first.
    pub fn frame(&mut self, raw: &[u8], mut buffer: Vec<u8>) -> io::Result<Frame> {
        buffer.clear();
        for piece in raw.chunks(LARGEST_FRAME) {
            let end = buffer.len();
            buffer.reserve(zstd::zstd_safe::compress_bound(piece.len()));
            let mut rest = io::Cursor::new(&mut buffer);
            rest.set_position(end as u64);
            self.compressor.compress_to_buffer(piece, &mut rest)?;
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
#[derive(Debug)]
pub struct Sealer {
    bytes: Vec<u8>,
    hash: Sha256,
    raw_size: u64,
}

impl Sealer {
    /// The sealed bytes go into `buffer`, which is emptied first.
    pub fn new(mut buffer: Vec<u8>) -> Self {
        buffer.clear();
        Self { bytes: buffer, hash: Sha256::new(), raw_size: 0 }
    }

    /// Adds what is compressed.
    pub fn add(&mut self, frame: &Frame) {
        self.hash.update(&frame.bytes);
        self.bytes.extend_from_slice(&frame.bytes);
        self.raw_size += frame.raw_size;
    }

    /// Raw bytes so far.
    pub fn raw_size(&self) -> u64 {
        self.raw_size
    }

    /// Ends the part.
    pub fn finish(self) -> Sealed {
        Sealed { sha256: hex(&self.hash.finalize()), bytes: Bytes::from(self.bytes), raw_size: self.raw_size }
    }
}

/// The raw bytes of a sealed part, streamed. Reading to the end proves the frames' checksums.
pub fn open(sealed: Bytes) -> io::Result<impl io::BufRead + Send> {
    let decoder = zstd::stream::read::Decoder::new(io::Cursor::new(sealed))?;
    Ok(BufReader::with_capacity(256 << 10, decoder))
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
        let (mut framer, mut sealer) = (Framer::new(1)?, Sealer::new(Vec::new()));
        for piece in raw.chunks(7000) {
            sealer.add(&framer.frame(piece, Vec::new())?);
        }
        let sealed = sealer.finish();
        assert_eq!(sealed.raw_size, raw.len() as u64);
        let mut back = Vec::new();
        open(sealed.bytes.clone())?.read_to_end(&mut back)?;
        assert_eq!(back, raw);
        for cut in [1, 4, 100] {
            let short = sealed.bytes.slice(..sealed.bytes.len() - cut);
            assert!(open(short)?.read_to_end(&mut Vec::new()).is_err(), "short by {cut}");
        }
        let mut flipped = sealed.bytes.to_vec();
        let middle = flipped.len() / 2;
        flipped[middle] ^= 1;
        assert!(open(Bytes::from(flipped)).and_then(|mut r| r.read_to_end(&mut Vec::new())).is_err());
        Ok(())
    }
}
