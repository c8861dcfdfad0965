//! Each kernel against its scalar twin, and against sums in double precision.

mod gradients;
mod trees;

use proptest::prelude::*;
use yw_kernels::{LANES, add_outer_product, add_weighted_rows, axpy, dot, padded_lanes, scalar};

/// How far two sums of `n` products of values up to 100 may differ in single precision.
fn close(a: f32, b: f32, n: usize) -> bool {
    (a - b).abs() <= 1e4 * (n as f32 + 1.0) * f32::EPSILON
}

fn value() -> impl Strategy<Value = f32> {
    -100.0f32..100.0
}

/// A sparse row, a matrix that has all its indices, and one value per lane, some blocks of them zero.
fn sparse_problem() -> impl Strategy<Value = (Vec<(u32, f32)>, Vec<f32>, Vec<f32>)> {
    (1usize..=20, 1usize..30).prop_flat_map(|(n_blocks, n_rows)| {
        let n_lanes = n_blocks * LANES;
        let lanes = proptest::collection::vec((value(), any::<bool>()), n_blocks)
            .prop_map(|blocks| blocks.iter().flat_map(|&(v, zero)| [if zero { 0.0 } else { v }; LANES]).collect());
        (
            proptest::collection::vec((0..n_rows as u32, value()), 0..40),
            proptest::collection::vec(value(), n_rows * n_lanes),
            lanes,
        )
    })
}

proptest! {
    #[test]
    fn dot_equals_its_twin(pairs in proptest::collection::vec((value(), value()), 0..200)) {
        let (a, b): (Vec<f32>, Vec<f32>) = pairs.into_iter().unzip();
        let exact: f64 = a.iter().zip(&b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
        prop_assert!(close(dot(&a, &b), scalar::dot(&a, &b), a.len()));
        prop_assert!(close(dot(&a, &b), exact as f32, a.len()));
    }

    #[test]
    fn axpy_equals_its_twin(factor in value(), pairs in proptest::collection::vec((value(), value()), 0..100)) {
        let (x, y): (Vec<f32>, Vec<f32>) = pairs.into_iter().unzip();
        let (mut fast, mut plain) = (y.clone(), y);
        axpy(factor, &x, &mut fast);
        scalar::axpy(factor, &x, &mut plain);
        prop_assert!(fast.iter().zip(&plain).all(|(a, b)| close(*a, *b, 1)));
    }

    #[test]
    fn sparse_kernels_equal_their_twins((row, matrix, lanes) in sparse_problem()) {
        let (idxs, values): (Vec<u32>, Vec<f32>) = row.into_iter().unzip();
        let (mut fast, mut plain) = (lanes.clone(), lanes.clone());
        add_weighted_rows(&idxs, &values, &matrix, &mut fast);
        scalar::add_weighted_rows(&idxs, &values, &matrix, &mut plain);
        prop_assert!(fast.iter().zip(&plain).all(|(a, b)| close(*a, *b, idxs.len())));

        let (mut fast, mut plain) = (matrix.clone(), matrix);
        add_outer_product(&idxs, &values, &lanes, &mut fast);
        scalar::add_outer_product(&idxs, &values, &lanes, &mut plain);
        prop_assert!(fast.iter().zip(&plain).all(|(a, b)| close(*a, *b, idxs.len())));
    }

    #[test]
    fn a_lane_does_not_depend_on_its_neighbours((row, matrix, lanes) in sparse_problem()) {
        let (idxs, values): (Vec<u32>, Vec<f32>) = row.into_iter().unzip();
        let n_lanes = lanes.len();
        let mut whole = lanes.clone();
        add_weighted_rows(&idxs, &values, &matrix, &mut whole);
        for first in (0..n_lanes).step_by(LANES) {
            let strip: Vec<f32> = matrix.chunks_exact(n_lanes).flat_map(|row| row[first..first + LANES].to_vec()).collect();
            let mut part = lanes[first..first + LANES].to_vec();
            add_weighted_rows(&idxs, &values, &strip, &mut part);
            prop_assert_eq!(&part[..], &whole[first..first + LANES]);
        }
    }
}

#[test]
fn hand_worked_values() {
    assert_eq!(dot(&[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0]), 32.0);
    let mut y = [1.0, 1.0];
    axpy(2.0, &[3.0, 4.0], &mut y);
    assert_eq!(y, [7.0, 9.0]);
    assert_eq!((padded_lanes(0), padded_lanes(1), padded_lanes(8), padded_lanes(77)), (0, 8, 8, 80));
}

#[test]
#[should_panic(expected = "outside the matrix")]
fn an_index_outside_the_matrix_is_refused() {
    add_weighted_rows(&[2], &[1.0], &[0.0; 2 * LANES], &mut [0.0; LANES]);
}

#[test]
#[should_panic(expected = "multiple of 8")]
fn ragged_lanes_are_refused() {
    add_outer_product(&[0], &[1.0], &[1.0; 3], &mut [0.0; 3]);
}
