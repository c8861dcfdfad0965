use proptest::prelude::*;

use super::sections::checksum;
use super::*;
use crate::format::random::ensembles;

fn small() -> Ensemble {
    let features = vec![
        FeatureInfo { name: "age".into(), n_levels: None },
        FeatureInfo { name: "été".into(), n_levels: Some(70) },
    ];
    let leaf = |value| Leaf { value, cover: 2.0, n_rows: 3 };
    let split = |feature, rule, left, right| Split {
        feature,
        rule,
        missing_left: feature == 1,
        left,
        right,
        gain: 0.5,
        cover: 6.0,
        n_rows: 9,
    };
    let at_most = Rule::AtMost { threshold: 1.5, zero_is_missing: true };
    let one_of = Rule::OneOf([3, 65].into_iter().collect());
    let tree = Tree {
        splits: vec![
            split(0, at_most, Child::Leaf(2), Child::Split(1)),
            split(1, one_of, Child::Leaf(0), Child::Leaf(1)),
        ],
        leaves: vec![leaf(1.0), leaf(2.0), leaf(3.0)],
    };
    Ensemble { features, base: vec![0.25, -1.0], trees: vec![tree, Tree::constant(7.0)], link: Link::Softmax }
}

/// Changes bytes behind the header and seals them again, so that what is behind the checksum is tested.
fn resealed(mut bytes: Vec<u8>, change: impl FnOnce(&mut [u8])) -> Vec<u8> {
    change(&mut bytes[32..]);
    let sum = checksum(&bytes[32..]);
    bytes[24..32].copy_from_slice(&sum.to_le_bytes());
    bytes
}

#[test]
fn the_layout_is_the_documented_one() {
    let bytes = small().to_bytes();
    assert_eq!(bytes.len() % 8, 0);
    assert_eq!(&bytes[..8], b"YWTREES\n");
    let word = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
    assert_eq!(word(8), 1 | 19 << 32, "version and number of sections");
    assert_eq!(word(16), bytes.len() as u64);
    assert_eq!(word(32), 336, "the first section follows the table");
    let (base_at, base_len) = (word(48), word(56));
    assert_eq!((base_at, base_len), (344, 16));
    assert_eq!(f64::from_bits(word(344)), 0.25);
    assert!((0..19).all(|section| word(32 + 16 * section) % 8 == 0), "sections are aligned");
}

#[test]
fn a_small_ensemble_survives() {
    assert_eq!(Ensemble::from_bytes(&small().to_bytes()), Ok(small()));
    let empty = Ensemble { features: vec![], base: vec![1.0], trees: vec![], link: Link::Exp };
    assert_eq!(Ensemble::from_bytes(&empty.to_bytes()), Ok(empty));
}

#[test]
fn what_is_not_ours_is_refused() {
    let bytes = small().to_bytes();
    assert!(matches!(Ensemble::from_bytes(b"tree\n"), Err(FormatError::Unknown { .. })));
    let mut other = bytes.clone();
    other[8] = 2;
    assert_eq!(Ensemble::from_bytes(&other), Err(FormatError::Version { found: 2, supported: 1 }));
    other = bytes.clone();
    other.push(0);
    let (expected, found) = (bytes.len() as u64, other.len() as u64);
    assert_eq!(Ensemble::from_bytes(&other), Err(FormatError::Length { expected, found }));
    for at in 32..bytes.len() {
        let mut other = bytes.clone();
        other[at] ^= 4;
        assert_eq!(Ensemble::from_bytes(&other), Err(FormatError::Checksum), "byte {at}");
    }
}

#[test]
fn unsound_trees_are_refused() {
    let check = |change: fn(&mut Ensemble), expect: &str| {
        let mut ensemble = small();
        change(&mut ensemble);
        let error = Ensemble::from_bytes(&ensemble.to_bytes()).unwrap_err().to_string();
        assert_eq!(error, expect);
    };
    check(|e| e.trees[0].splits[1].left = Child::Split(1), "in tree 0: split 1 has a child that comes before it");
    check(|e| e.trees[0].splits[1].left = Child::Leaf(3), "in tree 0: split 1 has a child that does not exist");
    check(|e| e.trees[0].splits[1].left = Child::Leaf(2), "in tree 0: a child of split 1 has another parent too");
    check(|e| e.trees[0].splits[0].feature = 2, "in tree 0: split 0 asks for a feature that does not exist");
    check(|e| e.trees[0].splits[1].feature = 0, "in tree 0: split 1 asks a number for its level");
    check(|e| e.trees[1].leaves[0].value = f64::NAN, "in tree 1: leaf 0 has a number that is not finite");
    check(|e| e.base[1] = f64::INFINITY, "in the model: the base of a margin is not finite");
    check(|e| e.base.clear(), "in the model: there is no output");
    let nan = Rule::AtMost { threshold: f64::NAN, zero_is_missing: false };
    let mut ensemble = small();
    ensemble.trees[0].splits[0].rule = nan;
    assert!(Ensemble::from_bytes(&ensemble.to_bytes()).is_err());
}

proptest! {
    #[test]
    fn every_ensemble_survives(ensemble in ensembles(true)) {
        let bytes = ensemble.to_bytes();
        prop_assert_eq!(Ensemble::from_bytes(&bytes).unwrap(), ensemble);
    }

    #[test]
    fn sealed_nonsense_gives_errors_or_sound_ensembles(
        ensemble in ensembles(true),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
    ) {
        let bytes = resealed(ensemble.to_bytes(), |content| {
            changes.iter().for_each(|(at, byte)| content[at.index(content.len())] = *byte);
        });
        if let Ok(ensemble) = Ensemble::from_bytes(&bytes) {
            prop_assert_eq!(ensemble.margins(|_| 1.0).len(), ensemble.n_outputs());
        }
    }
}
