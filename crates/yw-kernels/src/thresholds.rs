//! The best threshold of a histogram.

use crate::unpack;

/// What a split of a leaf is judged by, in steps of the quantized derivatives.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ThresholdRules {
    /// L2 penalty, in steps of the second derivative.
    pub l2: f64,
    /// What the second derivatives of either side sum up to at least; above zero.
    pub min_h: u32,
}

/// Bins that are looked at side by side.
const LANES: usize = 8;

/// The threshold with the largest `g₁² / (h₁ + l2) + g₂² / (h₂ + l2)`, and that score; the first of equally good ones.
///
/// *Shapes*: `sums` are the bins' sums as [`unpack`] reads them, in the order of their values. A threshold `t` sends the bins
/// up to `t` and `extra` (the rows without a value, say) to one side, and what is left of `total` to the other.
///
/// None if no threshold leaves enough on both sides. Sums of `h` must be below 2³¹.
pub fn best_threshold(sums: &[i64], extra: i64, total: i64, rules: ThresholdRules) -> Option<(usize, f64)> {
    #[cfg(target_arch = "x86_64")]
    if crate::avx2::available() {
        // SAFETY: the processor has AVX2.
        return unsafe { best_threshold_avx2(sums, extra, total, rules) };
    }
    scan(sums, extra, total, rules)
}

/// The same code, compiled for wider vectors: the results are the same bits.
///
/// # Safety
/// The processor must have AVX2.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn best_threshold_avx2(sums: &[i64], extra: i64, total: i64, rules: ThresholdRules) -> Option<(usize, f64)> {
    scan(sums, extra, total, rules)
}

#[inline(always)]
fn scan(sums: &[i64], extra: i64, total: i64, rules: ThresholdRules) -> Option<(usize, f64)> {
    let (total_g, total_h) = unpack(total);
    let (total_g, total_h) = (f64::from(total_g), f64::from(total_h as i32));
    let min_h = f64::from(rules.min_h);
    let mut best = [f64::NEG_INFINITY; LANES];
    let mut best_at = [0u32; LANES];
    let mut left = extra;
    let mut lefts = [0i64; LANES];
    for (block_idx, block) in sums.chunks(LANES).enumerate() {
        for (lane, &sum) in lefts.iter_mut().zip(block) {
            left = left.wrapping_add(sum);
            *lane = left;
        }
        // Lanes beyond the last bin repeat the block before, whose scores are not better than themselves.
        for lane in 0..LANES {
            let (g, h) = ((lefts[lane] >> 32) as i32, lefts[lane] as i32);
            let (left_g, left_h) = (f64::from(g), f64::from(h));
            let (right_g, right_h) = (total_g - left_g, total_h - left_h);
            let (left_d, right_d) = (left_h + rules.l2, right_h + rules.l2);
            // Both quotients over one division.
            let score = (left_g * left_g * right_d + right_g * right_g * left_d) / (left_d * right_d);
            let enough = left_h >= min_h && right_h >= min_h;
            let better = enough && score > best[lane];
            best[lane] = if better { score } else { best[lane] };
            best_at[lane] = if better { (block_idx * LANES + lane) as u32 } else { best_at[lane] };
        }
    }
    let better = |a: usize, b: usize| match best[b].total_cmp(&best[a]) {
        std::cmp::Ordering::Greater => b,
        std::cmp::Ordering::Equal if best_at[b] < best_at[a] => b,
        _ => a,
    };
    let winner = (1..LANES).fold(0, better);
    (best[winner] > f64::NEG_INFINITY).then(|| (best_at[winner] as usize, best[winner]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pack(g: i32, h: u32) -> i64 {
        (i64::from(g) << 32) + i64::from(h)
    }

    #[test]
    fn finds_what_trying_each_threshold_finds() {
        let mut state = 1u64;
        let mut random = move |n: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) % n
        };
        for n_bins in 1..60 {
            let sums: Vec<i64> = (0..n_bins).map(|_| pack(random(41) as i32 - 20, random(9) as u32)).collect();
            let extra = pack(random(41) as i32 - 20, random(9) as u32);
            let rest = pack(random(41) as i32 - 20, random(9) as u32);
            let total = sums.iter().sum::<i64>() + extra + rest;
            let rules = ThresholdRules { l2: random(3) as f64, min_h: 1 + random(20) as u32 };
            let mut expected: Option<(usize, f64)> = None;
            let mut left = extra;
            for (bin, sum) in sums.iter().enumerate() {
                left += sum;
                let ((g1, h1), (g2, h2)) = (unpack(left), unpack(total - left));
                if h1 < rules.min_h || h2 < rules.min_h {
                    continue;
                }
                let part = |g: i32, h: u32| f64::from(g).powi(2) / (f64::from(h) + rules.l2);
                let score = part(g1, h1) + part(g2, h2);
                if expected.is_none_or(|(_, best)| score > best * (1.0 + 1e-12)) {
                    expected = Some((bin, score));
                }
            }
            let found = best_threshold(&sums, extra, total, rules);
            assert_eq!(found.map(|f| f.0), expected.map(|e| e.0), "{n_bins} bins");
            let (found, expected) = (found.map_or(0.0, |f| f.1), expected.map_or(0.0, |e| e.1));
            assert!((found - expected).abs() <= 1e-9 * (1.0 + expected));
            assert_eq!(best_threshold(&sums, extra, total, rules), scan(&sums, extra, total, rules));
        }
    }
}
