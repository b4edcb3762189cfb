//! Stored files made anew from stored files: sealed for others, or compressed harder. Everything happens in memory.

use std::io::{self, Read, Write};

use bytes::Bytes;

use super::{Identities, Out, Sealed, Sealing, is_sealed, open};

/// What becomes of the compressed bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Press {
    /// They stay as they are, frame by frame.
    Kept,
    /// The text is compressed again with zstd at this level, as one frame with long-distance matching.
    Dense(i32),
}

/// The largest window that `zstd -d` opens without a flag, as a power of two.
const LARGEST_WINDOW: u32 = 27;

/// The smallest window that zstd knows, as a power of two.
const SMALLEST_WINDOW: u32 = 10;

/// Makes a stored file anew: opened with `identities` if its name says that it is sealed, and sealed if there is a
/// `sealing`. `raw_size` is that of its text, if it is known: a text of another size is an error where it is read.
pub fn anew(
    name: &str,
    stored: Bytes,
    identities: &Identities,
    sealing: Option<&Sealing>,
    press: Press,
    raw_size: Option<u64>,
) -> io::Result<Sealed> {
    let mut out = Out::new(Vec::with_capacity(stored.len()), sealing)?;
    match press {
        Press::Kept => {
            if is_sealed(name) {
                io::copy(&mut identities.decrypt(stored)?, &mut out)?;
            } else {
                out.write_all(&stored)?;
            }
            out.finish(raw_size.unwrap_or_default())
        }
        Press::Dense(level) => {
            let mut raw = open(name, stored, identities)?;
            let mut encoder = zstd::stream::write::Encoder::new(out, level)?;
            encoder.include_checksum(true)?;
            encoder.long_distance_matching(true)?;
            encoder.window_log(window(raw_size))?;
            encoder.set_pledged_src_size(raw_size)?;
            let copied = io::copy(&mut raw.by_ref().take(raw_size.unwrap_or(u64::MAX)), &mut encoder)?;
            if raw.read(&mut [0])? > 0 {
                return Err(io::Error::other("it holds more bytes than the manifest says"));
            }
            encoder.finish()?.finish(copied)
        }
    }
}

/// As large as the text, within what every program opens: a frame never asks for more memory than it needs.
fn window(raw_size: Option<u64>) -> u32 {
    let size = raw_size.unwrap_or(1 << LARGEST_WINDOW).max(1);
    let log = u64::BITS - (size - 1).leading_zeros();
    log.clamp(SMALLEST_WINDOW, LARGEST_WINDOW)
}

#[cfg(test)]
mod tests {
    use super::super::{Framer, Sealer, sealing, sha256_hex};
    use super::*;

    #[test]
    fn what_is_made_anew_holds_the_same_text() -> io::Result<()> {
        let raw: Vec<u8> = (0..300_000_u32).flat_map(|n| (n % 5000).to_string().into_bytes()).collect();
        let (mut framer, mut sealer) = (Framer::new(1)?, Sealer::new(Vec::new(), None)?);
        for piece in raw.chunks(60_000) {
            sealer.add(&framer.frame(piece, Vec::new())?)?;
        }
        let plain = sealer.finish()?;
        let nobody = Identities::default();
        let text = |name: &str, bytes: Bytes, who: &Identities| -> io::Result<Vec<u8>> {
            let mut back = Vec::new();
            open(name, bytes, who)?.read_to_end(&mut back)?;
            Ok(back)
        };
        let sealing = Sealing::new(&sealing::tests::recipients(1), false).ok_or_else(|| io::Error::other("none"))?;
        let size = Some(raw.len() as u64);
        let sealed = anew("x.zst", plain.bytes.clone(), &nobody, Some(&sealing), Press::Kept, size)?;
        assert_eq!(text("x.zst.age", sealed.bytes.clone(), &sealing.own())?, raw);
        let back = anew("x.zst.age", sealed.bytes, &sealing.own(), None, Press::Kept, size)?;
        assert_eq!(back.bytes, plain.bytes);
        for size in [size, None] {
            let dense = anew("x.zst", plain.bytes.clone(), &nobody, None, Press::Dense(19), size)?;
            assert!(dense.bytes.len() * 10 < plain.bytes.len() * 9);
            assert_eq!((dense.raw_size, dense.sha256), (raw.len() as u64, sha256_hex(&dense.bytes)));
            assert_eq!(text("x.zst", dense.bytes, &nobody)?, raw);
        }
        for wrong in [raw.len() as u64 - 1, raw.len() as u64 + 1] {
            let made = anew("x.zst", plain.bytes.clone(), &nobody, None, Press::Dense(3), Some(wrong));
            assert!(made.is_err(), "{wrong}");
        }
        Ok(())
    }

    #[test]
    fn a_window_is_as_large_as_the_text_and_no_larger_than_every_program_opens() {
        let windows = [Some(0), Some(1 << 10), Some((16 << 20) + 1), Some(1 << 30), None].map(window);
        assert_eq!(windows, [10, 10, 25, 27, 27]);
    }
}
