//! Ensembles at random, sound ones, for tests.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::{Child, Ensemble, FeatureInfo, Leaf, LevelSet, Link, Rule, Split, Tree};

/// The features of random ensembles: even ones are numbers, odd ones categories.
pub(super) const N_FEATURES: usize = 4;

/// How many levels the categories have; some are in none of the sets.
const N_LEVELS: u32 = 100;

/// Any sound ensemble. Only if asked for, some splits take zero for missing, which not every format can say.
pub(super) fn ensembles(zero_is_missing: bool) -> impl Strategy<Value = Ensemble> {
    let links = prop_oneof![Just(Link::Identity), Just(Link::Logistic), Just(Link::Softmax), Just(Link::Exp)];
    (links, 1usize..4, vec(-2.0f64..2.0, 3), vec(trees(zero_is_missing), 0..7)).prop_map(|(link, n, base, trees)| {
        let n_outputs = match link {
            Link::Exp => 1,
            Link::Softmax => n.max(2),
            Link::Identity | Link::Logistic => n,
        };
        let feature =
            |idx| FeatureInfo { name: format!("feature {idx}"), n_levels: (idx % 2 == 1).then_some(N_LEVELS) };
        Ensemble { features: (0..N_FEATURES).map(feature).collect(), base: base[..n_outputs].to_vec(), trees, link }
    })
}

/// Values of a row: numbers near thresholds, extreme ones, levels known and unknown, and missing ones.
pub(super) fn rows() -> impl Strategy<Value = Vec<f32>> {
    let number = prop_oneof![
        8 => (-8i32..9).prop_map(|n| n as f32 / 4.0),
        4 => -2.0f32..2.0,
        1 => Just(f32::NAN),
        1 => Just(0.0),
        1 => Just(f32::MAX),
        1 => Just(f32::MIN),
    ];
    let level = prop_oneof![8 => (0..N_LEVELS).prop_map(|level| level as f32), 1 => Just(f32::NAN), 1 => Just(1e6)];
    (number.clone(), level.clone(), number, level).prop_map(|(a, b, c, d)| vec![a, b, c, d])
}

/// A tree grown by splitting one leaf after another.
fn trees(zero_is_missing: bool) -> impl Strategy<Value = Tree> {
    vec((any::<prop::sample::Index>(), splits(zero_is_missing), leaves(), leaves()), 0..12).prop_map(|steps| {
        let mut tree = Tree::constant(0.25);
        for (idx, mut split, left, right) in steps {
            let leaf = Child::Leaf(idx.index(tree.leaves.len()) as u32);
            let number = Child::Split(tree.splits.len() as u32);
            for parent in &mut tree.splits {
                for child in [&mut parent.left, &mut parent.right] {
                    if *child == leaf {
                        *child = number;
                    }
                }
            }
            tree.leaves.push(right);
            split.right = Child::Leaf(tree.leaves.len() as u32 - 1);
            if let Child::Leaf(idx) = leaf {
                tree.leaves[idx as usize] = left;
            }
            split.left = leaf;
            tree.splits.push(split);
        }
        tree
    })
}

fn leaves() -> impl Strategy<Value = Leaf> {
    (-1.0f64..1.0, 0.0f64..50.0, 0u32..100).prop_map(|(value, cover, n_rows)| Leaf { value, cover, n_rows })
}

fn splits(zero_is_missing: bool) -> impl Strategy<Value = Split> {
    let threshold = prop_oneof![
        6 => (-8i32..9).prop_map(|n| f64::from(n) / 4.0),
        6 => -2.0f64..2.0,
        1 => Just(f64::INFINITY),
        1 => Just(f64::NEG_INFINITY),
        1 => Just(1e300),
    ];
    let zero = if zero_is_missing { any::<bool>().boxed() } else { Just(false).boxed() };
    let levels = vec(0..N_LEVELS - 5, 0..12).prop_map(|levels| levels.into_iter().collect::<LevelSet>());
    let parts = (0..N_FEATURES as u32, threshold, zero, levels, any::<bool>(), 0.0f64..9.0, 0.0f64..99.0, 0u32..200);
    parts.prop_map(|(feature, threshold, zero_is_missing, levels, missing_left, gain, cover, n_rows)| Split {
        feature,
        rule: if feature % 2 == 1 { Rule::OneOf(levels) } else { Rule::AtMost { threshold, zero_is_missing } },
        missing_left,
        left: Child::Leaf(0),
        right: Child::Leaf(0),
        gain,
        cover,
        n_rows,
    })
}
