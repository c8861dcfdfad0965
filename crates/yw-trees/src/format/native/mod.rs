//! Our own format: flat arrays in one file. The layout is described in this crate's README.

mod sections;

use sections::{Section, SectionReader, SectionWriter};

use super::FormatError;
use super::check::checked;
use crate::{Child, Ensemble, FeatureInfo, Leaf, LevelSet, Link, Rule, Split, Tree};

/// The first bytes of every ensemble.
pub(super) const MAGIC: [u8; 8] = *b"YWTREES\n";

/// Marks a child as a leaf; the other bits are its number in the tree.
const LEAF_BIT: u32 = 1 << 31;

/// Flags of a split.
const MISSING_LEFT: u8 = 1;
const ZERO_IS_MISSING: u8 = 2;
const BY_LEVEL: u8 = 4;

const LINKS: [Link; 4] = [Link::Identity, Link::Logistic, Link::Softmax, Link::Exp];

impl Ensemble {
    /// The ensemble in our own format. The same ensemble gives the same bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = SectionWriter::default();
        self.write_head(&mut out);
        self.write_splits(&mut out);
        self.write_leaves(&mut out);
        out.finish()
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// *Errors*: bytes that are no ensemble, of another version, cut off, or damaged. Memory is only taken for what the
    /// bytes hold.
    pub fn from_bytes(bytes: &[u8]) -> Result<Ensemble, FormatError> {
        let from = SectionReader::new(bytes)?;
        let features = read_features(&from)?;
        let base = from.f64s(Section::Base)?.collect();
        let mut link_codes = from.u32s(Section::Link)?;
        let link = match (link_codes.next(), link_codes.next()) {
            (Some(code), None) => LINKS.get(code as usize).copied(),
            _ => None,
        };
        let link = link.ok_or_else(|| from.damaged(Section::Link, "is unknown"))?;
        let trees = read_trees(&from)?;
        checked(Ensemble { features, base, trees, link })
    }

    fn splits(&self) -> impl Iterator<Item = &Split> {
        self.trees.iter().flat_map(|tree| &tree.splits)
    }

    fn level_sets(&self) -> impl Iterator<Item = &LevelSet> {
        self.splits().filter_map(|split| match &split.rule {
            Rule::OneOf(set) => Some(set),
            Rule::AtMost { .. } => None,
        })
    }

    fn write_head(&self, out: &mut SectionWriter) {
        out.u32s(Section::Link, LINKS.iter().position(|link| *link == self.link).map(|code| code as u32));
        out.f64s(Section::Base, self.base.iter().copied());
        out.ends(Section::NameEnds, self.features.iter().map(|feature| feature.name.len()));
        out.bytes(Section::Names, self.features.iter().flat_map(|feature| feature.name.bytes()));
        out.u64s(Section::LevelCounts, self.features.iter().map(|f| f.n_levels.map_or(0, |n| u64::from(n) + 1)));
        out.ends(Section::SplitEnds, self.trees.iter().map(|tree| tree.splits.len()));
    }

    fn write_splits(&self, out: &mut SectionWriter) {
        let mut n_sets = 0;
        let tests = self.splits().map(|split| match &split.rule {
            Rule::AtMost { threshold, .. } => threshold.to_bits(),
            Rule::OneOf(_) => {
                n_sets += 1;
                n_sets - 1
            }
        });
        out.u64s(Section::SplitTests, tests);
        out.u32s(Section::SplitFeatures, self.splits().map(|split| split.feature));
        out.bytes(Section::SplitFlags, self.splits().map(flags));
        out.u32s(Section::SplitLefts, self.splits().map(|split| child_code(split.left)));
        out.u32s(Section::SplitRights, self.splits().map(|split| child_code(split.right)));
        out.f64s(Section::SplitGains, self.splits().map(|split| split.gain));
        out.f64s(Section::SplitCovers, self.splits().map(|split| split.cover));
        out.u32s(Section::SplitRows, self.splits().map(|split| split.n_rows));
        out.ends(Section::SetEnds, self.level_sets().map(|set| set.words().len()));
        out.u64s(Section::SetWords, self.level_sets().flat_map(|set| set.words().iter().copied()));
    }

    fn write_leaves(&self, out: &mut SectionWriter) {
        let leaves = || self.trees.iter().flat_map(|tree| &tree.leaves);
        out.f64s(Section::LeafValues, leaves().map(|leaf| leaf.value));
        out.f64s(Section::LeafCovers, leaves().map(|leaf| leaf.cover));
        out.u32s(Section::LeafRows, leaves().map(|leaf| leaf.n_rows));
    }
}

fn flags(split: &Split) -> u8 {
    let rule = match &split.rule {
        Rule::AtMost { zero_is_missing: false, .. } => 0,
        Rule::AtMost { zero_is_missing: true, .. } => ZERO_IS_MISSING,
        Rule::OneOf(_) => BY_LEVEL,
    };
    rule | if split.missing_left { MISSING_LEFT } else { 0 }
}

fn child_code(child: Child) -> u32 {
    match child {
        Child::Split(idx) => idx,
        Child::Leaf(idx) => idx | LEAF_BIT,
    }
}

fn child_of(code: u32) -> Child {
    if code & LEAF_BIT == 0 { Child::Split(code) } else { Child::Leaf(code & !LEAF_BIT) }
}

fn read_features(from: &SectionReader<'_>) -> Result<Vec<FeatureInfo>, FormatError> {
    let names = from.bytes(Section::Names);
    let level_counts = from.u64s(Section::LevelCounts)?;
    let ranges = from.ranges(Section::NameEnds, names.len())?;
    if level_counts.len() != ranges.len() {
        return Err(from.damaged(Section::LevelCounts, "does not have one item per feature"));
    }
    let feature = |(range, code): (std::ops::Range<usize>, u64)| {
        let name = std::str::from_utf8(&names[range]).map_err(|_| from.damaged(Section::Names, "is not UTF-8"))?;
        let n_levels = match code {
            0 => None,
            code => Some(u32::try_from(code - 1).map_err(|_| from.damaged(Section::LevelCounts, "is out of range"))?),
        };
        Ok(FeatureInfo { name: name.to_owned(), n_levels })
    };
    ranges.into_iter().zip(level_counts).map(feature).collect()
}

fn read_trees(from: &SectionReader<'_>) -> Result<Vec<Tree>, FormatError> {
    let mut splits = read_splits(from)?.into_iter();
    let leaves = read_leaves(from)?;
    let ranges = from.ranges(Section::SplitEnds, splits.len())?;
    if leaves.len() != splits.len() + ranges.len() {
        return Err(from.damaged(Section::LeafValues, "does not have one item more per tree than there are splits"));
    }
    let tree = |(idx, range): (usize, std::ops::Range<usize>)| Tree {
        leaves: leaves[range.start + idx..range.end + idx + 1].to_vec(),
        splits: splits.by_ref().take(range.len()).collect(),
    };
    Ok(ranges.into_iter().enumerate().map(tree).collect())
}

/// The splits of all trees, one after another.
fn read_splits(from: &SectionReader<'_>) -> Result<Vec<Split>, FormatError> {
    let tests = from.u64s(Section::SplitTests)?;
    let features = from.u32s(Section::SplitFeatures)?;
    let flags = from.bytes(Section::SplitFlags);
    let (lefts, rights) = (from.u32s(Section::SplitLefts)?, from.u32s(Section::SplitRights)?);
    let (gains, covers) = (from.f64s(Section::SplitGains)?, from.f64s(Section::SplitCovers)?);
    let n_rows = from.u32s(Section::SplitRows)?;
    let lengths = [features.len(), flags.len(), lefts.len(), rights.len(), gains.len(), covers.len(), n_rows.len()];
    if lengths.iter().any(|len| *len != tests.len()) {
        return Err(from.damaged(Section::SplitTests, "and the other parts of splits differ in length"));
    }
    let mut sets = read_sets(from)?.into_iter().enumerate();
    let mut splits = Vec::with_capacity(tests.len());
    let columns = tests.zip(features).zip(flags).zip(lefts).zip(rights).zip(gains).zip(covers).zip(n_rows);
    for (((((((test, feature), flags), left), right), gain), cover), n_rows) in columns {
        let rule = match flags & !MISSING_LEFT {
            BY_LEVEL => match sets.next() {
                Some((idx, set)) if idx as u64 == test => Rule::OneOf(set),
                _ => return Err(from.damaged(Section::SplitTests, "does not use the sets in their order")),
            },
            rule if rule & !ZERO_IS_MISSING == 0 => {
                Rule::AtMost { threshold: f64::from_bits(test), zero_is_missing: rule == ZERO_IS_MISSING }
            }
            _ => return Err(from.damaged(Section::SplitFlags, "has an unknown flag")),
        };
        let missing_left = flags & MISSING_LEFT != 0;
        let (left, right) = (child_of(left), child_of(right));
        splits.push(Split { feature, rule, missing_left, left, right, gain, cover, n_rows });
    }
    match sets.next() {
        None => Ok(splits),
        Some(_) => Err(from.damaged(Section::SetEnds, "has a set that no split uses")),
    }
}

fn read_sets(from: &SectionReader<'_>) -> Result<Vec<LevelSet>, FormatError> {
    let words: Vec<u64> = from.u64s(Section::SetWords)?.collect();
    let ranges = from.ranges(Section::SetEnds, words.len())?;
    Ok(ranges.into_iter().map(|range| LevelSet::from_words(words[range].to_vec())).collect())
}

/// The leaves of all trees, one after another.
fn read_leaves(from: &SectionReader<'_>) -> Result<Vec<Leaf>, FormatError> {
    let (values, covers) = (from.f64s(Section::LeafValues)?, from.f64s(Section::LeafCovers)?);
    let n_rows = from.u32s(Section::LeafRows)?;
    if values.len() != covers.len() || values.len() != n_rows.len() {
        return Err(from.damaged(Section::LeafValues, "and the other parts of leaves differ in length"));
    }
    let leaf = |((value, cover), n_rows)| Leaf { value, cover, n_rows };
    Ok(values.zip(covers).zip(n_rows).map(leaf).collect())
}

#[cfg(test)]
mod tests;
