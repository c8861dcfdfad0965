//! One decision tree.

/// A binary decision tree: inner nodes ask about one feature, leaves add a value to one output.
///
/// The first split is the root; a tree without splits is its only leaf. Children come after their parent, so that one
/// forward pass over [`splits`](Self::splits) meets every parent before its children.
#[derive(Debug, Clone, PartialEq)]
pub struct Tree {
    /// The inner nodes.
    pub splits: Vec<Split>,
    /// The leaves: always one more than the splits.
    pub leaves: Vec<Leaf>,
}

/// An inner node.
#[derive(Debug, Clone, PartialEq)]
pub struct Split {
    /// Which feature it asks about.
    pub feature: u32,
    /// Which values go left.
    pub rule: Rule,
    /// Whether missing values go left.
    pub missing_left: bool,
    /// Where a row goes next.
    pub left: Child,
    /// Where a row goes otherwise.
    pub right: Child,
    /// How much the split reduces the regularised loss, times two: as XGBoost and LightGBM have it.
    pub gain: f64,
    /// The sum of hessians of the training rows that came here.
    pub cover: f64,
    /// How many training rows came here.
    pub n_rows: u32,
}

/// Which values go left.
#[derive(Debug, Clone, PartialEq)]
pub enum Rule {
    /// Those that are at most the threshold.
    AtMost {
        /// The threshold.
        threshold: f64,
        /// Whether zero counts as missing (some imported models do that).
        zero_is_missing: bool,
    },
    /// The levels of the set. All others go right, also those that no training row had.
    OneOf(LevelSet),
}

/// A node below a split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Child {
    /// An inner node, by its index in [`Tree::splits`].
    Split(u32),
    /// A leaf, by its index in [`Tree::leaves`].
    Leaf(u32),
}

/// Where a row ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Leaf {
    /// What the leaf adds to the margin; shrinkage is in it.
    pub value: f64,
    /// The sum of hessians of the training rows that ended here.
    pub cover: f64,
    /// How many training rows ended here.
    pub n_rows: u32,
}

/// A set of category levels, as bits.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LevelSet {
    words: Vec<u64>,
}

impl Tree {
    /// A tree of one leaf.
    pub fn constant(value: f64) -> Self {
        Tree { splits: Vec::new(), leaves: vec![Leaf { value, cover: 0.0, n_rows: 0 }] }
    }

    /// The root.
    pub fn root(&self) -> Child {
        if self.splits.is_empty() { Child::Leaf(0) } else { Child::Split(0) }
    }

    /// The leaf that a row ends in. `value_of` gives the row's value of a feature: NaN where it is missing, the level's
    /// number where the feature is a category.
    pub fn leaf_of(&self, value_of: impl Fn(u32) -> f64) -> u32 {
        let mut node = self.root();
        loop {
            match node {
                Child::Leaf(leaf) => return leaf,
                Child::Split(idx) => {
                    let split = &self.splits[idx as usize];
                    node = if split.goes_left(value_of(split.feature)) { split.left } else { split.right };
                }
            }
        }
    }

    /// The number of splits between the root and the deepest leaf.
    pub fn depth(&self) -> usize {
        let mut depths = vec![0; self.splits.len()];
        let mut deepest = 0;
        for (idx, split) in self.splits.iter().enumerate() {
            let below: usize = depths[idx] + 1;
            deepest = deepest.max(below);
            for child in [split.left, split.right] {
                if let Child::Split(child) = child {
                    depths[child as usize] = below;
                }
            }
        }
        deepest
    }
}

impl Split {
    /// Whether a row with this value goes left.
    #[inline]
    pub fn goes_left(&self, value: f64) -> bool {
        match &self.rule {
            Rule::AtMost { threshold, zero_is_missing } => {
                if value.is_nan() || (*zero_is_missing && value.abs() <= ZERO_THRESHOLD) {
                    self.missing_left
                } else {
                    value <= *threshold
                }
            }
            Rule::OneOf(set) => {
                if value.is_nan() {
                    self.missing_left
                } else {
                    set.contains_value(value)
                }
            }
        }
    }
}

/// What LightGBM takes for zero where zero is missing (`kZeroThreshold`).
pub(crate) const ZERO_THRESHOLD: f64 = 1e-35_f32 as f64;

impl LevelSet {
    /// Adds a level.
    pub fn insert(&mut self, level: u32) {
        let word = level as usize / 64;
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        self.words[word] |= 1 << (level % 64);
    }

    /// Whether the level is in the set.
    #[inline]
    pub fn contains(&self, level: u32) -> bool {
        self.words.get(level as usize / 64).is_some_and(|word| word >> (level % 64) & 1 == 1)
    }

    /// Whether the level with this number, cut to a whole one, is in the set. Negative numbers are in none.
    #[inline]
    pub fn contains_value(&self, value: f64) -> bool {
        value >= 0.0 && value < f64::from(u32::MAX) && self.contains(value as u32)
    }

    /// The levels, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        let bits = |(i, &word): (usize, &u64)| {
            (0..64).filter(move |bit| word >> bit & 1 == 1).map(move |bit| i as u32 * 64 + bit)
        };
        self.words.iter().enumerate().flat_map(bits)
    }

    /// How many levels there are.
    pub fn len(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|&word| word == 0)
    }

    /// The largest level.
    pub fn largest(&self) -> Option<u32> {
        let word = self.words.iter().rposition(|&word| word != 0)?;
        Some(word as u32 * 64 + self.words[word].ilog2())
    }

    /// A set from its bits: level `64 i + j` is bit `j` of word `i`.
    pub(crate) fn from_words(mut words: Vec<u64>) -> Self {
        words.truncate(words.iter().rposition(|&word| word != 0).map_or(0, |last| last + 1));
        LevelSet { words }
    }

    /// The bits, as [`from_words`](Self::from_words) has them.
    pub(crate) fn words(&self) -> &[u64] {
        &self.words
    }
}

impl FromIterator<u32> for LevelSet {
    fn from_iter<I: IntoIterator<Item = u32>>(levels: I) -> Self {
        let mut set = LevelSet::default();
        levels.into_iter().for_each(|level| set.insert(level));
        set
    }
}
