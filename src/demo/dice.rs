//! Reproducible chance: splitmix64, by index and as a sequence.

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// What a number is drawn for. Each use has its own lane so that the rows do not correlate.
#[derive(Clone, Copy, Debug)]
pub(super) enum Lane {
    RequestId = 1,
    Figures,
    Jitter,
    Tied,
    Linked,
    TraceId,
    Trace,
    Fraction,
    Anomaly,
    Security,
}

/// The number that belongs to (seed, lane, index). For one seed and lane, different indexes give different numbers:
/// the index is multiplied by an odd constant and then goes through a bijection. Ids rely on it.
pub(super) fn draw(seed: u64, lane: Lane, index: u64) -> u64 {
    let start = finalize(seed ^ (lane as u64).wrapping_mul(0xD6E8_FEB8_6659_FD93));
    finalize(start.wrapping_add(index.wrapping_mul(GOLDEN)))
}

/// A sequence of numbers.
#[derive(Clone, Debug)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64, lane: Lane, index: u64) -> Dice {
        Dice(draw(seed, lane, index))
    }

    /// A number below `bound`. The bias of the multiplication is far below what data can show.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        // The upper half of the product is below `bound`, so that nothing is cut.
        ((u128::from(finalize(self.0)) * u128::from(bound)) >> 64) as u64
    }
}

/// A hash of bytes (FNV-1a, then mixed). Used where the order of rows shall depend on the query string.
pub(super) fn hash(bytes: &[u8]) -> u64 {
    let fnv = bytes
        .iter()
        .fold(0xCBF2_9CE4_8422_2325_u64, |state, &byte| (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3));
    finalize(fnv)
}

fn finalize(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}
