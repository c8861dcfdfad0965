//! The rows that trees are grown on and answer for: borrowed columns.

/// Columns of equally many rows, borrowed from whoever has them.
///
/// Numbers come in the layout of Arrow: a slice of values and a bitmap of which are there. NaN is missing too; infinities
/// are values like others.
#[derive(Debug, Clone)]
pub struct Columns<'a> {
    n_rows: usize,
    features: Vec<Feature<'a>>,
}

/// One column.
#[derive(Debug, Clone, Copy)]
pub enum Feature<'a> {
    /// Numbers in double precision.
    F64(&'a [f64], Option<Bitmap<'a>>),
    /// Numbers in single precision.
    F32(&'a [f32], Option<Bitmap<'a>>),
    /// Levels of a category, counted from 0; [`MISSING_LEVEL`] where there is none.
    Levels(&'a [u32]),
}

/// The level of a row whose category is missing.
pub const MISSING_LEVEL: u32 = u32::MAX;

/// Which values of a column are there: bit `offset + i` of the bytes, least significant first, as Arrow has it.
#[derive(Debug, Clone, Copy)]
pub struct Bitmap<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Columns<'a> {
    /// Columns of `n_rows` rows. Panics if one has another length.
    pub fn new(n_rows: usize, features: Vec<Feature<'a>>) -> Self {
        for (idx, feature) in features.iter().enumerate() {
            assert_eq!(feature.n_rows(), n_rows, "column {idx} has as many rows as the others");
        }
        Columns { n_rows, features }
    }

    /// How many rows there are.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// How many columns there are.
    pub fn n_features(&self) -> usize {
        self.features.len()
    }

    /// The columns.
    pub fn features(&self) -> &[Feature<'a>] {
        &self.features
    }

    /// A value as [`Tree::leaf_of`](crate::Tree::leaf_of) wants it. Panics if row or feature do not exist.
    pub fn value(&self, row_idx: usize, feature_idx: usize) -> f64 {
        self.features[feature_idx].value(row_idx)
    }
}

impl Feature<'_> {
    /// How many rows the column has.
    pub fn n_rows(&self) -> usize {
        match self {
            Feature::F64(values, _) => values.len(),
            Feature::F32(values, _) => values.len(),
            Feature::Levels(levels) => levels.len(),
        }
    }

    /// The value of a row: NaN where it is missing, the level's number for a category. Panics if the row does not exist.
    #[inline]
    pub fn value(&self, row_idx: usize) -> f64 {
        let there = |bitmap: &Option<Bitmap<'_>>| bitmap.is_none_or(|b| b.get(row_idx));
        match self {
            Feature::F64(values, bitmap) => {
                if there(bitmap) {
                    values[row_idx]
                } else {
                    f64::NAN
                }
            }
            Feature::F32(values, bitmap) => {
                if there(bitmap) {
                    f64::from(values[row_idx])
                } else {
                    f64::NAN
                }
            }
            Feature::Levels(levels) => match levels[row_idx] {
                MISSING_LEVEL => f64::NAN,
                level => f64::from(level),
            },
        }
    }
}

impl<'a> Bitmap<'a> {
    /// A bitmap over bytes; the first row's bit is bit `offset`.
    pub fn new(bytes: &'a [u8], offset: usize) -> Self {
        Bitmap { bytes, offset }
    }

    /// Whether the value of a row is there. Panics if the bitmap is too short.
    #[inline]
    pub fn get(&self, row_idx: usize) -> bool {
        let bit = self.offset + row_idx;
        self.bytes[bit / 8] >> (bit % 8) & 1 == 1
    }
}
