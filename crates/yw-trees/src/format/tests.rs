use proptest::prelude::*;

use super::random::{ensembles, rows};
use super::*;
use crate::{Child, FeatureInfo, Leaf, Link, Rule, Split, Tree};

fn margins(ensemble: &Ensemble, row: &[f32]) -> Vec<f64> {
    ensemble.margins(|feature| f64::from(row[feature as usize]))
}

fn assert_close(found: &[f64], expect: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expect.len());
    for (found, expect) in found.iter().zip(expect) {
        assert!((found - expect).abs() <= tolerance * expect.abs().max(1.0), "{found} instead of {expect}");
    }
}

/// One split of a number or a category, with leaves 1 and 2.
fn stump(rule: Rule, missing_left: bool) -> Ensemble {
    let n_levels = matches!(rule, Rule::OneOf(_)).then_some(9);
    let leaf = |value| Leaf { value, cover: 1.0, n_rows: 1 };
    let (left, right) = (Child::Leaf(0), Child::Leaf(1));
    let split = Split { feature: 0, rule, missing_left, left, right, gain: 1.0, cover: 2.0, n_rows: 2 };
    Ensemble {
        features: vec![FeatureInfo { name: "a b[c]".into(), n_levels }],
        base: vec![0.5],
        trees: vec![Tree { splits: vec![split], leaves: vec![leaf(1.0), leaf(2.0)] }],
        link: Link::Identity,
    }
}

fn numeric(threshold: f64, zero_is_missing: bool, missing_left: bool) -> Ensemble {
    stump(Rule::AtMost { threshold, zero_is_missing }, missing_left)
}

#[test]
fn thresholds_keep_every_single_on_its_side() {
    for threshold in [0.1, 0.1f32.into(), 0.0, -0.0, 1e-50, -1e-50, 1e300, -1e300] {
        let ensemble = numeric(threshold, false, true);
        let again = read_model(ensemble.to_xgboost_json().unwrap().as_bytes()).unwrap();
        let near = threshold as f32;
        for value in [near, near.next_up(), near.next_down(), 0.0, 1e-45, -1e-45, 1.0, -1.0, f32::NAN] {
            if value.is_finite() || value.is_nan() {
                assert_eq!(margins(&again, &[value]), margins(&ensemble, &[value]), "{value:e} at {threshold:e}");
            }
        }
    }
}

#[test]
fn zero_taken_for_missing_is_written_where_it_can_be() {
    for (threshold, missing_left, possible) in [
        (1.0, true, true),
        (1.0, false, false),
        (-1.0, true, false),
        (-1.0, false, true),
        (0.0, true, true),
        (0.0, false, true),
    ] {
        let ensemble = numeric(threshold, true, missing_left);
        let json = ensemble.to_xgboost_json();
        assert_eq!(json.is_ok(), possible, "{threshold} {missing_left}");
        assert_eq!(ensemble.to_onnx().is_ok(), possible);
        let text = ensemble.to_lightgbm_text().unwrap();
        let written = json.ok().into_iter().chain([text]);
        for again in written.map(|file| read_model(file.as_bytes()).unwrap()) {
            for value in [0.0, 1e-40, 1e-34, -1e-34, 0.5, -0.5, 2.0, -2.0, f32::NAN] {
                assert_eq!(margins(&again, &[value]), margins(&ensemble, &[value]), "{value:e} at {threshold}");
            }
        }
    }
}

#[test]
fn missing_levels_that_go_left_do_so_in_lightgbm_too() {
    let ensemble = stump(Rule::OneOf([1, 3].into_iter().collect()), true);
    let text = ensemble.to_lightgbm_text().unwrap();
    assert!(text.contains("num_leaves=3"), "a split asks for missing values first");
    let again = read_model(text.as_bytes()).unwrap();
    for value in [0.0, 1.0, 3.0, 8.0, 1e6, f32::NAN] {
        assert_eq!(margins(&again, &[value]), margins(&ensemble, &[value]), "{value}");
    }
}

#[test]
fn siblings_are_neighbours_in_xgboost() {
    // XGBoost looks for a right child after its sibling, wherever the file says it is.
    let mut ensemble = numeric(1.0, false, true);
    let tree = &mut ensemble.trees[0];
    tree.splits.push(tree.splits[0].clone());
    tree.leaves.push(tree.leaves[0]);
    tree.splits[0].left = Child::Split(1);
    tree.splits[0].right = Child::Leaf(2);
    let json = ensemble.to_xgboost_json().unwrap();
    assert!(json.contains(r#""left_children":[1,3,-1,-1,-1]"#), "{json}");
    assert!(json.contains(r#""right_children":[2,4,-1,-1,-1]"#), "{json}");
    assert!(json.contains(r#""parents":[2147483647,0,0,1,1]"#), "{json}");
}

#[test]
fn names_are_cleaned_and_stay_apart() {
    let mut ensemble = numeric(1.0, false, true);
    ensemble.features =
        ["a b", "a_b", "", "é,="].map(|name| FeatureInfo { name: name.into(), n_levels: None }).to_vec();
    let again = read_model(ensemble.to_lightgbm_text().unwrap().as_bytes()).unwrap();
    let names: Vec<&str> = again.features.iter().map(|feature| feature.name.as_str()).collect();
    assert_eq!(names, ["a_b", "a_b_1", "_2", "é__"]);
    let again = read_model(ensemble.to_xgboost_json().unwrap().as_bytes()).unwrap();
    assert_eq!(again.features[0].name, "a b");
}

#[test]
fn what_formats_cannot_say_is_refused() {
    let check = |ensemble: &Ensemble, expect: &str| {
        assert_eq!(ensemble.to_xgboost_json().unwrap_err().to_string(), expect);
    };
    let mut ensemble = numeric(1.0, false, true);
    ensemble.trees[0].leaves[0].value = 1e300;
    let expect = "XGBoost JSON cannot express the leaf value 1e300 in single precision; rescale the target";
    check(&ensemble, expect);
    ensemble.link = Link::Softmax;
    check(&ensemble, "XGBoost JSON cannot express a softmax of one output; write a model for each output");
    ensemble.trees[0].leaves.clear();
    check(&ensemble, "the model is not sound");
    let high = stump(Rule::OneOf([1 << 24].into_iter().collect()), true);
    check(
        &high,
        "XGBoost JSON cannot express a level of feature 0 from 2^24 on; number the levels from zero without gaps",
    );
}

#[test]
fn missing_levels_do_not_make_models_explode() {
    // Each split needs all that is left of it twice, and everything is left of it.
    let n_splits = 60;
    let set = || Rule::OneOf([1].into_iter().collect());
    let split = |idx: u32| Split {
        feature: 0,
        rule: set(),
        missing_left: true,
        left: if idx + 1 == n_splits { Child::Leaf(n_splits) } else { Child::Split(idx + 1) },
        right: Child::Leaf(idx),
        gain: 0.0,
        cover: 0.0,
        n_rows: 0,
    };
    let mut ensemble = stump(set(), true);
    let leaf = ensemble.trees[0].leaves[0];
    ensemble.trees[0] = Tree { splits: (0..n_splits).map(split).collect(), leaves: vec![leaf; n_splits as usize + 1] };
    assert!(matches!(ensemble.to_lightgbm_text(), Err(ExportError::TooLarge { .. })));
}

proptest! {
    #[test]
    fn every_ensemble_survives_lightgbm(ensemble in ensembles(true), row in rows()) {
        let text = ensemble.to_lightgbm_text().unwrap();
        let again = read_model(text.as_bytes()).unwrap();
        prop_assert_eq!(again.link, ensemble.link);
        assert_close(&margins(&again, &row), &margins(&ensemble, &row), 1e-12);
    }

    #[test]
    fn every_ensemble_survives_xgboost(ensemble in ensembles(false), row in rows()) {
        let json = ensemble.to_xgboost_json().unwrap();
        let again = read_model(json.as_bytes()).unwrap();
        prop_assert_eq!(again.link, ensemble.link);
        assert_close(&margins(&again, &row), &margins(&ensemble, &row), 1e-6);
    }
}
