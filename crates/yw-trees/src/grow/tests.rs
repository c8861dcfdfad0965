use super::*;
use crate::random::{Random, Use};
use crate::{Columns, Feature, Gradient};

fn random(stream: usize) -> Random {
    Random::new(9, Use::Rows, stream)
}

/// Columns of few and of many values, enough of them for two groups, with a constant among them.
fn binned(n_rows: usize) -> BinnedRows {
    let column = |idx: usize| -> Vec<f64> {
        let n_values = match idx {
            7 => 1,
            3 | 40 => 600,
            _ => 2 + idx * 5,
        };
        let mut random = random(idx);
        let mut value = || if idx % 4 == 1 && random.below(9) == 0 { f64::NAN } else { random.below(n_values) as f64 };
        (0..n_rows).map(|_| value()).collect()
    };
    let columns: Vec<Vec<f64>> = (0..45).map(column).collect();
    let features = columns.iter().map(|column| Feature::F64(column, None)).collect();
    BinnedRows::learn(&Columns::new(n_rows, features), 1000)
}

fn rows(n_rows: usize, levels: (i16, u16)) -> Vec<GradientRow> {
    let mut random = random(100);
    let row = |row: usize| {
        let g = random.below(2 * levels.0 as usize + 1) as i32 - i32::from(levels.0);
        GradientRow::new(row as u32, g as i16, random.below(levels.1 as usize + 1) as u16)
    };
    (0..n_rows).map(row).collect()
}

/// Counts by hand what every bin sums up to.
fn plain(binned: &BinnedRows, used: &[bool], rows: &[GradientRow]) -> Vec<i64> {
    let mut sums = vec![0; binned.n_bins];
    for (feature, column) in binned.columns.iter().enumerate() {
        if used[feature] && !binned.features[feature].is_constant() {
            rows.iter().for_each(|row| sums[binned.offsets[feature] + column.bin(row.row())] += row.wide());
        }
    }
    sums
}

#[test]
fn histograms_are_sums_by_bin() {
    let n_rows = 40_000;
    let binned = binned(n_rows);
    assert_eq!((binned.groups.len(), binned.wide.len()), (2, 2));
    let (coarse, fine) = (rows(n_rows, (8, 16)), rows(n_rows, (i16::MAX, u16::MAX)));
    let few: Vec<bool> = (0..45).map(|feature| feature % 9 == 3).collect();
    for used in [vec![true; 45], few] {
        for (rows, narrow_rows) in [(&coarse, Some(4095)), (&fine, None)] {
            let histograms = Histograms::new(&binned, &used, narrow_rows, Vec::new());
            // All rows, so that several threads share them; and every other one.
            let some: Vec<GradientRow> = rows.iter().copied().filter(|row| row.row() % 2 == 1).collect();
            let (mut of_all, of_some) = (histograms.build(rows), histograms.build(&some));
            let check = |found: &[i64], rows: &[GradientRow]| {
                let expected = plain(&binned, &used, rows);
                let features = (0..45).filter(|&feature| used[feature] && feature != 7);
                for feature in features {
                    let range = binned.offsets[feature]..binned.offsets[feature] + binned.features[feature].n_bins();
                    assert_eq!(found[range.clone()], expected[range], "feature {feature}");
                }
            };
            check(&of_all, rows);
            check(&of_some, &some);
            Histograms::subtract(&mut of_all, &of_some);
            let others: Vec<GradientRow> = rows.iter().copied().filter(|row| row.row() % 2 == 0).collect();
            check(&of_all, &others);
            // What was used before is cleared.
            histograms.give_back(of_all);
            check(&histograms.build(&some), &some);
        }
    }
}

#[test]
fn rows_are_binned_by_column_as_by_group() {
    let binned = binned(5000);
    for group in &binned.groups {
        for (place, &feature) in group.features.iter().enumerate() {
            let column = &binned.columns[feature as usize];
            let in_group = |row: usize| usize::from(group.bins[row * crate::bins::GROUP_WIDTH + place]);
            assert!((0..5000).all(|row| in_group(row) == column.bin(row)), "feature {feature}");
        }
    }
}

#[test]
fn rows_are_parted_in_their_order_however_many_there_are() {
    let n_rows = 150_000;
    let binned = binned(n_rows);
    let all = rows(n_rows, (8, 16));
    for feature in [20, 3] {
        let column = &binned.columns[feature];
        let left: Vec<u8> = (0..1024).map(|bin| u8::from(bin % 3 == 0)).collect();
        for n in [0, 1, 1000, 32_768, 32_769, n_rows] {
            let mut found = all[..n].to_vec();
            let n_left = partition::partition(&mut found, &mut vec![GradientRow::default(); n], column, &left);
            let (mut expected, right): (Vec<_>, Vec<_>) =
                all[..n].iter().partition(|row| left[column.bin(row.row())] == 1);
            assert_eq!(n_left, expected.len());
            expected.extend(right);
            assert!(found == expected, "{n} rows");
        }
    }
}

fn gradients(n: usize, scale: f32) -> Vec<Gradient> {
    let mut random = random(200);
    let mut unit = || random.below(1_000_001) as f32 / 1e6;
    (0..n).map(|_| Gradient { g: (unit() * 2.0 - 1.0) * scale, h: unit() * scale }).collect()
}

#[test]
fn rounded_sums_are_near_exact_ones() {
    let n = 20_000;
    // The last ones are so small that single precision has no inverse of their steps.
    for (scale, tolerance) in [(1.0, 1.0), (1e30, 1.0), (1e-20, 1.0), (1e-37, 1.0), (1e-44, 3.0)] {
        let exact = gradients(n, scale);
        for coarse in [false, true] {
            let (rows, steps) = quantize(&exact, None, Levels::new(coarse, n).unwrap(), 5);
            let total = rows.iter().fold(0i64, |sum, row| sum + row.wide());
            let (g, h) = yw_kernels::unpack(total);
            let exact_g: f64 = exact.iter().map(|gradient| f64::from(gradient.g)).sum();
            let exact_h: f64 = exact.iter().map(|gradient| f64::from(gradient.h)).sum();
            // Four standard deviations of the sum of errors of up to half a step.
            let allowed = |step: f64| tolerance * 2.0 * step * (n as f64).sqrt() + 1e-6 * f64::from(scale) * n as f64;
            assert!((f64::from(g) * steps.g - exact_g).abs() < allowed(steps.g), "{scale} {coarse}");
            assert!((f64::from(h) * steps.h - exact_h).abs() < allowed(steps.h), "{scale} {coarse}");
            assert_eq!(steps.narrow_rows.is_some(), coarse);
        }
    }
}

#[test]
fn second_derivatives_that_are_equal_count_rows() {
    let exact: Vec<Gradient> = (0..100).map(|i| Gradient { g: i as f32, h: 0.3 }).collect();
    let (rows, steps) = quantize(&exact, Some(&[3, 50, 99]), Levels::new(false, 100).unwrap(), 1);
    assert_eq!(rows.iter().map(|row| row.row()).collect::<Vec<_>>(), [3, 50, 99]);
    assert!(rows.iter().all(|row| yw_kernels::unpack(row.wide()).1 == 1));
    assert_eq!(steps.h, f64::from(0.3f32));
}

#[test]
fn no_sum_overflows() {
    for n_rows in [1, 1000, 65_536, 70_000, 1 << 20, 100_000_000, 140_000_000, 268_435_455] {
        for coarse in [false, true] {
            let levels = Levels::new(coarse, n_rows).unwrap();
            let (g, h) = levels.largest();
            assert!(g >= 1 && h >= 1);
            // Sums are read as 32 bits with a sign.
            assert!(g * n_rows as u64 <= i32::MAX as u64, "{n_rows} rows");
            assert!(h * n_rows as u64 <= i32::MAX as u64, "{n_rows} rows");
            if let Some(narrow_rows) = levels.narrow_rows() {
                assert!(g * narrow_rows as u64 <= i16::MAX as u64 && h * narrow_rows as u64 <= u16::MAX as u64);
            }
        }
    }
    assert!(matches!(Levels::new(true, 268_435_456), Err(crate::FitError::TooManyRows { .. })));
}

#[test]
fn rows_of_a_leaf_in_pieces_are_put_in_order() {
    let rows = |idxs: &[u32]| idxs.iter().map(|&row| GradientRow::new(row, 1, 1)).collect::<Vec<_>>();
    let (left, right) = (rows(&[1, 4, 9]), rows(&[0, 5, 6, 12]));
    let leaf = GrownLeaf { pieces: vec![&left, &right], bounds: Bounds::NONE };
    assert_eq!(*leaf.rows(), rows(&[0, 1, 4, 5, 6, 9, 12]));
    let whole = GrownLeaf { pieces: vec![&right], bounds: Bounds::NONE };
    assert!(matches!(whole.rows(), Cow::Borrowed(rows) if rows == right));
}
