//! Tables at random.

use yw_trees::{
    Bitmap, Columns, Ensemble, Feature, FitError, LabelledColumns, MISSING_LEVEL, Objective, Target, TreesParams,
};

/// A small generator (SplitMix64): the same tables on every machine.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number in [0, 1).
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.unit() * n as f64) as usize
    }

    /// About normal.
    pub(crate) fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }

    /// The numbers below `n` in random order.
    pub(crate) fn order(&mut self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        (1..n).rev().for_each(|i| order.swap(i, self.below(i + 1)));
        order
    }
}

/// A column with its values.
#[derive(Clone)]
pub(crate) enum Column {
    Numbers(Vec<f64>),
    Singles(Vec<f32>),
    /// Numbers, and a bitmap of those that are there.
    Nullable(Vec<f64>, Vec<u8>),
    Levels(Vec<u32>),
}

/// Rows with targets.
#[derive(Clone)]
pub(crate) struct Table {
    pub(crate) columns: Vec<Column>,
    pub(crate) target: Vec<f64>,
    pub(crate) weights: Option<Vec<f32>>,
    pub(crate) groups: Option<Vec<u32>>,
}

impl Column {
    pub(crate) fn feature(&self) -> Feature<'_> {
        match self {
            Column::Numbers(values) => Feature::F64(values, None),
            Column::Singles(values) => Feature::F32(values, None),
            Column::Nullable(values, bits) => Feature::F64(values, Some(Bitmap::new(bits, 0))),
            Column::Levels(levels) => Feature::Levels(levels),
        }
    }

    fn pick(&self, rows: &[usize]) -> Column {
        match self {
            Column::Singles(values) => Column::Singles(rows.iter().map(|&row| values[row]).collect()),
            Column::Levels(levels) => Column::Levels(rows.iter().map(|&row| levels[row]).collect()),
            _ => Column::Numbers(rows.iter().map(|&row| self.feature().value(row)).collect()),
        }
    }
}

impl Table {
    pub(crate) fn new(columns: Vec<Column>, target: Vec<f64>) -> Self {
        Table { columns, target, weights: None, groups: None }
    }

    pub(crate) fn n_rows(&self) -> usize {
        self.target.len()
    }

    pub(crate) fn columns(&self) -> Columns<'_> {
        Columns::new(self.n_rows(), self.columns.iter().map(Column::feature).collect())
    }

    pub(crate) fn labelled(&self) -> LabelledColumns<'_> {
        let (weights, group_sizes) = (self.weights.as_deref(), self.groups.as_deref());
        LabelledColumns { columns: self.columns(), target: Target { values: &self.target, weights, group_sizes } }
    }

    /// Some of the rows, in this order.
    pub(crate) fn pick(&self, rows: &[usize]) -> Table {
        Table {
            columns: self.columns.iter().map(|column| column.pick(rows)).collect(),
            target: rows.iter().map(|&row| self.target[row]).collect(),
            weights: self.weights.as_ref().map(|weights| rows.iter().map(|&row| weights[row]).collect()),
            groups: None,
        }
    }

    pub(crate) fn try_fit(&self, params: &TreesParams) -> Result<Ensemble, FitError> {
        Ensemble::fit(&self.labelled(), None, None, params).map(|fitted| fitted.ensemble)
    }

    pub(crate) fn fit(&self, params: &TreesParams) -> Ensemble {
        self.try_fit(params).unwrap()
    }

    /// The margins of the rows under an ensemble, by its reference.
    pub(crate) fn margins(&self, ensemble: &Ensemble) -> Vec<f64> {
        let columns = self.columns();
        (0..self.n_rows()).flat_map(|row| ensemble.margins(|f| columns.value(row, f as usize))).collect()
    }
}

/// Numbers on a grid of `n` values, some of them missing.
pub(crate) fn numbers(random: &mut Random, n_rows: usize, n_values: usize, missing: f64) -> Column {
    let mut value = || if random.unit() < missing { f64::NAN } else { random.below(n_values) as f64 };
    Column::Numbers((0..n_rows).map(|_| value()).collect())
}

/// The same, with the missing ones in a bitmap, over values that would mislead.
pub(crate) fn nullable(random: &mut Random, n_rows: usize, n_values: usize, missing: f64) -> Column {
    let mut bits = vec![0u8; n_rows.div_ceil(8)];
    let values = (0..n_rows).map(|row| {
        if random.unit() < missing {
            return 1e9;
        }
        bits[row / 8] |= 1 << (row % 8);
        random.below(n_values) as f64
    });
    Column::Nullable(values.collect(), bits)
}

pub(crate) fn levels(random: &mut Random, n_rows: usize, n_levels: usize, missing: f64) -> Column {
    let mut level = || if random.unit() < missing { MISSING_LEVEL } else { random.below(n_levels) as u32 };
    Column::Levels((0..n_rows).map(|_| level()).collect())
}

/// Numbers, numbers with missing values and a category, and a margin that depends on them and is partly noise.
pub(crate) fn mixed(seed: u64, n_rows: usize) -> (Vec<Column>, Vec<f64>) {
    let mut random = Random(seed);
    let columns = vec![
        Column::Singles((0..n_rows).map(|_| random.normal() as f32).collect()),
        numbers(&mut random, n_rows, 40, 0.1),
        nullable(&mut random, n_rows, 25, 0.2),
        levels(&mut random, n_rows, 12, 0.05),
        levels(&mut random, n_rows, 3, 0.0),
        Column::Numbers((0..n_rows).map(|_| random.normal()).collect()),
    ];
    let value = |column: usize, row: usize| columns[column].feature().value(row);
    let known = |v: f64, otherwise: f64| if v.is_nan() { otherwise } else { v };
    let signal = (0..n_rows).map(|row| {
        let levels = [0.5, -1.0, 0.8, 0.0, 1.2, -0.4, -1.5, 0.3, 0.9, -0.2, 0.1, -0.7];
        let level = known(value(3, row), 3.0) as usize;
        value(0, row) * known(value(1, row) / 20.0 - 1.0, 1.5)
            + (known(value(2, row), 30.0) / 6.0).sin()
            + levels[level]
            + if value(4, row) == 1.0 { 0.5 } else { 0.0 }
            + 0.3 * random.normal()
    });
    let signal = signal.collect();
    (columns, signal)
}

/// A mixed table with targets that an objective can learn.
pub(crate) fn table_for(objective: Objective, seed: u64, n_rows: usize) -> Table {
    let (columns, signal) = mixed(seed, n_rows);
    let mut random = Random(seed ^ 0xABCD);
    let target = signal.iter().map(|&s| match objective {
        Objective::Logistic => f64::from(u8::from(random.unit() < 1.0 / (1.0 + (-s).exp()))),
        Objective::Softmax { n_classes } => ((s + 3.0).max(0.0) as usize).min(n_classes - 1) as f64,
        Objective::Poisson | Objective::Tweedie { .. } => (s.exp() * 2.0 * random.unit()).floor(),
        Objective::Gamma => s.exp() * (0.1 + random.unit()),
        Objective::LambdaRank { .. } => (s + 2.0).clamp(0.0, 4.0).floor(),
        _ => s,
    });
    let mut table = Table::new(columns, target.collect());
    if matches!(objective, Objective::LambdaRank { .. }) {
        let mut groups = vec![20; n_rows / 20];
        groups.push((n_rows % 20) as u32);
        table.groups = Some(groups);
    }
    table
}

/// Every objective.
pub(crate) const OBJECTIVES: [Objective; 10] = [
    Objective::SquaredError,
    Objective::AbsoluteError,
    Objective::Quantile { alpha: 0.7 },
    Objective::Huber { delta: 0.8 },
    Objective::Poisson,
    Objective::Gamma,
    Objective::Tweedie { power: 1.4 },
    Objective::Logistic,
    Objective::Softmax { n_classes: 3 },
    Objective::LambdaRank { truncation: 10 },
];

/// Few small trees, grown on finely rounded gradients.
pub(crate) fn small(objective: Objective) -> TreesParams {
    let mut params = TreesParams::new(objective);
    params.trees = 8;
    params.learning_rate = 0.3;
    params.max_leaves = 12;
    params.min_rows_per_leaf = 3;
    params.quantized = false;
    params
}

/// What `f` gives on a pool of so many threads.
pub(crate) fn on_threads<R: Send>(n_threads: usize, f: impl FnOnce() -> R + Send) -> R {
    rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap().install(f)
}

/// Whether numbers are equal but for rounding.
pub(crate) fn close(a: f64, b: f64, tolerance: f64) -> bool {
    (a - b).abs() <= tolerance * (1.0 + a.abs().max(b.abs()))
}
