//! The table digest: a sum of per-row hashes over the text form, independent of row order.
//!
//! The hash is PostgreSQL's own `hashtextextended(row::text, 0)`, so that a restored table can be
//! compared with its snapshot by one query and nothing installed:
//! `SELECT count(*), sum(hashtextextended(t::text, 0)) FROM t`.
//! Source of the algorithm: `hash_bytes_extended` in PostgreSQL's `src/common/hashfn.c` (Bob
//! Jenkins' lookup3, with seed 0), stable since PostgreSQL 11.

use std::fmt;
use std::ops::AddAssign;
use std::str::FromStr;

use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use super::Fields;

/// A sum of row hashes. 2^64 rows would be needed to overflow it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Digest(i128);

impl Digest {
    /// Adds one row, given its text.
    pub fn add_row(&mut self, text: &[u8]) {
        self.add_hash(row_hash(text));
    }

    /// Adds one row, given the [`row_hash`] of its text.
    pub fn add_hash(&mut self, hash: i64) {
        self.0 += i128::from(hash);
    }
}

impl AddAssign for Digest {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Digest {
    type Err = std::num::ParseIntError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// A hash by which rows with the same key are found: over the texts of these fields.
pub fn key_hash(fields: &Fields, key: &[usize]) -> u128 {
    match key {
        [one] => xxh3_128(fields.get(*one).unwrap_or_default()),
        many => {
            let mut hasher = Xxh3::new();
            for &field in many {
                let value = fields.get(field).unwrap_or_default();
                hasher.update(&(value.len() as u64).to_le_bytes());
                hasher.update(value);
            }
            hasher.digest128()
        }
    }
}

/// `hashtextextended(text, 0)` under a deterministic collation.
pub fn row_hash(text: &[u8]) -> i64 {
    let start = 0x9e37_79b9_u32.wrapping_add(text.len() as u32).wrapping_add(3_923_095);
    let (mut a, mut b, mut c) = (start, start, start);
    let mut chunks = text.chunks_exact(12);
    for chunk in &mut chunks {
        a = a.wrapping_add(word(&chunk[0..4]));
        b = b.wrapping_add(word(&chunk[4..8]));
        c = c.wrapping_add(word(&chunk[8..12]));
        mix(&mut a, &mut b, &mut c);
    }
    // The lowest byte of c is reserved for the length, so the last word takes three bytes only.
    for (i, &byte) in chunks.remainder().iter().enumerate() {
        let byte = u32::from(byte);
        match i {
            0..4 => a = a.wrapping_add(byte << (8 * i)),
            4..8 => b = b.wrapping_add(byte << (8 * (i - 4))),
            _ => c = c.wrapping_add(byte << (8 * (i - 7))),
        }
    }
    finish(&mut a, &mut b, &mut c);
    ((u64::from(b) << 32) | u64::from(c)).cast_signed()
}

fn word(bytes: &[u8]) -> u32 {
    u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}

#[inline]
fn mix(a: &mut u32, b: &mut u32, c: &mut u32) {
    *a = a.wrapping_sub(*c) ^ c.rotate_left(4);
    *c = c.wrapping_add(*b);
    *b = b.wrapping_sub(*a) ^ a.rotate_left(6);
    *a = a.wrapping_add(*c);
    *c = c.wrapping_sub(*b) ^ b.rotate_left(8);
    *b = b.wrapping_add(*a);
    *a = a.wrapping_sub(*c) ^ c.rotate_left(16);
    *c = c.wrapping_add(*b);
    *b = b.wrapping_sub(*a) ^ a.rotate_left(19);
    *a = a.wrapping_add(*c);
    *c = c.wrapping_sub(*b) ^ b.rotate_left(4);
    *b = b.wrapping_add(*a);
}

fn finish(a: &mut u32, b: &mut u32, c: &mut u32) {
    *c = (*c ^ *b).wrapping_sub(b.rotate_left(14));
    *a = (*a ^ *c).wrapping_sub(c.rotate_left(11));
    *b = (*b ^ *a).wrapping_sub(a.rotate_left(25));
    *c = (*c ^ *b).wrapping_sub(b.rotate_left(16));
    *a = (*a ^ *c).wrapping_sub(c.rotate_left(4));
    *b = (*b ^ *a).wrapping_sub(a.rotate_left(14));
    *c = (*c ^ *b).wrapping_sub(b.rotate_left(24));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected values are what `SELECT hashtextextended(…, 0)` printed on PostgreSQL 15.18.
    #[test]
    fn a_row_hash_is_the_one_that_postgres_computes() {
        let long = "0123456789é".repeat(50);
        let cases: [(&str, i64); 6] = [
            ("", -6_939_563_903_564_495_251),
            ("a", 3_591_986_179_850_072_241),
            ("(1,\"a \"\"q\"\" x\",,)", -1_186_044_487_085_820_330),
            ("hello world!", -2_866_487_628_948_787_489),
            ("hello world!x", -6_683_131_005_855_957_752),
            (&long, -1_475_500_173_820_347_860),
        ];
        for (text, expected) in cases {
            assert_eq!(row_hash(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn a_digest_does_not_depend_on_the_order_of_rows() -> Result<(), std::num::ParseIntError> {
        let sum = |rows: [&str; 3]| {
            let mut digest = Digest::default();
            rows.iter().for_each(|row| digest.add_row(row.as_bytes()));
            digest
        };
        assert_eq!(sum(["(1)", "(2)", "(2)"]), sum(["(2)", "(1)", "(2)"]));
        assert_ne!(sum(["(1)", "(2)", "(2)"]), sum(["(1)", "(1)", "(2)"]));
        assert_eq!(sum(["a", "b", "c"]).to_string().parse::<Digest>()?, sum(["a", "b", "c"]));
        Ok(())
    }
}
