//! Writes models in the formats of others, with inputs and our predictions, for `tests/fixtures/check_exports.py`:
//!
//!     cargo run -p yw-trees --example export -- FOLDER
//!     python crates/yw-trees/tests/fixtures/check_exports.py FOLDER
//!
//! The models are those of `tests/fixtures/models` and some made up, with everything that a split can be.

use std::error::Error;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use yw_trees::{Child, Ensemble, FeatureInfo, Leaf, LevelSet, Link, Rule, Split, Tree, read_model};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).ok_or("which folder?")?);
    std::fs::create_dir_all(&folder)?;
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/models");
    for entry in std::fs::read_dir(models)? {
        let path = entry?.path();
        // Stored inputs are there to be read again, except by files that cannot be imported.
        if let Ok(ensemble) = read_model(&std::fs::read(&path)?) {
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            write_model(&folder, &name, &ensemble)?;
        }
    }
    for (link, n_outputs) in [
        (Link::Identity, 1),
        (Link::Identity, 2),
        (Link::Logistic, 1),
        (Link::Logistic, 2),
        (Link::Logistic, 3),
        (Link::Softmax, 2),
        (Link::Softmax, 4),
        (Link::Exp, 1),
    ] {
        for n_trees in [0, 1, 30] {
            let name = format!("made_up_{link:?}_{n_outputs}_{n_trees}").to_lowercase();
            let ensemble = made_up(&mut Dice(n_trees as u64 + 1), link, n_outputs, n_trees);
            write_model(&folder, &name, &ensemble)?;
        }
    }
    Ok(())
}

/// The three exports, where the format can say the model, and a table of inputs, margins and predictions.
fn write_model(folder: &Path, name: &str, ensemble: &Ensemble) -> Result<(), Box<dyn Error>> {
    if let Ok(json) = ensemble.to_xgboost_json() {
        std::fs::write(folder.join(format!("{name}.json")), json)?;
    }
    std::fs::write(folder.join(format!("{name}.txt")), ensemble.to_lightgbm_text()?)?;
    if let Ok(onnx) = ensemble.to_onnx() {
        std::fs::write(folder.join(format!("{name}.onnx")), onnx)?;
    }
    let mut table = String::new();
    let kinds = ensemble.features.iter().map(|feature| if feature.n_levels.is_some() { "c" } else { "q" });
    writeln!(table, "{}", kinds.collect::<Vec<_>>().join(","))?;
    for row in rows(ensemble) {
        let mut margins = ensemble.margins(|feature| f64::from(row[feature as usize]));
        // Widened, so that nobody reads another number from the few digits that tell one `f32` from the next.
        let mut cells: Vec<String> = row.iter().map(|value| f64::from(*value).to_string()).collect();
        cells.extend(margins.iter().map(|margin| margin.to_string()));
        ensemble.link.apply(&mut margins);
        cells.extend(margins.iter().map(|prediction| prediction.to_string()));
        writeln!(table, "{}", cells.join(","))?;
    }
    std::fs::write(folder.join(format!("{name}.csv")), table)?;
    Ok(())
}

/// Inputs in single precision: at and next to thresholds, levels known and unknown, and missing ones.
fn rows(ensemble: &Ensemble) -> Vec<Vec<f32>> {
    let mut dice = Dice(99);
    let mut values: Vec<Vec<f32>> = vec![vec![f32::NAN, 0.0, 1.0, -1.0, 1e6]; ensemble.features.len()];
    for split in ensemble.trees.iter().flat_map(|tree| &tree.splits) {
        let values = &mut values[split.feature as usize];
        match &split.rule {
            Rule::AtMost { threshold, .. } => {
                let near = (*threshold as f32).clamp(-1e30, 1e30);
                values.extend([near, near.next_up(), near.next_down()]);
            }
            Rule::OneOf(set) => values.extend(set.iter().flat_map(|level| [level as f32, level as f32 + 1.0])),
        }
    }
    for (feature, values) in ensemble.features.iter().zip(&mut values) {
        if feature.n_levels.is_some() {
            values.retain(|value| value.is_nan() || *value >= 0.0);
        }
    }
    (0..300).map(|_| values.iter().map(|values| values[dice.below(values.len())]).collect()).collect()
}

/// A model with splits by number and by category, missing values on either side.
fn made_up(dice: &mut Dice, link: Link, n_outputs: usize, n_trees: usize) -> Ensemble {
    let name = |idx| FeatureInfo { name: format!("feature {idx}"), n_levels: (idx % 2 == 1).then_some(200) };
    let features: Vec<FeatureInfo> = (0..4).map(name).collect();
    let base = (0..n_outputs).map(|_| dice.number()).collect();
    let trees = (0..n_trees).map(|_| made_up_tree(dice, 1 + n_trees % 12)).collect();
    Ensemble { features, base, trees, link }
}

/// A chain of splits with leaves on both sides.
fn made_up_tree(dice: &mut Dice, n_splits: usize) -> Tree {
    let split = |dice: &mut Dice, idx: usize| {
        let feature = dice.below(4) as u32;
        let threshold = match dice.below(8) {
            0 => 0.0,
            1 => f64::INFINITY,
            _ => dice.number(),
        };
        let levels: LevelSet = (0..dice.below(20)).map(|_| dice.below(190) as u32).collect();
        let next = if idx + 1 == n_splits { Child::Leaf(n_splits as u32) } else { Child::Split(idx as u32 + 1) };
        let (left, right) =
            if dice.below(2) == 0 { (next, Child::Leaf(idx as u32)) } else { (Child::Leaf(idx as u32), next) };
        let zero_is_missing = false;
        Split {
            feature,
            rule: if feature % 2 == 1 { Rule::OneOf(levels) } else { Rule::AtMost { threshold, zero_is_missing } },
            missing_left: dice.below(2) == 0,
            left,
            right,
            gain: 1.0,
            cover: (n_splits - idx + 1) as f64,
            n_rows: (n_splits - idx + 1) as u32,
        }
    };
    let splits = (0..n_splits).map(|idx| split(dice, idx)).collect();
    let leaves = (0..=n_splits).map(|_| Leaf { value: 0.2 * dice.number(), cover: 1.0, n_rows: 1 }).collect();
    Tree { splits, leaves }
}

/// Numbers at random, the same in each run (SplitMix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    /// Between -2 and 2.
    fn number(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64 * 4.0 - 2.0
    }
}
