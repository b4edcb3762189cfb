//! Compress and hash on the way to a store, and back. (Encryption will sit between the two.)
//!
//! One part is one zstd frame (RFC 8878) with its content checksum; frames concatenate, so
//! `zstd -dc *.zst` reads any number of parts. A part that is short by one byte does not open.

use std::io::{self, BufReader, Write};

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

/// Compresses as it is written to; [`Sealer::finish`] must be called, or there is no part.
pub struct Sealer {
    encoder: zstd::stream::write::Encoder<'static, Vec<u8>>,
    raw_size: u64,
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sealer").field("raw_size", &self.raw_size).finish_non_exhaustive()
    }
}

impl Sealer {
    /// `level` as in zstd: 1 is fast, 19 is small, negative is faster still.
    /// The sealed bytes go into `buffer`, which is emptied first.
    pub fn new(level: i32, mut buffer: Vec<u8>) -> io::Result<Self> {
        buffer.clear();
        let mut encoder = zstd::stream::write::Encoder::new(buffer, level)?;
        encoder.include_checksum(true)?;
        Ok(Self { encoder, raw_size: 0 })
    }

    /// Adds raw bytes.
    pub fn write(&mut self, raw: &[u8]) -> io::Result<()> {
        self.raw_size += raw.len() as u64;
        self.encoder.write_all(raw)
    }

    /// Raw bytes so far.
    pub fn raw_size(&self) -> u64 {
        self.raw_size
    }

    /// Ends the frame.
    pub fn finish(self) -> io::Result<Sealed> {
        let bytes = self.encoder.finish()?;
        Ok(Sealed { sha256: sha256_hex(&bytes), bytes: Bytes::from(bytes), raw_size: self.raw_size })
    }
}

/// The raw bytes of a sealed part, streamed. Reading to the end proves the frame's checksum.
pub fn open(sealed: Bytes) -> io::Result<impl io::BufRead + Send> {
    let decoder = zstd::stream::read::Decoder::new(io::Cursor::new(sealed))?;
    Ok(BufReader::with_capacity(256 << 10, decoder))
}

/// SHA-256 in lower-case hex, as `sha256sum` prints it.
pub fn sha256_hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut hex, byte| {
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
        let mut sealer = Sealer::new(1, Vec::new())?;
        for piece in raw.chunks(7000) {
            sealer.write(piece)?;
        }
        let sealed = sealer.finish()?;
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
