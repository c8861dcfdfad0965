//! Rows with a yes or no to predict: seeded, or read from a peer's file.

use std::path::Path;

use yw_table::{Source, TableSpec};
use yw_task::{Column, Field, FieldType};
use yw_trees::{Columns, Feature, LabelledColumns, Target};

use crate::bench::schedule::Random;

/// How many features the peer's rows have.
pub(crate) const N_FEATURES: usize = 28;

/// How much each feature moves the log-odds by itself: what the peer draws with numpy's `default_rng(42)`, so that
/// log-losses can be compared. Further features are noise.
const WEIGHTS: [f64; N_FEATURES] = [
    0.3047, -1.0400, 0.7505, 0.9406, -1.9510, -1.3022, 0.1278, -0.3162, -0.0168, -0.8530, 0.8794, 0.7778, 0.0660,
    1.1272, 0.4675, -0.8593, 0.3688, -0.9589, 0.8785, -0.0499, -0.1849, -0.6809, 1.2225, -0.1545, -0.4283, -0.3521,
    0.5323, 0.3654,
];

/// How many features take part in the log-odds beyond their weight.
const N_INTERACTING: usize = 7;

/// Features in the layout of Arrow, and the target of each row: 0 or 1.
#[derive(Debug, PartialEq)]
pub(crate) struct Rows {
    features: Vec<Vec<f32>>,
    target: Vec<f64>,
}

impl Rows {
    /// Rows of independent standard normal features; the same seed gives the same rows. Nothing else is allocated: the
    /// most memory that the process ever had is afterwards still what the rows take.
    pub(crate) fn generate(n_rows: usize, n_features: usize, seed: u64) -> Self {
        let mut random = Normal { random: Random(seed), spare: None };
        let mut features: Vec<Vec<f32>> = (0..n_features).map(|_| Vec::with_capacity(n_rows)).collect();
        let mut target = Vec::with_capacity(n_rows);
        for _ in 0..n_rows {
            let mut log_odds = 0.0;
            let mut x = [0.0; N_INTERACTING];
            for (i, feature) in features.iter_mut().enumerate() {
                let value = random.draw() as f32;
                feature.push(value);
                log_odds += 0.3 * WEIGHTS.get(i).unwrap_or(&0.0) * f64::from(value);
                if let Some(x) = x.get_mut(i) {
                    *x = f64::from(value);
                }
            }
            log_odds += (2.0 * x[0]).sin() * x[1] + if x[2] > 0.5 { x[3] } else { -x[4] } + 0.5 * x[5] * x[6];
            let is_true = random.random.unit() < 1.0 / (1.0 + (-log_odds).exp());
            target.push(f64::from(u8::from(is_true)));
        }
        Rows { features, target }
    }

    /// Reads the columns `f0`, `f1` … and `y` of a file.
    pub(crate) fn read(dir: &Path, file: &str) -> Result<Self, String> {
        let mut names: Vec<String> = (0..N_FEATURES).map(|i| format!("f{i}")).collect();
        names.push("y".to_owned());
        let spec = TableSpec::unlabelled(names.iter().map(|name| Field::new(name, FieldType::Number)).collect());
        let runtime = tokio::runtime::Runtime::new().map_err(|e| e.to_string())?;
        let table = runtime.block_on(yw_table::read(&Source::new(dir, file), &spec));
        let rows = table.map_err(|e| format!("{}: {e}", dir.join(file).display()))?.rows;
        let numbers = |i: usize| match rows.column(i) {
            Column::Number(numbers) => numbers.iter().map(|x| x.unwrap_or(f64::NAN)).collect(),
            _ => Vec::new(),
        };
        Ok(Rows {
            // They were single precision before they were read: nothing is lost.
            features: (0..N_FEATURES).map(|i| numbers(i).into_iter().map(|x| x as f32).collect()).collect(),
            target: numbers(N_FEATURES),
        })
    }

    pub(crate) fn n_rows(&self) -> usize {
        self.target.len()
    }

    pub(crate) fn labelled(&self) -> LabelledColumns<'_> {
        let target = Target { values: &self.target, weights: None, group_sizes: None };
        LabelledColumns { columns: self.columns(), target }
    }

    /// All rows, without their target.
    pub(crate) fn columns(&self) -> Columns<'_> {
        Columns::new(self.n_rows(), self.features.iter().map(|f| Feature::F32(f, None)).collect())
    }

    /// One row, without its target.
    pub(crate) fn row(&self, row_idx: usize) -> Columns<'_> {
        Columns::new(1, self.features.iter().map(|f| Feature::F32(&f[row_idx..=row_idx], None)).collect())
    }

    pub(crate) fn truth(&self) -> Vec<bool> {
        self.target.iter().map(|&y| y > 0.5).collect()
    }
}

/// Standard normal numbers, by twos (Box and Muller, 1958).
struct Normal {
    random: Random,
    spare: Option<f64>,
}

impl Normal {
    fn draw(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        let radius = (-2.0 * (1.0 - self.random.unit()).ln()).sqrt();
        let (sin, cos) = (std::f64::consts::TAU * self.random.unit()).sin_cos();
        self.spare = Some(radius * sin);
        radius * cos
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_fixes_the_rows() {
        let rows = Rows::generate(500, N_FEATURES, 3);
        assert_eq!(rows, Rows::generate(500, N_FEATURES, 3));
        assert_ne!(rows, Rows::generate(500, N_FEATURES, 4));
        assert_eq!((rows.features.len(), rows.n_rows()), (N_FEATURES, 500));
    }

    #[test]
    fn features_are_standard_normal_and_targets_follow_them() {
        let n_rows = 20_000;
        let rows = Rows::generate(n_rows, 30, 0);
        let mean = |values: &mut dyn Iterator<Item = f64>| values.sum::<f64>() / n_rows as f64;
        for (i, feature) in rows.features.iter().enumerate() {
            // Five standard errors: 5 / √20,000, and √2 as much for the square.
            let average = mean(&mut feature.iter().map(|&x| f64::from(x)));
            let square = mean(&mut feature.iter().map(|&x| f64::from(x).powi(2)));
            assert!(average.abs() < 0.036 && (square - 1.0).abs() < 0.05, "feature {i}: {average} {square}");
        }
        let covariance =
            |i: usize| mean(&mut rows.features[i].iter().zip(&rows.target).map(|(&x, y)| f64::from(x) * (y - 0.5)));
        assert!(covariance(22) > 0.03 && covariance(17) < -0.03, "{} {}", covariance(22), covariance(17));
        assert!(covariance(29).abs() < 0.018, "noise tells nothing: {}", covariance(29));
    }

    #[test]
    fn rows_are_read_from_a_file() {
        let dir = std::env::temp_dir().join(format!("xtask-rows-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let line = |cell: &dyn Fn(usize) -> String, y: &str| {
            (0..N_FEATURES).map(cell).chain([y.to_owned()]).collect::<Vec<_>>().join(",")
        };
        let text = [line(&|i| format!("f{i}"), "y"), line(&|i| format!("{i}.5"), "1"), line(&|_| "-1".into(), "0")];
        std::fs::write(dir.join("train.csv"), text.join("\n")).unwrap();
        let rows = Rows::read(&dir, "train.csv");
        let missing = Rows::read(&dir, "test.csv");
        std::fs::remove_dir_all(&dir).unwrap();
        let rows = rows.unwrap();
        assert_eq!(rows.truth(), [true, false]);
        assert_eq!(rows.features[3], [3.5, -1.0]);
        assert!(missing.unwrap_err().contains("test.csv"));
    }
}
