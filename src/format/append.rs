//! Appending by whole words: faster than by runs where runs are short. In a jsonb value inside a record
//! inside JSON, every few bytes there is a quote.

/// Appends to a buffer.
pub(crate) struct Appender<'a> {
    out: &'a mut Vec<u8>,
    /// Where the text ends; behind it is room.
    end: usize,
}

/// Room is made in steps of this many bytes.
const ROOM: usize = 1 << 10;
/// Bytes of a word.
pub(crate) const WORD: usize = 8;

const ONES: u64 = u64::MAX / 255;
const HIGHS: u64 = ONES << 7;

/// The word at `at`, if the text is long enough.
#[inline]
pub(crate) fn word_at(text: &[u8], at: usize) -> Option<u64> {
    text.get(at..at + WORD).and_then(|w| w.try_into().ok()).map(u64::from_le_bytes)
}

/// How many bytes of `word` stand before the first one that is in `stops`; [`WORD`] if none is.
#[inline]
pub(crate) fn run_length<const N: usize>(word: u64, stops: [u8; N]) -> usize {
    let found = stops.iter().fold(0, |found, &stop| {
        let other = word ^ (ONES * u64::from(stop));
        // borrows can only set bits above a true hit, so the lowest one is exact
        found | (other.wrapping_sub(ONES) & !other)
    });
    ((found & HIGHS).trailing_zeros() / 8) as usize
}

impl<'a> Appender<'a> {
    pub(crate) fn new(out: &'a mut Vec<u8>) -> Self {
        let end = out.len();
        Self { out, end }
    }

    /// Where the text ends.
    #[inline]
    pub(crate) fn end(&self) -> usize {
        self.end
    }

    /// Appends the first `length` bytes of `word`.
    #[inline]
    pub(crate) fn word(&mut self, word: u64, length: usize) {
        if self.out.len() < self.end + WORD {
            self.out.resize(self.end + ROOM, 0);
        }
        self.out[self.end..self.end + WORD].copy_from_slice(&word.to_le_bytes());
        self.end += length;
    }

    /// Copies `text` from `at` on up to the first quote or backslash, and returns where that is.
    #[inline]
    pub(crate) fn run(&mut self, text: &[u8], mut at: usize) -> Option<usize> {
        while let Some(word) = word_at(text, at) {
            let length = run_length(word, *b"\"\\");
            self.word(word, length);
            at += length;
            if length < WORD {
                return Some(at);
            }
        }
        loop {
            match *text.get(at)? {
                b'"' | b'\\' => return Some(at),
                byte => self.push(byte),
            }
            at += 1;
        }
    }

    /// Appends one byte.
    #[inline]
    pub(crate) fn push(&mut self, byte: u8) {
        if self.out.len() == self.end {
            self.out.resize(self.end + ROOM, 0);
        }
        self.out[self.end] = byte;
        self.end += 1;
    }

    /// Gives back the room that is left, and returns where the text ends.
    #[inline]
    pub(crate) fn finish(self) -> usize {
        self.out.truncate(self.end);
        self.end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn a_run_is_copied_up_to_the_first_stop(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..60)) {
            let slow = bytes.iter().position(|b| b"\"\\".contains(b));
            let mut out = b"before".to_vec();
            let mut appender = Appender::new(&mut out);
            proptest::prop_assert_eq!(appender.run(&bytes, 0), slow);
            appender.finish();
            proptest::prop_assert_eq!(&out[6..], &bytes[..slow.unwrap_or(bytes.len())]);
        }
    }
}
