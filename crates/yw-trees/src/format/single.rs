//! Thresholds in single precision.
//!
//! XGBoost and ONNX cast a row's value to `f32` before they compare it. These functions move a threshold across that cast
//! so that no value changes sides.

/// The largest `f64` whose cast to `f32` (to the nearest, ties to even) is less than `threshold`.
///
/// `x as f32 < threshold` is `x <= last_below(threshold)` for every `x`; values beyond the range of `f32` included, because
/// their casts are infinite. Only for `-inf`, below which there is nothing, is the answer `-inf` itself.
pub(super) fn last_below(threshold: f32) -> f64 {
    const BEYOND: f64 = 340282366920938463463374607431768211456.0; // 2^128: what would follow the largest `f32`
    let widened = |value: f32| if value.is_infinite() { BEYOND.copysign(value.into()) } else { f64::from(value) };
    if threshold == f32::NEG_INFINITY {
        return f64::NEG_INFINITY;
    }
    let below = threshold.next_down();
    let middle = 0.5 * widened(below) + 0.5 * widened(threshold);
    if below.to_bits() & 1 == 0 { middle } else { middle.next_down() }
}

/// The largest `f32` that is at most `threshold`: every `f32` is on the same side of both.
pub(super) fn round_down(threshold: f64) -> f32 {
    let nearest = threshold as f32;
    if f64::from(nearest) > threshold { nearest.next_down() } else { nearest }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check_boundary(threshold: f32) {
        let last = last_below(threshold);
        assert!((last as f32) < threshold, "{last:e} is cast to {:e}, not below {threshold:e}", last as f32);
        let next = last.next_up();
        assert!(next as f32 >= threshold, "{next:e} is cast to {:e}, below {threshold:e}", next as f32);
    }

    #[test]
    fn boundaries_at_the_edges_of_single_precision() {
        let edges = [0.0, -0.0, 1e-45, -1e-45, f32::MIN_POSITIVE, -f32::MIN_POSITIVE, 1.0, 2.0, f32::MAX, f32::MIN];
        edges.into_iter().chain([f32::INFINITY]).for_each(check_boundary);
        assert_eq!(last_below(1.0), 1.0 - f64::from(f32::EPSILON) / 4.0 - f64::EPSILON / 2.0);
    }

    #[test]
    fn rounding_down_keeps_what_is_exact() {
        assert_eq!(round_down(0.5), 0.5);
        assert_eq!(round_down(0.1), 0.099999994);
        assert_eq!(round_down(1e300), f32::MAX);
        assert_eq!(round_down(-1e300), f32::NEG_INFINITY);
        assert_eq!(round_down(f64::INFINITY), f32::INFINITY);
    }

    proptest! {
        #[test]
        fn boundaries_are_exact(bits: u32) {
            let threshold = f32::from_bits(bits);
            prop_assume!(!threshold.is_nan() && threshold != f32::NEG_INFINITY);
            check_boundary(threshold);
            // Zero has two signs, and one value below both.
            prop_assert_eq!(round_down(last_below(threshold)).next_up(), threshold);
        }

        #[test]
        fn rounding_down_separates_the_same_values(bits: u64, nearby in -3i32..4) {
            let threshold = f64::from_bits(bits);
            prop_assume!(!threshold.is_nan());
            let rounded = round_down(threshold);
            let value = f32::from_bits(rounded.to_bits().wrapping_add_signed(nearby));
            prop_assume!(!value.is_nan());
            prop_assert_eq!(f64::from(value) <= threshold, value <= rounded);
        }
    }
}
