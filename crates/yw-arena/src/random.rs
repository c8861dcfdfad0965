//! Random choices among rows that depend on the seed and the row's number alone.

/// A random number for row or group `index`: rows sorted by it are in random order.
pub(crate) fn rank(seed: u64, index: u64) -> u64 {
    mix(mix(seed).wrapping_add(index))
}

/// One step of SplitMix64 (Steele, Lea and Flood, *Fast splittable pseudorandom number generators*, OOPSLA 2014).
fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
